"""Intervals over clips and over training seeds: seeds are drawn, and clips within each.

Percentile bootstrap in two stages (A. Davison, D. Hinkley, "Bootstrap Methods and their
Application", 1997, section 3.8). All methods of a truth share the draws, so that their ranks can be
drawn as well. With one seed the interval is over its clips alone.
"""

import numpy as np

DRAWS = 2000
TAIL = 0.025
"""Left out on both sides: 95 % intervals."""


def weights(sizes: list[int], seed: int, draws: int = DRAWS) -> np.ndarray:
    """How often each clip is drawn, `[draws, N]`; clips of the seeds one after the other.

    Args:
      sizes: number of clips of each seed.
      seed: decides the draws.
      draws: how many.
    """
    random = np.random.default_rng([seed, *sizes])
    counts = np.zeros((draws, sum(sizes)))
    starts, each, rows = np.cumsum([0, *sizes]), np.array(sizes), np.arange(draws)[:, None]
    for _ in sizes:
        chosen = random.integers(len(sizes), size=draws)
        place = random.random((draws, max(sizes)))  # enough for the largest
        clips = starts[chosen][:, None] + (place * each[chosen][:, None]).astype(int)
        used = np.arange(max(sizes)) < each[chosen][:, None]
        np.add.at(counts, (np.broadcast_to(rows, clips.shape)[used], clips[used]), 1)
    return counts


def resampled_means(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Means of the drawn clips whose value is defined, `[draws]`; NaN where none is."""
    defined = np.isfinite(values)
    total = drawn @ np.where(defined, values, 0.0)
    number = drawn @ defined
    return np.divide(total, number, out=np.full(len(drawn), np.nan), where=number > 0)


def interval(means: np.ndarray) -> tuple[float, float]:
    """Ends of the 95 % interval of resampled means; NaN if none is defined."""
    means = means[np.isfinite(means)]
    if not len(means):
        return float("nan"), float("nan")
    low, high = np.quantile(means, [TAIL, 1 - TAIL])
    return float(low), float(high)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, the largest, along the last axis; equals share theirs, NaN has none."""
    above = np.sum(values[..., None, :] > values[..., :, None], axis=-1)
    equal = np.sum(values[..., None, :] == values[..., :, None], axis=-1)
    return np.where(np.isnan(values), np.nan, above + (equal + 1) / 2)
