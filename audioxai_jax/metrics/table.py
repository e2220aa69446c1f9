"""All metrics that give one number for one example: which way is better, in what range."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audioxai_jax.metrics.agreement import (
    feature_agreement,
    rank_agreement,
    sign_agreement,
    signed_rank_agreement,
    top_jaccard,
    top_overlap,
)
from audioxai_jax.metrics.audio_quality import (
    level_db,
    log_mel_distance,
    log_spectral_distance,
    mel_cepstral_distortion,
    si_sdr,
)
from audioxai_jax.metrics.clicks import click_level
from audioxai_jax.metrics.completeness import completeness_error, relative_completeness_error
from audioxai_jax.metrics.complexity import complexity, effective_complexity, sparseness
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.curve_differences import abpc, faithfulness
from audioxai_jax.metrics.curve_scores import aopc, deletion_auc, insertion_auc
from audioxai_jax.metrics.faithfulness import faithfulness_correlation, faithfulness_estimate
from audioxai_jax.metrics.infidelity import infidelity
from audioxai_jax.metrics.localisation import (
    attribution_localisation,
    pointing_game,
    relevance_mass_accuracy,
    relevance_rank_accuracy,
    weighted_attribution_localisation,
)
from audioxai_jax.metrics.mask_scores import (
    average_drop,
    average_drop_speechbrain,
    average_gain,
    average_increase,
    faithfulness_on_spectra,
    input_fidelity,
)
from audioxai_jax.metrics.randomisation import random_logit
from audioxai_jax.metrics.segments import segment_auc
from audioxai_jax.metrics.sensitivity import average_sensitivity, max_sensitivity

KINDS = ("relevance", "model", "method", "probabilities", "truth", "sound", "pair")
DIRECTIONS = ("higher", "lower", "zero", "neither")


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    Attributes:
      function: function of one example, returns a scalar. Arguments of one name mean one thing in
        all: `model`, `x`, `relevance`, `target`, `key`; `whole`, `kept`, `removed` (probabilities
        `[K]`); `a`, `b` (relevance); `estimate`, `sound`, `reference` (waveforms).
      of: kind of metric. "relevance" alone; "relevance" and a "model"; a "method", which
        explains again; "probabilities"; relevance beside a known "truth"; a "sound" beside another;
        a "pair" of explanations.
      better: "higher", "lower", "zero" (nearest to it), or "neither", for what describes.
      low, high: the range for finite input, with the usual settings.
      reference: paper that proposed it.
    """

    function: Callable[..., Any]
    of: str
    better: str
    low: float
    high: float
    reference: str


PETSIUK = "Petsiuk et al., RISE, BMVC 2018"
SAMEK = "Samek et al., IEEE TNNLS 28(11), 2017, equation 12"
BLUECHER = "Bluecher et al., TMLR 2024"
KASMI = "Kasmi et al., WAM, 2025"
CHATTOPADHAY = "Chattopadhay et al., Grad-CAM++, WACV 2018"
PAISSAN = "Paissan et al., L-MAC, ICML 2024, arXiv 2403.13086"
INFINITY = math.inf
YEH = "Yeh et al., NeurIPS 2019"
KRISHNA = "Krishna et al., TMLR 2024"
ARRAS = "Arras et al., Information Fusion 81, 2022"
KOHLBRENNER = "Kohlbrenner et al., IJCNN 2020"
SUNDARARAJAN = "Sundararajan et al., ICML 2017, proposition 1"

