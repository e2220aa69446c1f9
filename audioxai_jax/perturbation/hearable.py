"""Hearable rank: evidence, and the loud sound around it, so that what is kept is heard.

A few scattered cells of a sound are evidence to a model and noise to an ear. With relevance R_u of
a unit u, its size s_u, and a Gaussian G over units that lie beside each other,

    score_u = s_u^2 (G * max(R, 0))_u

so that loud surroundings of evidence are kept with it, while sound without evidence near it, and
evidence without sound, come late.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats, check_number
from audioxai_jax.domains.grid import places
from audioxai_jax.domains.protocol import Grid
from audioxai_jax.perturbation.rank import check_rank, unit_number, unit_scores

TIME_SECONDS = 0.02
"""Standard deviation of the blur along time, whatever the step of the units."""
ACROSS_STEPS = 1.0
"""Standard deviation of the blur along another axis with an order, in steps of the units."""
REACH = 4
"""Standard deviations at which the Gaussian is cut off."""


def hearable_scores(
    relevance: Array,
    size: Array,
    units: np.ndarray | None = None,
    *,
    time: float = 1.6,
    across: float = 1.0,
) -> Array:
    """Scores of units by their size and the evidence around them, `[n]`.

    Units that lie on no grid, see `domains.grid.places`, have no neighbours: their score is
    `size**2 * max(relevance, 0)`. For units of a domain see `ranked_scores`, which knows along
    which axes neighbours sound alike.

    Args:
      relevance: relevance of the features, floating point, signed.
      size: size of each feature, of their shape, of which a unit has the mean; or size of each
        unit, `[n]`, see `mean_size`.
      units: labels of the units, see `rank.unit_scores`.
      time: standard deviation along the first axis, in steps of the units; 0 for no blur.
      across: likewise along all other axes.

    Raises:
      ValueError: for shapes or units that do not fit, or a deviation that is not a number from 0.
    """
    relevance = as_floats(relevance, "relevance")
    deviations = (time, *[across] * (relevance.ndim - 1))
    return _scores(relevance, size, units, deviations)


def ranked_scores(
    relevance: Array,
    units: np.ndarray | None = None,
    *,
    rank: str,
    size: Array | None = None,
    grid: Grid | None = None,
) -> Array:
    """Scores of units by any of `rank.RANKS`, `[n]`.

    "hearable" is `hearable_scores` with a blur of 20 ms along time, one step along other axes with
    an order, and none along the rest.

    Args:
      relevance: relevance of the features, floating point.
      units: labels of the units, see `rank.unit_scores`.
      rank: "signed", "absolute" or "hearable".
      size: size of each feature, as `domain.size` says; "hearable" needs it.
      grid: places of the units, see `domains.grid.unit_grid`; "hearable" needs it.

    Raises:
      ValueError: for an unknown rank, units that do not fit, or a missing size or grid.
    """
    check_rank(rank)
    if rank != "hearable":
        return unit_scores(relevance, units, rank=rank)
    if size is None or grid is None:
        raise ValueError(
            "rank 'hearable' needs how large features are and how their units lie: give size and "
            "grid, as explain does (domain.size(features), domains.grid.unit_grid), or another rank"
        )
    relevance = as_floats(relevance, "relevance")
    return _scores(relevance, mean_size(size, units, grid), units, deviations_of(grid))


def mean_size(size: Array, units: np.ndarray | None = None, grid: Grid | None = None) -> Array:
    """How large each unit is: the mean over its features that tell it, `[n]`.

    Of a band of a frame in a codec with `cells` its level alone tells, of other units all features.

    Args:
      size: size of each feature, as `domain.size` says.
      units: labels of the units, see `rank.unit_scores`.
      grid: places of the units; its `counted` features tell; all if None.
    """
    size = counted_size(size, grid)
    if units is None:
        return size.ravel()
    counted = counted_size(jnp.ones_like(size), grid)
    total = unit_scores(size, units, rank="signed")
    return total / unit_scores(counted, units, rank="signed")


def counted_size(size: Array, grid: Grid | None) -> Array:
    """The size of the features that tell how large their unit is; 0 for all others."""
    size = as_floats(size, "size")
    if grid is None or grid.counted is None:
        return size
    return jnp.where(jnp.asarray(grid.counted), size, jnp.zeros((), size.dtype))


def deviations_of(grid: Grid) -> tuple[float, ...]:
    """Standard deviation of the blur along each axis of a grid, in steps of its units."""
    return tuple(
        TIME_SECONDS / seconds if seconds else ACROSS_STEPS * (axis in grid.ordered)
        for axis, seconds in enumerate(grid.seconds)
    )


def _scores(
    relevance: Array, size: Array, units: np.ndarray | None, deviations: tuple[float, ...]
) -> Array:
    size = as_floats(size, "size")
    number = unit_number(relevance.shape, units)
    if size.shape == relevance.shape:
        size = mean_size(size, units)
    if size.shape != (number,):
        raise ValueError(
            f"size is {list(size.shape)}: give that of the features, {list(relevance.shape)}, or "
            f"that of their units, [{number}]"
        )
    evidence = jnp.maximum(unit_scores(relevance, units, rank="signed"), 0)
    shape = relevance.shape if units is None else _grid_shape(units)
    if shape is not None:
        evidence = blurred(evidence.reshape(shape), deviations).ravel()
    return size**2 * evidence


def _grid_shape(units: np.ndarray) -> tuple[int, ...] | None:
    along = places(np.asarray(units))
    return None if along is None else tuple(int(place.max()) + 1 for place in along)


def blurred(values: Array, deviations: tuple[float, ...]) -> Array:
    """Values blurred along each axis by a Gaussian, with zeros outside.

    It is cut off at REACH standard deviations, and its weights sum to 1.

    Args:
      values: floating point.
      deviations: standard deviation along each axis, in steps; 0 for no blur.

    Raises:
      ValueError: for a deviation that is not a number from 0 up.
    """
    for axis, deviation in enumerate(deviations):
        _check_deviation(deviation)
        if deviation > 0 and values.shape[axis] > 1:
            values = _along(values, axis, float(deviation))
    return values


def _along(values: Array, axis: int, deviation: float) -> Array:
    """One axis: a sum over shifts, which says the same of an example in any batch."""
    reach, count = int(REACH * deviation + 0.5), values.shape[axis]
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    inside = np.abs(steps) < count  # further shifts are of zeros alone
    kernel = jnp.asarray((weights / weights.sum())[inside], values.dtype)
    width = len(kernel) // 2
    padded = jnp.pad(values, [(width, width) if k == axis else (0, 0) for k in range(values.ndim)])

    def add(total: Array, shift: tuple[Array, Array]) -> tuple[Array, None]:
        weight, start = shift
        return total + weight * jax.lax.dynamic_slice_in_dim(padded, start, count, axis), None

    return jax.lax.scan(add, jnp.zeros_like(values), (kernel, jnp.arange(len(kernel))))[0]


def _check_deviation(value: float) -> None:
    check_number(value, "a standard deviation of the blur", "a number from 0 up")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(
            f"a standard deviation of the blur must be a number from 0 up, got {value}"
        )
