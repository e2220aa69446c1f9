"""Numbers made of one perturbation curve: its area, its mean drop.

Each takes one input, in either of two forms: a model of features and these features, or a model of
audio, the audio and a `domain`, whose features are edited. So any classifier is judged in any
domain. With the question "probability", the usual one, areas are in [0, 1] and drops in [-1, 1].
All are NaN where the curve is anywhere. Two curves make the numbers of `curve_differences`.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.core.trapezoids import trapezoid_weights
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.perturbation.curves import Value, perturbation_curve
from audioxai_jax.perturbation.fractions import Fractions, host_fractions
from audioxai_jax.types import Model


def area(curve: Array, fractions: Fractions) -> Array:
    """Area under a curve by trapezoids, over its width: the mean height.

    Over fractions from 0 to 1 it is the integral. V. Petsiuk et al., "RISE", BMVC 2018.

    Args:
      curve: `[..., M]`.
      fractions: `[M]`, rising, on the host; or a number of equal steps M - 1.

    Returns:
      `[...]`, between the least and the largest of the curve; NaN where the curve has one.

    Raises:
      ValueError: for fractions that do not fit the curve, do not rise, or are a single one.
    """
    points = host_fractions(fractions)
    if points.shape != curve.shape[-1:]:
        raise ValueError(f"{len(points)} fractions for a curve of {list(curve.shape)} points")
    if len(points) < 2 or not np.all(np.diff(points) > 0):
        raise ValueError(f"fractions must rise, two or more of them, got {points.tolist()}")
    return jnp.sum(curve * jnp.asarray(trapezoid_weights(points), curve.dtype), axis=-1)


def mean_drop(curve: Array) -> Array:
    """`1/(L + 1) sum_(k=0..L) (f_0 - f_k)` of a curve that starts at the whole input.

    W. Samek et al., IEEE TNNLS 28(11), 2017, equation 12, for one input. The first term is
    0 and counts in the mean, as there.

    Args:
      curve: `[..., L + 1]`, see `area`.
    """
    return curve[..., 0] - jnp.mean(curve, axis=-1)


@checked
def deletion_auc(
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
    """Area under the curve as the most relevant is deleted first; lower is better, in [0, 1].

    V. Petsiuk et al., "RISE", BMVC 2018.

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
    curve = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **how)
    return area(curve, fractions)


@checked
def insertion_auc(
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
    """Area under the curve as the most relevant is kept first; higher is better, in [0, 1].

    V. Petsiuk et al., "RISE", BMVC 2018; they insert into a blurred input, here into the base.

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
    curve = perturbation_curve(model, x, relevance, target, edit="keep", order="morf", **how)
    return area(curve, fractions)


@checked
def aopc(
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
    """Mean drop as the most relevant is deleted first, "area over the perturbation curve".

    Higher is better, in [-1, 1] for probabilities. W. Samek et al., IEEE TNNLS 28(11), 2017,
    equation 12, for one input and without their mean over inputs, see `mean_drop`.

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
      ValueError: as `perturbation_curve`, and if the fractions do not start at 0: the drop is from
        the whole input.
    """
    if host_fractions(fractions)[0] != 0:
        raise ValueError("the first fraction must be 0: the drop is from the whole input")
    how: dict[str, Any] = {"fractions": fractions, "base": base, "question": question}
    how |= {"domain": domain, "units": units, "chunk": chunk}
    curve = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **how)
    return mean_drop(curve)
