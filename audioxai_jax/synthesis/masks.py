"""Masks: which features an explanation keeps.

A `Masker` is given relevance and a `Context`, whose units say what is kept as one. It makes a mask
of the features' shape.
"""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checks import check_number, whole
from audioxai_jax.core.records import record
from audioxai_jax.perturbation.hearable import ranked_scores
from audioxai_jax.perturbation.rank import (
    check_rank,
    kept_count,
    rank_positions,
    spread,
    top_mask,
    unit_number,
    unit_scores,
    unit_sizes,
)
from audioxai_jax.perturbation.smallest import count_grid, smallest_set
from audioxai_jax.types import Context, Masker


def top_fraction(keep: float | Array, *, rank: str = "signed") -> Masker:
    """Keeps the most relevant fraction of the units: exactly `round(keep * n)` of n.

    Ties go to the lowest index (a `>=` threshold would keep more). A unit's relevance is the sum
    over its features.

    Args:
      keep: fraction in [0, 1]. It is traced: one compilation serves every fraction.
      rank: "signed" prefers evidence for the target and drops evidence against it
        first, as the paper's code does; "absolute" prefers either kind; "hearable" prefers what
        is loud where evidence for the target is near, see `perturbation.hearable`, and needs
        size and grid in the context, which `explain` gives.

    Returns:
      A `Masker`, `(relevance, context) -> mask` of zeros and ones.

    Raises:
      ValueError: for a fraction outside [0, 1], or an unknown rank.

    >>> top_fraction(0.5)(jnp.array([3.0, -5.0, 1.0, 2.0]), Context()).tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    check_fraction(keep)
    check_rank(rank)
    return TopFraction(keep=keep, rank=rank)


def top_count(count: int | Array, *, rank: str = "signed") -> Masker:
    """Keeps the `count` most relevant units; all if there are fewer.

    Args:
      count: a whole number from 0 up. It is traced: one compilation serves every count.
      rank: "signed", "absolute" or "hearable", see `top_fraction`.

    Raises:
      ValueError: for a count that is negative or not whole, or an unknown rank.

    >>> top_count(1, rank="absolute")(jnp.array([3.0, -5.0, 1.0]), Context()).tolist()
    [0.0, 1.0, 0.0]
    """
    check_count(count)
    check_rank(rank)
    return TopCount(count=count, rank=rank)


def soft_top_fraction(
    keep: float | Array, *, temperature: float | Array, rank: str = "signed"
) -> Masker:
    """A mask in [0, 1] that has a gradient: `sigmoid((score - threshold) / width)`.

    The threshold lies halfway between the last unit that `top_fraction` keeps and the first
    that it drops; width is the temperature times the standard deviation of the scores, which
    is held fixed when the mask is differentiated. As the temperature goes to 0, the mask goes
    to that of `top_fraction`, except that units which tie across the threshold stay at 1/2
    each. Keeping nothing or all is exact at any temperature.

    Args:
      keep: fraction in [0, 1], traced.
      temperature: above 0, traced.
      rank: "signed", "absolute" or "hearable", see `top_fraction`.

    Raises:
      ValueError: as `top_fraction`, and for a temperature that is not positive.
    """
    check_fraction(keep)
    check_rank(rank)
    check_number(temperature, "temperature", "a number above 0")
    if not isinstance(temperature, Tracer) and not (
        float(temperature) > 0 and math.isfinite(float(temperature))
    ):
        raise ValueError(f"temperature must be a number above 0, got {temperature}")
    return SoftTopFraction(keep=keep, temperature=temperature, rank=rank)


def smallest(*, rank: str = "signed", points: int = 32) -> Masker:
    """Keeps the fewest of the most relevant units whose sound is heard as the target.

    `perturbation.smallest.smallest_set` finds their number for each clip, on a grid of counts; all
    units are kept if none will do.

    Args:
      rank: "signed", "absolute" or "hearable", see `top_fraction`.
      points: counts that are examined first, 2 or more; see `count_grid`.

    Raises:
      ValueError: for an unknown rank, or too few points.
    """
    check_rank(rank)
    return Smallest(rank=rank, points=whole(points, "points", 2))


@record(static=("rank",))
class TopFraction:
    """See `top_fraction`."""

    keep: float | Array
    rank: str

    def __call__(self, relevance: Array, context: Context) -> Array:
        score = context_scores(relevance, context, self.rank)
        return top_mask(score, kept_count(self.keep, score.size), relevance, context.units)


@record(static=("rank",))
class TopCount:
    """See `top_count`."""

    count: int | Array
    rank: str

    def __call__(self, relevance: Array, context: Context) -> Array:
        score = context_scores(relevance, context, self.rank)
        return top_mask(score, self.count, relevance, context.units)


@record(static=("rank",))
class SoftTopFraction:
    """See `soft_top_fraction`."""

    keep: float | Array
    temperature: float | Array
    rank: str

    def __call__(self, relevance: Array, context: Context) -> Array:
        score = context_scores(relevance, context, self.rank)
        count = jnp.asarray(kept_count(self.keep, score.size))
        falling = -jnp.sort(-score)
        last = falling[jnp.clip(count - 1, 0, score.size - 1)]
        first = falling[jnp.clip(count, 0, score.size - 1)]
        width = self.temperature * jax.lax.stop_gradient(jnp.std(score))
        width = jnp.maximum(width, jnp.finfo(score.dtype).tiny)
        soft = jax.nn.sigmoid((score - (last + first) / 2) / width)
        mask = jnp.where(count <= 0, 0, jnp.where(count >= score.size, 1, soft))
        return spread(mask, relevance.shape, context.units).astype(relevance.dtype)


@record(static=("rank", "points"))
class Smallest:
    """See `smallest`."""

    rank: str
    points: int

    def __call__(self, relevance: Array, context: Context) -> Array:
        if context.heard is None or context.features is None or context.base is None:
            raise ValueError(
                "masks.smallest listens to what it keeps: its context needs features, base, heard "
                "and target, which explain gives"
            )
        number = unit_number(relevance.shape, context.units)
        return smallest_set(
            context.heard,
            context.features,
            relevance,
            context.target,
            base=context.base,
            counts=count_grid(number, self.points),
            rank=self.rank,
            units=context.units,
            size=context.size,
            grid=context.grid,
            chunk=8,
        ).mask


def context_scores(relevance: Array, context: Context, rank: str) -> Array:
    """Scores of a context's units by any rank, `[n]`, see `hearable.ranked_scores`."""
    return ranked_scores(relevance, context.units, rank=rank, size=context.size, grid=context.grid)


