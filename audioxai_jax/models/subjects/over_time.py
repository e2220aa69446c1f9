"""One answer for a clip from answers for each frame: their mean, the largest, or a stretch."""

from typing import TypeAlias

from audioxai_jax.models.over_time import frames, maximum_over_time, mean_over_time
from audioxai_jax.types import Model

Over: TypeAlias = str | tuple[float, float]
"""Frames that count: "mean" or "maximum" over all, or the mean over (from, to), in seconds."""


def over_time(model: Model, over: Over, seconds: float) -> Model:
    """A model of a clip from a model of its frames.

    Args:
      model: one example to an answer for each frame, `[F, K]`.
      over: frames that count, see `Over`.
      seconds: distance of two frames, s.

    Raises:
      ValueError: for other words, and for a stretch that is empty or begins before the clip; when
        called, for a stretch that ends behind the clip.
    """
    if over == "mean":
        return mean_over_time(model)
    if over == "maximum":
        return maximum_over_time(model)
    try:
        start, stop = (float(second) for second in over)
        first = round(start / seconds)
        last = max(first + 1, round(stop / seconds)) if start < stop else first
        return frames(model, first, last)
    except (TypeError, ValueError, OverflowError):
        pass
    do = 'give "mean", "maximum" or (from, to) in seconds, 0 <= from < to'
    raise ValueError(f"over={over!r}: {do}")