METRICS: dict[str, Metric] = {
    "deletion_auc": Metric(deletion_auc, "model", "lower", 0, 1, PETSIUK),
    "insertion_auc": Metric(insertion_auc, "model", "higher", 0, 1, PETSIUK),
    "aopc": Metric(aopc, "model", "higher", -1, 1, SAMEK),
    "abpc": Metric(abpc, "model", "higher", -1, 1, BLUECHER),
    "faithfulness": Metric(faithfulness, "model", "higher", -1, 1, KASMI),
    "average_increase": Metric(average_increase, "probabilities", "higher", 0, 100, CHATTOPADHAY),
    "average_drop": Metric(average_drop, "probabilities", "lower", 0, 100, CHATTOPADHAY),
    "average_gain": Metric(
        average_gain, "probabilities", "higher", 0, 100, "Zhang et al., Opti-CAM, 2023"
    ),
    "faithfulness_on_spectra": Metric(
        faithfulness_on_spectra, "probabilities", "higher", -1, 1, PAISSAN
    ),
    "input_fidelity": Metric(input_fidelity, "probabilities", "higher", 0, 1, PAISSAN),
    "average_drop_speechbrain": Metric(
        average_drop_speechbrain,
        "probabilities",
        "lower",
        0,
        100 * (1 - math.exp(-1)),
        "SpeechBrain, recipes/ESC50/interpret",
    ),
    "sparseness": Metric(sparseness, "relevance", "higher", 0, 1, "Chalasani et al., ICML 2020"),
    "complexity": Metric(
        complexity,
        "relevance",
        "lower",
        0,
        INFINITY,
        "Bhatt et al., IJCAI 2020, definition 3",
    ),
    "effective_complexity": Metric(
        effective_complexity,
        "relevance",
        "lower",
        1,
        INFINITY,
        "Nguyen and Rodriguez Martinez, arXiv 2007.07584",
    ),
    "rank_correlation": Metric(rank_correlation, "pair", "higher", -1, 1, "Spearman, 1904"),
    "si_sdr": Metric(
        si_sdr,
        "sound",
        "higher",
        -INFINITY,
        INFINITY,
        "Le Roux et al., ICASSP 2019, equation 3",
    ),
    "log_mel_distance": Metric(log_mel_distance, "sound", "lower", 0, INFINITY, "this library"),
    "level_db": Metric(level_db, "sound", "neither", -INFINITY, INFINITY, "RMS level"),
    "click_level": Metric(click_level, "sound", "lower", -INFINITY, INFINITY, "this library"),
    "completeness_error": Metric(completeness_error, "model", "lower", 0, INFINITY, SUNDARARAJAN),
    "relative_completeness_error": Metric(
        relative_completeness_error, "model", "lower", 0, INFINITY, SUNDARARAJAN
    ),
    "infidelity": Metric(infidelity, "model", "lower", 0, INFINITY, YEH),
    "faithfulness_correlation": Metric(
        faithfulness_correlation, "model", "higher", -1, 1, "Bhatt et al., IJCAI 2020"
    ),
    "faithfulness_estimate": Metric(
        faithfulness_estimate,
        "model",
        "higher",
        -1,
        1,
        "Alvarez-Melis and Jaakkola, NeurIPS 2018",
    ),
    "max_sensitivity": Metric(max_sensitivity, "method", "lower", 0, INFINITY, YEH),
    "average_sensitivity": Metric(
        average_sensitivity, "method", "lower", 0, INFINITY, "Bhatt et al., IJCAI 2020"
    ),
    "random_logit": Metric(random_logit, "method", "lower", -1, 1, "Sixt et al., ICML 2020"),
    "pointing_game": Metric(pointing_game, "truth", "higher", 0, 1, "Zhang et al., ECCV 2016"),
    "relevance_rank_accuracy": Metric(relevance_rank_accuracy, "truth", "higher", 0, 1, ARRAS),
    "relevance_mass_accuracy": Metric(relevance_mass_accuracy, "truth", "higher", 0, 1, ARRAS),
    "attribution_localisation": Metric(
        attribution_localisation, "truth", "higher", 0, 1, KOHLBRENNER
    ),
    "weighted_attribution_localisation": Metric(
        weighted_attribution_localisation, "truth", "higher", 0, INFINITY, KOHLBRENNER
    ),
    "segment_auc": Metric(segment_auc, "truth", "higher", 0, 1, "arXiv 2506.04391"),
    "top_overlap": Metric(top_overlap, "pair", "higher", 0, 1, KRISHNA),
    "top_jaccard": Metric(top_jaccard, "pair", "higher", 0, 1, "Jaccard, 1901"),
    "feature_agreement": Metric(feature_agreement, "pair", "higher", 0, 1, KRISHNA),
    "sign_agreement": Metric(sign_agreement, "pair", "higher", 0, 1, KRISHNA),
    "rank_agreement": Metric(rank_agreement, "pair", "higher", 0, 1, KRISHNA),
    "signed_rank_agreement": Metric(signed_rank_agreement, "pair", "higher", 0, 1, KRISHNA),
    "log_spectral_distance": Metric(
        log_spectral_distance,
        "sound",
        "lower",
        0,
        INFINITY,
        "Gray and Markel, IEEE Trans. ASSP 24(5), 1976",
    ),
    "mel_cepstral_distortion": Metric(
        mel_cepstral_distortion,
        "sound",
        "lower",
        0,
        INFINITY,
        "Kubichek, IEEE Pacific Rim 1993",
    ),
}

__all__ = ["METRICS", "Metric", *METRICS]  # pyright: ignore[reportUnsupportedDunderAll]
