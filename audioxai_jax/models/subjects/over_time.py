"""One answer for a clip from answers for each frame: their mean, the largest, or a stretch."""

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array

Over: TypeAlias = str | tuple[float, float]
"""Frames that count: "mean" or "maximum" over all, or the mean over (from, to), in seconds."""


def check_over(over: Over) -> Over:
    """What was asked for, a stretch as a tuple of floats.

    Raises:
      ValueError: for other words, and for a stretch that is empty or begins before the clip.
    """
    if isinstance(over, str):
        if over not in ("mean", "maximum"):
            raise ValueError(f'over={over!r}: give "mean", "maximum" or (from, to) in seconds')
        return over
    try:
        start, stop = (float(second) for second in over)
    except (TypeError, ValueError):
        raise ValueError(
            f'over={over!r}: give "mean", "maximum" or (from, to) in seconds'
        ) from None
    if not 0 <= start < stop < np.inf:
        raise ValueError(f"over=({start:g}, {stop:g}): need 0 <= from < to, in seconds")
    return start, stop


def pooled(frames: Array, over: Over, seconds: float) -> Array:
    """`[F, K]` to `[K]`.

    Args:
      frames: an answer for each frame, `[F, K]`.
      over: frames that count, from `check_over`.
      seconds: distance of two frames, s.

    Raises:
      ValueError: if the stretch is not within the clip.
    """
    if over == "mean":
        return jnp.mean(frames, axis=0)
    if over == "maximum":
        return jnp.max(frames, axis=0)
    start, stop = (float(second) for second in over)
    first = round(start / seconds)
    last = max(first + 1, round(stop / seconds))
    if last > frames.shape[0]:
        raise ValueError(
            f"over=({start:g}, {stop:g}): the clip has {frames.shape[0]} frames of "
            f"{seconds:g} s, which end at {frames.shape[0] * seconds:g} s"
        )
    return jnp.mean(frames[first:last], axis=0)
