"""Rank: which units of a sound's features come first.

A unit is what is ranked and edited as one: a feature, a frame, a channel, a pair of real and
imaginary part. Domains name their units by whole numbers, see `domains.protocol.Domain.units`;
None stands for each feature by itself.

Relevance gives a score to each unit, and so do two controls that know nothing of the model:
`random_scores`, and `magnitude_scores`, what is largest first.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats

SIGNS = ("signed", "absolute")
"""Ranks that relevance alone gives: by its sum, or by the sum of its absolute values."""
RANKS = (*SIGNS, "hearable")
"""All ranks; "hearable" is by size and the relevance around, see `perturbation.hearable`."""
ORDERS = ("morf", "lerf")
"""Most relevant first, least relevant first (W. Samek et al., IEEE TNNLS 28(11), 2017)."""


def unit_scores(relevance: Array, units: np.ndarray | None = None, *, rank: str) -> Array:
    """What units are ranked by: the sum of relevance over each, `[n]`.

    Args:
      relevance: relevance of the features, floating point.
      units: whole numbers from 0 to n - 1, of a shape that broadcasts to that of `relevance`.
      rank: "signed", or "absolute" for sums of absolute values.

    Raises:
      ValueError: for units that do not fit, or a rank that relevance alone does not give.
    """
    check_sign(rank)
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


def random_scores(key: Array, number: int) -> Array:
    """Scores of units that make each as likely to come first: the random control, `[n]`."""
    return jax.random.uniform(key, (number,))


def drawn_scores(drawn: Array, units: np.ndarray | None = None, *, rank: str) -> Array:
    """Scores of units, of values of a standard normal: each is as likely to come first, `[n]`.

    Args:
      drawn: independent values of the features, floating point.
      units: see `unit_scores`. Sums over units of several sizes are divided by their deviation.
      rank: one of RANKS; "absolute" ranks units of one size by sums of absolute values.
    """
    sizes = unit_sizes(drawn.shape, units)
    if np.all(sizes == sizes[0]):
        return unit_scores(drawn, units, rank="absolute" if rank == "absolute" else "signed")
    score = unit_scores(drawn, units, rank="signed")
    return score / jnp.asarray(np.sqrt(sizes), score.dtype)


def magnitude_scores(size: Array, units: np.ndarray | None = None) -> Array:
    """Scores of units by how large they are: the magnitude control, `[n]`.

    Args:
      size: size of each feature, see `domains.protocol.Domain.size`.
      units: see `unit_scores`.
    """
    return unit_scores(size, units, rank="signed")


def rank_positions(score: Array, among: Array | None = None) -> Array:
    """Position of each unit in falling order of its score, from 0, ties by index; int32 `[n]`.

    Args:
      score: score of the units, `[n]`.
      among: False for units that come last, bool `[n]`; all take part if None.
    """
    order = jnp.argsort(-score, stable=True)
    if among is not None:
        order = order[jnp.argsort(~among[order], stable=True)]
    return jnp.zeros_like(order).at[order].set(jnp.arange(score.size, dtype=order.dtype))


def order_positions(score: Array, order: str) -> Array:
    """`rank_positions` in one of ORDERS: "lerf" is "morf" from its end, to the last tie.

    Raises:
      ValueError: for an unknown order.
    """
    check_order(order)
    positions = rank_positions(score)
    return positions if order == "morf" else score.size - 1 - positions


def top_mask(
    score: Array, count: int | Array, like: Array, units: np.ndarray | None = None
) -> Array:
    """1 for features of the `count` units with the highest scores, else 0; typed as `like`.

    Args:
      score: score of the units, `[n]`.
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


def unit_sizes(shape: tuple[int, ...], units: np.ndarray | None = None) -> np.ndarray:
    """Features of each unit, `[n]`, counted on the host."""
    if units is None:
        return np.ones(math.prod(shape))
    return np.bincount(units.ravel()) * (math.prod(shape) // units.size)


def kept_count(fraction: float | Array, number: int) -> int | Array:
    """`round(fraction * number)`, halves to even; on the host unless `fraction` is traced."""
    if isinstance(fraction, Array):
        return jnp.round(fraction * number).astype(jnp.int32)
    return round(fraction * number)


def find_units(
    ranked: tuple[int, ...], shape: tuple[int, ...], units: np.ndarray | None = None
) -> np.ndarray | None:
    """The units that are edited, of relevance that may be given for units itself.

    Args:
      ranked: shape of the relevance: that of the features, whose sums over `units` count, or one
        with axes of length 1, along which all is edited together: `[F, 1]` ranks the frames of
        features `[F, C]`, `[1, C]` the channels.
      shape: shape of the features.
      units: see `unit_scores`.

    Returns:
      Labels that broadcast to the features' shape; None for each feature by itself.

    Raises:
      ValueError: for a shape that does not fit.
    """
    if ranked == shape:
        if units is not None:
            check_units(units, shape)
        return units
    if len(ranked) != len(shape) or any(a not in (1, b) for a, b in zip(ranked, shape)):
        raise ValueError(
            f"relevance is {list(ranked)}, the features are {list(shape)}: give it their shape, or "
            "axes of length 1 along which features are edited together"
        )
    return np.arange(math.prod(ranked)).reshape(ranked)


def unit_mask(
    positions: Array, count: int | Array, shape: tuple[int, ...], units: np.ndarray | None = None
) -> Array:
    """True for features of the first `count` units, in features of some shape.

    Args:
      positions: positions of the units, see `rank_positions`.
      count: how many; all if there are fewer.
      shape: shape of the features.
      units: see `unit_scores`.
    """
    return spread(positions < count, shape, units)


def check_order(order: str) -> None:
    """Raises ValueError for an unknown order."""
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: choose one of {', '.join(ORDERS)}")


def check_rank(rank: str) -> None:
    """Raises ValueError for an unknown rank."""
    if rank not in RANKS:
        raise ValueError(f"unknown rank {rank!r}: choose one of {', '.join(RANKS)}")


def check_sign(rank: str) -> None:
    """Raises ValueError for a rank that is unknown, or that needs more than relevance."""
    check_rank(rank)
    if rank == "hearable":
        raise ValueError(
            "rank 'hearable' needs the sound, and here is relevance alone: choose signed or "
            "absolute, or see perturbation.hearable"
        )


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