def as_masker(keep: float | str | Array | Masker, rank: str, number: int) -> Masker:
    """What `explain` keeps, as a `Masker` of an exact number of units.

    Raises:
      WrongType, ValueError: for another text, a fraction outside [0, 1], or an unknown rank.
    """
    check_rank(rank)
    if isinstance(keep, str):
        if keep != "smallest":
            raise ValueError(f"keep must be a fraction or 'smallest', got {keep!r}")
        return smallest(rank=rank)
    if callable(keep):
        return keep
    check_fraction(keep)
    return top_count(kept_count(keep, number), rank=rank)


def rearrange(mask: Array, score: Array, context: Context) -> Array:
    """A mask that keeps the same number of units as another, those of the highest scores `[n]`.

    Values of a soft mask go to the units in falling order.
    """
    values = unit_scores(mask, context.units, rank="signed")
    sizes = unit_sizes(mask.shape, context.units)
    falling = -jnp.sort(-values / sizes)
    chosen = falling[rank_positions(score)]
    return spread(chosen, mask.shape, context.units).astype(mask.dtype)


def check_count(count: int | Array) -> None:
    """Raises ValueError for a number of units that is negative, not whole, or not one number."""
    check_number(count, "count", "a whole number from 0 up")
    integer = jnp.issubdtype(jnp.result_type(count), jnp.integer)
    if not integer or (not isinstance(count, Tracer) and int(count) < 0):
        raise ValueError(f"count must be a whole number from 0 up, got {count}")


def check_fraction(keep: float | Array) -> None:
    """Raises ValueError for anything but one number in [0, 1]; a traced one is not looked at."""
    check_number(keep, "keep", "a fraction between 0 and 1")
    if not isinstance(keep, Tracer) and not 0 <= float(keep) <= 1:
        raise ValueError(f"keep must be a fraction between 0 and 1, got {keep}")
