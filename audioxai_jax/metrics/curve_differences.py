"""Differences of two perturbation curves: of two orders, or of keeping and deleting.

Inputs and options as in `curve_scores`: a model of features and these features, or a model of
audio, the audio and a `domain`, whose features are edited.
"""

from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.metrics.curve_scores import area
from audioxai_jax.perturbation.curves import Value, perturbation_curve
from audioxai_jax.perturbation.fractions import Fractions
from audioxai_jax.types import Model


@checked
def abpc(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    base: Value | None = None,
    question: str = "probability",
    domain: Domain | None = None,
    units: np.ndarray | None = None,
    chunk: int | None = None,
) -> Array:
    """Area between the deletion curves of the least and of the most relevant first.

    Higher is better, in [-1, 1] for probabilities; about 0 for relevance at random. S. Bluecher
    et al., "Decoupling Pixel Flipping and Occlusion Strategy", TMLR 2024, call it symmetric
    relevance gain.

    Args:
      model: one input to logits `[K]`: a function of features, or, with a domain, of audio.
      x: input of the model, floating point.
      relevance: relevance of the features, or with axes of length 1.
      target: class whose output is asked for.
      fractions: M of them in [0, 1], on the host, rising; or a number of equal steps from 0 to 1.
      base: values that stand for absent features; the domain's own if None, 0 without a domain.
      question: "probability", "logit", "class" or "agreement".
      domain: view of the audio whose features are edited; None if x is the features.
      units: labels of the units; the domain's default if None.
      chunk: evaluations of the model at once; all if None.

    Raises:
      ValueError: as `perturbation_curve` and `area`.
    """
    how: dict[str, Any] = {"fractions": fractions, "base": base, "question": question}
    how |= {"domain": domain, "units": units, "chunk": chunk}
    upper = perturbation_curve(model, x, relevance, target, edit="delete", order="lerf", **how)
    lower = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **how)
    return area(upper - lower, fractions)


@checked
def faithfulness(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    base: Value | None = None,
    question: str = "probability",
    domain: Domain | None = None,
    units: np.ndarray | None = None,
    chunk: int | None = None,
) -> Array:
    """Insertion less deletion area, of the same fractions; higher is better, in [-1, 1].

    As G. Kasmi et al., "One Wave to Explain Them All" (WAM), 2025, have it. It is
    computed from its two areas: published tables do not always add up. With fractions that lie
    symmetrically in [0, 1] and units that they divide, it equals `abpc`.

    Args:
      model: one input to logits `[K]`: a function of features, or, with a domain, of audio.
      x: input of the model, floating point.
      relevance: relevance of the features, or with axes of length 1.
      target: class whose output is asked for.
      fractions: M of them in [0, 1], on the host, rising; or a number of equal steps from 0 to 1.
      base: values that stand for absent features; the domain's own if None, 0 without a domain.
      question: "probability", "logit", "class" or "agreement".
      domain: view of the audio whose features are edited; None if x is the features.
      units: labels of the units; the domain's default if None.
      chunk: evaluations of the model at once; all if None.

    Raises:
      ValueError: as `perturbation_curve` and `area`.
    """
    how: dict[str, Any] = {"fractions": fractions, "base": base, "question": question}
    how |= {"domain": domain, "units": units, "chunk": chunk}
    upper = perturbation_curve(model, x, relevance, target, edit="keep", order="morf", **how)
    lower = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **how)
    return area(upper - lower, fractions)
