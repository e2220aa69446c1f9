"""Masks: which latent features an explanation keeps."""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.records import record
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
    if not isinstance(keep, Array) and not 0 <= keep <= 1:
        raise ValueError(f"keep must be a fraction between 0 and 1, got {keep}")
    if rank not in RANKS:
        raise ValueError(f"unknown rank {rank!r}: choose one of {', '.join(RANKS)}")
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r}: choose one of {', '.join(UNITS)}")
    return TopFraction(keep=keep, rank=rank, unit=unit)


@record(static=("rank", "unit"))
class TopFraction:
    keep: float | Array
    rank: str
    unit: str

    def __call__(self, relevance: Array) -> Array:
        score = jnp.abs(relevance) if self.rank == "absolute" else relevance
        if self.unit == "frame":
            score = jnp.sum(score, axis=1, keepdims=True)
        elif self.unit == "channel":
            score = jnp.sum(score, axis=0, keepdims=True)
        count = kept_count(self.keep, score.size)
        order = jnp.argsort(-score.ravel(), stable=True)
        place = jnp.zeros_like(order).at[order].set(jnp.arange(score.size, dtype=order.dtype))
        mask = (place < count).reshape(score.shape)
        return jnp.broadcast_to(mask, relevance.shape).astype(relevance.dtype)


def kept_count(keep: float | Array, size: int) -> int | Array:
    """`round(keep * size)`, halves to even; on the host unless `keep` is traced."""
    if isinstance(keep, Array):
        return jnp.round(keep * size).astype(jnp.int32)
    return round(keep * size)
