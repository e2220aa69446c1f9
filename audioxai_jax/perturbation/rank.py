"""Rank: which units of a sound's features come first.

A unit is what is ranked and edited as one: a feature, a frame, a channel, a pair of real and
imaginary part. Domains name their units by whole numbers, see `domains.protocol.Domain.units`;
None stands for each feature by itself.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats

RANKS = ("signed", "absolute")


def unit_scores(relevance: Array, units: np.ndarray | None = None, *, rank: str) -> Array:
    """What units are ranked by: the sum of relevance over each, `[n]`.

    Args:
      relevance: of the features, floating point.
      units: whole numbers from 0 to n - 1, of a shape that broadcasts to that of `relevance`.
      rank: "signed", or "absolute" for sums of absolute values.

    Raises:
      ValueError: for units that do not fit, or an unknown rank.
    """
    check_rank(rank)
    relevance = as_floats(relevance, "relevance")
    score = jnp.abs(relevance) if rank == "absolute" else relevance
    if units is None:
        return score.ravel()
    check_units(units, score.shape)
    shared = tuple(axis for axis, size in enumerate(units.shape) if size != score.shape[axis])
    score = jnp.sum(score, axis=shared, keepdims=True).ravel()
    labels = units.ravel()
    if np.array_equal(labels, np.arange(labels.size)):
        return score
    return jax.ops.segment_sum(score, jnp.asarray(labels), unit_number(score.shape, units))


def rank_positions(score: Array) -> Array:
    """Position of each unit in falling order of its score, from 0, ties by index; int32 `[n]`."""
    order = jnp.argsort(-score, stable=True)
    return jnp.zeros_like(order).at[order].set(jnp.arange(score.size, dtype=order.dtype))


def top_mask(
    score: Array, count: int | Array, like: Array, units: np.ndarray | None = None
) -> Array:
    """1 for features of the `count` units with the highest scores, else 0; typed as `like`.

    Args:
      score: of the units, `[n]`.
      count: how many; all if there are fewer.
      like: an array of the features' shape and dtype.
      units: see `unit_scores`.
    """
    return spread(rank_positions(score) < count, like.shape, units).astype(like.dtype)


def spread(values: Array, shape: tuple[int, ...], units: np.ndarray | None = None) -> Array:
    """A value of each unit `[n]`, as values of the features of some shape."""
    if units is None:
        return values.reshape(shape)
    labels = units.ravel()
    if not np.array_equal(labels, np.arange(labels.size)):
        values = values[jnp.asarray(labels)]
    return jnp.broadcast_to(values.reshape(units.shape), shape)


def unit_number(shape: tuple[int, ...], units: np.ndarray | None = None) -> int:
    """How many units features of some shape have."""
    return math.prod(shape) if units is None else int(units.max()) + 1


def kept_count(fraction: float | Array, number: int) -> int | Array:
    """`round(fraction * number)`, halves to even; on the host unless `fraction` is traced."""
    if isinstance(fraction, Array):
        return jnp.round(fraction * number).astype(jnp.int32)
    return round(fraction * number)


def check_rank(rank: str) -> None:
    """Raises ValueError for an unknown rank."""
    if rank not in RANKS:
        raise ValueError(f"unknown rank {rank!r}: choose one of {', '.join(RANKS)}")


def check_units(units: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises ValueError for units that do not fit features of some shape."""
    fits = np.ndim(units) == len(shape) and all(
        own in (1, size) for own, size in zip(np.shape(units), shape, strict=True)
    )
    if not fits or not np.issubdtype(np.asarray(units).dtype, np.integer):
        raise ValueError(
            f"units must be whole numbers whose shape broadcasts to the features' {list(shape)}, "
            f"got {np.asarray(units).dtype} {list(np.shape(units))}"
        )
