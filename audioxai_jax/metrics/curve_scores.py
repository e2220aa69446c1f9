"""Numbers made of perturbation curves: areas, mean drops, and the difference of two orders.

Each takes one input and the settings of `perturbation_curve`, but the edit and the order; the
fractions on the host. With the reading "probability", the usual one, areas are in [0, 1] and
differences in [-1, 1]. All are NaN where the curve is anywhere.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.perturbation.curves import Fractions, host_fractions, perturbation_curve
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
    places = host_fractions(fractions)
    if places.shape != curve.shape[-1:]:
        raise ValueError(f"{len(places)} fractions for a curve of {list(curve.shape)} points")
    width = np.diff(places)
    if len(places) < 2 or not np.all(width > 0):
        raise ValueError(f"fractions must rise, two or more of them, got {places.tolist()}")
    weight = np.zeros(len(places))
    weight[:-1] += width / 2
    weight[1:] += width / 2
    weights = jnp.asarray(weight / (places[-1] - places[0]), curve.dtype)
    return jnp.sum(curve * weights, axis=-1)


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
    **settings: Any,
) -> Array:
    """Area under the curve as the most relevant is deleted first; lower is better, in [0, 1].

    V. Petsiuk et al., "RISE", BMVC 2018. For arguments and errors, see
    `perturbation_curve` and `area`.
    """
    given = {"fractions": fractions, **settings}
    curve = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **given)
    return area(curve, fractions)


@checked
def insertion_auc(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    **settings: Any,
) -> Array:
    """Area under the curve as the most relevant is inserted first; higher is better, in [0, 1].

    V. Petsiuk et al., "RISE", BMVC 2018; they insert into a blurred input, here it is
    the replacement. For arguments and errors, see `perturbation_curve` and `area`.
    """
    given = {"fractions": fractions, **settings}
    curve = perturbation_curve(model, x, relevance, target, edit="insert", order="morf", **given)
    return area(curve, fractions)


@checked
def aopc(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    **settings: Any,
) -> Array:
    """Mean drop as the most relevant is deleted first, "area over the perturbation curve".

    Higher is better, in [-1, 1] for probabilities. W. Samek et al., IEEE TNNLS 28(11), 2017,
    equation 12, for one input and without their mean over inputs, see `mean_drop`. For arguments
    and errors, see `perturbation_curve`.

    Raises:
      ValueError: also if the fractions do not start at 0: the drop is from the whole input.
    """
    if host_fractions(fractions)[0] != 0:
        raise ValueError("the first fraction must be 0: the drop is from the whole input")
    given = {"fractions": fractions, **settings}
    curve = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **given)
    return mean_drop(curve)


@checked
def abpc(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    **settings: Any,
) -> Array:
    """Area between the deletion curves of the least and of the most relevant first.

    Higher is better, in [-1, 1] for probabilities; about 0 for relevance at random. S. Bluecher
    et al., "Decoupling Pixel Flipping and Occlusion Strategy", TMLR 2024, call it symmetric
    relevance gain. For arguments and errors, see `perturbation_curve` and `area`.
    """
    given = {"fractions": fractions, **settings}
    first = perturbation_curve(model, x, relevance, target, edit="delete", order="morf", **given)
    last = perturbation_curve(model, x, relevance, target, edit="delete", order="lerf", **given)
    return area(last, fractions) - area(first, fractions)


@checked
def faithfulness(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    fractions: Fractions = 20,
    **settings: Any,
) -> Array:
    """Insertion less deletion area, of the same fractions; higher is better, in [-1, 1].

    As G. Kasmi et al., "One Wave to Explain Them All" (WAM), 2025, have it. It is
    computed from its two areas: published tables do not always add up. With fractions that lie
    symmetrically in [0, 1] and units that they divide, it equals `abpc`. For arguments and errors,
    see `perturbation_curve` and `area`.
    """
    given = {"fractions": fractions, **settings}
    inserted = insertion_auc(model, x, relevance, target, **given)
    return inserted - deletion_auc(model, x, relevance, target, **given)
