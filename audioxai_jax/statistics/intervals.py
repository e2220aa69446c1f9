"""Intervals over clips, and over speakers if there are enough of them."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.statistics.bootstrap import bootstrap_interval

SPEAKERS = 10
"""Minimum number of speakers for an interval over speakers; with fewer, coverage is too low."""


def intervals(
    values: Array | np.ndarray,
    key: Array,
    *,
    speakers: Array | np.ndarray | None = None,
    interval: Callable[..., tuple[Array, Array]] = bootstrap_interval,
) -> dict[str, np.ndarray]:
    """95 % intervals of the mean, or another statistic, over clips and over speakers.

    Clips of one speaker are not independent: an interval over clips says nothing of other
    speakers, one over speakers does.

    Args:
      values: one per clip, `[N, ..]`; axes after the first are independent quantities.
      key: consumed; both intervals draw from it.
      speakers: number of each clip's speaker `[N]`, -1 where it is not known.
      interval: `(values, key, *, groups=None) -> (low, high)`: `bootstrap_interval` of the mean,
        `median_interval`.

    Returns:
      "low" and "high", each `[..]`; of SPEAKERS or more "speakers_low" and "speakers_high", too.
      NaN of no clips, and as `interval` has it.
    """
    values = np.asarray(values) if not isinstance(values, Array) else values
    if not values.shape[0]:
        unknown = np.full(values.shape[1:], np.nan, np.float32)
        return {"low": unknown, "high": unknown}
    groups: dict[str, Array | None] = {"": None}
    if speakers is not None and enough_speakers(speakers):
        groups["speakers_"] = jnp.asarray(speakers)
    ends = {}
    for who, group in groups.items():
        low, high = interval(values, key, groups=group)
        ends |= {f"{who}low": np.asarray(low), f"{who}high": np.asarray(high)}
    return ends


def mean_with_intervals(
    values: Array | np.ndarray, key: Array, *, speakers: Array | np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The "mean" of values `[N, ..]` over clips, with its `intervals`."""
    return {"mean": np.mean(values, axis=0), **intervals(values, key, speakers=speakers)}


def enough_speakers(speakers: Array | np.ndarray) -> bool:
    """Whether clips are of SPEAKERS or more; -1 is a clip whose speaker is not known."""
    numbers = np.asarray(speakers)
    return len(np.unique(numbers[numbers >= 0])) >= SPEAKERS
