"""Masks: which latent features an explanation keeps."""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checks import as_floats, check_number
from audioxai_jax.core.records import record
from audioxai_jax.types import Masker

UNITS = ("feature", "frame", "channel")
RANKS = ("signed", "absolute")


def top_fraction(keep: float | Array, *, rank: str = "signed", unit: str = "feature") -> Masker:
    """Keeps the most relevant fraction of the units: exactly `round(keep * n)` of n.

    Ties go to the lowest index (a `>=` threshold would keep more). A frame's or a
    channel's relevance is the sum over its features.

    Args:
      keep: fraction in [0, 1]. It is traced: one compilation serves every fraction.
      rank: "signed" prefers evidence for the target and drops evidence against it
        first, as the paper's code does; "absolute" prefers either kind.
      unit: "feature" ranks the entries of the latent `[F, C]` one by one, "frame" its
        rows, "channel" its columns.

    Returns:
      A `Masker`, `relevance [F, C] -> mask [F, C]` of zeros and ones.

    Raises:
      ValueError: for a fraction outside [0, 1], an unknown rank or unit.
    """
    _check_fraction(keep)
    check_choice(rank, unit)
    return TopFraction(keep=keep, rank=rank, unit=unit)


def top_count(count: int | Array, *, rank: str = "signed", unit: str = "feature") -> Masker:
    """Keeps the `count` most relevant units; all if there are fewer.

    Args:
      count: a whole number from 0 up. It is traced, as in `top_fraction`, which see also for
        rank, unit, ties and the mask.

    Raises:
      ValueError: for a count that is negative or not whole, an unknown rank or unit.
    """
    check_count(count)
    check_choice(rank, unit)
    return TopCount(count=count, rank=rank, unit=unit)


def soft_top_fraction(
    keep: float | Array,
    *,
    temperature: float | Array,
    rank: str = "signed",
    unit: str = "feature",
) -> Masker:
    """A mask in [0, 1] that has a gradient: `sigmoid((score - threshold) / width)`.

    The threshold lies halfway between the last unit that `top_fraction` keeps and the first
    that it drops; width is the temperature times the standard deviation of the scores, which
    is held fixed when the mask is differentiated. As the temperature goes to 0, the mask goes
    to that of `top_fraction`, except that units which tie across the threshold stay at 1/2
    each. Keeping nothing or all is exact at any temperature.

    Args:
      temperature: above 0, traced.

    The other arguments are those of `top_fraction`.

    Raises:
      ValueError: as `top_fraction`, and for a temperature that is not positive.
    """
    _check_fraction(keep)
    check_choice(rank, unit)
    check_number(temperature, "temperature", "a number above 0")
    if not isinstance(temperature, Tracer) and not (
        float(temperature) > 0 and math.isfinite(float(temperature))
    ):
        raise ValueError(f"temperature must be a number above 0, got {temperature}")
    return SoftTopFraction(keep=keep, temperature=temperature, rank=rank, unit=unit)


@record(static=("rank", "unit"))
class TopFraction:
    keep: float | Array
    rank: str
    unit: str

    def __call__(self, relevance: Array) -> Array:
        score = unit_scores(relevance, rank=self.rank, unit=self.unit)
        return best(score, kept_count(self.keep, score.size), relevance)


@record(static=("rank", "unit"))
class TopCount:
    count: int | Array
    rank: str
    unit: str

    def __call__(self, relevance: Array) -> Array:
        return best(unit_scores(relevance, rank=self.rank, unit=self.unit), self.count, relevance)


@record(static=("rank", "unit"))
class SoftTopFraction:
    keep: float | Array
    temperature: float | Array
    rank: str
    unit: str

    def __call__(self, relevance: Array) -> Array:
        score = unit_scores(relevance, rank=self.rank, unit=self.unit)
        count = jnp.asarray(kept_count(self.keep, score.size))
        falling = -jnp.sort(-score.ravel())
        last = falling[jnp.clip(count - 1, 0, score.size - 1)]
        first = falling[jnp.clip(count, 0, score.size - 1)]
        width = self.temperature * jax.lax.stop_gradient(jnp.std(score))
        width = jnp.maximum(width, jnp.finfo(score.dtype).tiny)
        soft = jax.nn.sigmoid((score - (last + first) / 2) / width)
        mask = jnp.where(count <= 0, 0, jnp.where(count >= score.size, 1, soft))
        return jnp.broadcast_to(mask, relevance.shape).astype(relevance.dtype)


def unit_scores(relevance: Array, *, rank: str, unit: str) -> Array:
    """What the units are ranked by: `[F, C]` for features, `[F, 1]` frames, `[1, C]` channels."""
    relevance = as_floats(relevance, "relevance")
    score = jnp.abs(relevance) if rank == "absolute" else relevance
    if unit == "frame":
        return jnp.sum(score, axis=1, keepdims=True)
    if unit == "channel":
        return jnp.sum(score, axis=0, keepdims=True)
    return score


def unit_number(shape: tuple[int, ...], unit: str) -> int:
    """How many units a latent `[F, C]` has."""
    return {"feature": math.prod(shape), "frame": shape[0], "channel": shape[-1]}[unit]


def places(score: Array) -> Array:
    """Place of each unit in falling order of its score, from 0, ties by index; of its shape."""
    order = jnp.argsort(-score.ravel(), stable=True)
    place = jnp.zeros_like(order).at[order].set(jnp.arange(score.size, dtype=order.dtype))
    return place.reshape(score.shape)


def best(score: Array, count: int | Array, relevance: Array) -> Array:
    """1 for the units with the `count` highest scores, else 0, shaped and typed as relevance."""
    mask = places(score) < count
    return jnp.broadcast_to(mask, relevance.shape).astype(relevance.dtype)


def kept_count(keep: float | Array, size: int) -> int | Array:
    """`round(keep * size)`, halves to even; on the host unless `keep` is traced."""
    if isinstance(keep, Array):
        return jnp.round(keep * size).astype(jnp.int32)
    return round(keep * size)


def check_choice(rank: str, unit: str) -> None:
    """Raises ValueError for an unknown rank or unit."""
    if rank not in RANKS:
        raise ValueError(f"unknown rank {rank!r}: choose one of {', '.join(RANKS)}")
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r}: choose one of {', '.join(UNITS)}")


def check_count(count: int | Array) -> None:
    """Raises ValueError for a number of units that is negative, not whole, or not one number."""
    check_number(count, "count", "a whole number from 0 up")
    whole = jnp.issubdtype(jnp.result_type(count), jnp.integer)
    if not whole or (not isinstance(count, Tracer) and int(count) < 0):
        raise ValueError(f"count must be a whole number from 0 up, got {count}")


def _check_fraction(keep: float | Array) -> None:
    check_number(keep, "keep", "a fraction between 0 and 1")
    if not isinstance(keep, Tracer) and not 0 <= float(keep) <= 1:
        raise ValueError(f"keep must be a fraction between 0 and 1, got {keep}")
