"""All metrics that give one number for one example: which way is better, in what range."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audioxai_jax.metrics import areas, audio_quality, clicks, complexity, correlation, masking

KINDS = ("relevance", "model", "method", "probabilities", "truth", "sound", "pair")
DIRECTIONS = ("higher", "lower", "zero", "neither")


@dataclass(frozen=True)
class Metric:
    """What a metric is.

    Attributes:
      function: of one example, returns a scalar. Arguments of one name mean one thing in all:
        `model`, `x`, `relevance`, `target`, `key`; `whole`, `kept`, `removed` (probabilities
        `[K]`); `a`, `b` (relevance); `estimate`, `sound`, `reference` (waveforms).
      of: what is measured. "relevance" alone; "relevance" and a "model"; a "method", which
        explains again; "probabilities"; relevance beside a known "truth"; a "sound" beside
        another; a "pair" of explanations.
      better: "higher", "lower", "zero" (nearest to it), or "neither", for what describes.
      low, high: the range for finite input, with the usual settings.
      reference: where it was proposed.
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

METRICS: dict[str, Metric] = {
    "deletion_auc": Metric(areas.deletion_auc, "model", "lower", 0, 1, PETSIUK),
    "insertion_auc": Metric(areas.insertion_auc, "model", "higher", 0, 1, PETSIUK),
    "aopc": Metric(areas.aopc, "model", "higher", -1, 1, SAMEK),
    "abpc": Metric(areas.abpc, "model", "higher", -1, 1, BLUECHER),
    "faithfulness": Metric(areas.faithfulness, "model", "higher", -1, 1, KASMI),
    "average_increase": Metric(
        masking.average_increase, "probabilities", "higher", 0, 100, CHATTOPADHAY
    ),
    "average_drop": Metric(masking.average_drop, "probabilities", "lower", 0, 100, CHATTOPADHAY),
    "average_gain": Metric(
        masking.average_gain, "probabilities", "higher", 0, 100, "Zhang et al., Opti-CAM, 2023"
    ),
    "faithfulness_on_spectra": Metric(
        masking.faithfulness_on_spectra, "probabilities", "higher", -1, 1, PAISSAN
    ),
    "input_fidelity": Metric(masking.input_fidelity, "probabilities", "higher", 0, 1, PAISSAN),
    "average_drop_speechbrain": Metric(
        masking.average_drop_speechbrain,
        "probabilities",
        "lower",
        0,
        100 * (1 - math.exp(-1)),
        "SpeechBrain, recipes/ESC50/interpret",
    ),
    "sparseness": Metric(
        complexity.sparseness, "relevance", "higher", 0, 1, "Chalasani et al., ICML 2020"
    ),
    "complexity": Metric(
        complexity.complexity,
        "relevance",
        "lower",
        0,
        INFINITY,
        "Bhatt et al., IJCAI 2020, definition 3",
    ),
    "effective_complexity": Metric(
        complexity.effective_complexity,
        "relevance",
        "lower",
        1,
        INFINITY,
        "Nguyen and Rodriguez Martinez, arXiv 2007.07584",
    ),
    "rank_correlation": Metric(
        correlation.rank_correlation, "pair", "higher", -1, 1, "Spearman, 1904"
    ),
    "si_sdr": Metric(
        audio_quality.si_sdr,
        "sound",
        "higher",
        -INFINITY,
        INFINITY,
        "Le Roux et al., ICASSP 2019, equation 3",
    ),
    "log_mel_distance": Metric(
        audio_quality.log_mel_distance, "sound", "lower", 0, INFINITY, "this library"
    ),
    "level_db": Metric(
        audio_quality.level_db, "sound", "neither", -INFINITY, INFINITY, "RMS level"
    ),
    "click_level": Metric(
        clicks.click_level, "sound", "lower", -INFINITY, INFINITY, "this library"
    ),
}
