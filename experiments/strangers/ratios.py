"""Retention: the share of clips heard in an arm, over the share heard with nothing edited.

`sum of kept / sum of whole` over clips, with percentile intervals of the bootstrap that draws
clips, or speakers with all their clips, and forms the ratio anew each time.
"""

import jax
import numpy as np
from jax import Array

from audioxai_jax.statistics.bootstrap import numbered
from audioxai_jax.statistics.intervals import intervals


def retention(
    kept: np.ndarray, whole: np.ndarray, key: Array, *, speakers: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The ratio of two means over the same clips, with its intervals.

    Args:
      kept: answers to an arm, in [0, 1], `[N, ..]`.
      whole: answers with nothing edited, of a shape that broadcasts to it, `[N, ..]`.
      key: consumed.
      speakers: number of each clip's speaker `[N]`.

    Returns:
      "mean", the ratio, "low" and "high", and of enough speakers "speakers_low" and
      "speakers_high", each `[..]`; NaN where nothing is heard with nothing edited.
    """
    pair = np.stack(np.broadcast_arrays(kept, whole), axis=1).astype(np.float64)
    ends = intervals(pair, key, speakers=speakers, interval=ratio_interval)
    return {"mean": _ratio(pair.mean(0)), **ends}


def ratio_interval(
    values: np.ndarray,
    key: Array,
    *,
    groups: Array | None = None,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of `mean(values[:, 0]) / mean(values[:, 1])`.

    Args:
      values: `[N, 2, ..]`.
      key: consumed.
      groups: speaker in each clip; those of -1 are in every resample, as in
        `audioxai_jax.statistics.bootstrap_interval`.
      samples: number of resampled ratios.
      level: coverage, in (0, 1).

    Returns:
      Lower and upper end, `[..]`.
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    groups = np.arange(count) if groups is None else numbered(np.asarray(groups), count)
    number = int(groups.max()) + 1
    flat = values.reshape(count, -1)
    fixed, sums = flat[groups < 0].sum(0), np.zeros((number, flat.shape[1]))
    np.add.at(sums, groups[groups >= 0], flat[groups >= 0])
    drawn = np.asarray(jax.random.randint(key, (samples, number), 0, number))
    times = np.stack([np.bincount(draw, minlength=number) for draw in drawn])
    totals = (fixed + times @ sums).reshape(samples, *values.shape[1:])
    ratios = _ratio(np.moveaxis(totals, 1, 0))
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail], axis=0)
    return low, high


def _ratio(pair: np.ndarray) -> np.ndarray:
    kept, whole = pair
    return np.divide(kept, whole, out=np.full(np.shape(kept), np.nan), where=whole > 0)
