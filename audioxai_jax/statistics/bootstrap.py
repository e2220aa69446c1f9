"""Bootstrap intervals (B. Efron, "Bootstrap Methods", Annals of Statistics 1979)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.programs import compiled


def bootstrap_interval(
    values: Array | np.ndarray,
    key: Array,
    *,
    groups: Array | np.ndarray | None = None,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[Array, Array]:
    """Percentile interval of the mean.

    Args:
      values: one per clip, `[N, ..]`; axes after the first are independent quantities.
      key: consumed.
      groups: speaker in each clip, any integers `[N]` from 0 up. If given, whole groups are drawn,
        since clips of one speaker are not independent. Clips of -1, without a speaker, are in every
        resample: they say nothing about other speakers.
      samples: resampled means.
      level: coverage, in (0, 1).

    Returns:
      Lower and upper end, each `[..]`, float32 or wider; NaN of a single clip, or group, which
      says nothing of the spread, and where a value is NaN.

    Raises:
      ValueError: for no clips, groups that do not fit or are all -1, no samples, or a level
        outside (0, 1).
    """
    values, groups, number = _checked(values, groups, samples, level)
    if number == 1:
        unknown = jnp.full(values.shape[1:], jnp.nan, values.dtype)
        return unknown, unknown
    return _interval(values, key, jnp.asarray(groups), number, samples, level)


def median_interval(
    values: Array | np.ndarray,
    key: Array,
    *,
    groups: Array | np.ndarray | None = None,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[Array, Array]:
    """Percentile interval of the median.

    The ends are order statistics of the resampled medians (no interpolation), so infinite
    values, meaning not found, are allowed.

    Args:
      values: one per clip, `[N]`.
      key, groups, samples, level: see `bootstrap_interval`.

    Returns:
      Lower and upper end, float32 or wider; NaN of a single clip, or group, and where a value is
      NaN.

    Raises:
      ValueError: as `bootstrap_interval`, and for values that are not `[N]`.
    """
    values, groups, number = _checked(values, groups, samples, level)
    if values.ndim != 1:
        raise ValueError(f"the values are {list(values.shape)}, expected [N]")
    if number == 1:
        unknown = jnp.asarray(jnp.nan, values.dtype)
        return unknown, unknown
    return _median_interval(values, key, jnp.asarray(groups), number, samples, level)


def _checked(values, groups, samples: int, level: float) -> tuple[Array, np.ndarray, int]:
    """Values, in single precision or wider, groups without gaps, and how many there are."""
    values = jnp.asarray(values)
    count = values.shape[0] if values.ndim else 0
    if not count:
        raise ValueError(f"the values are {list(values.shape)}, expected [N, ..], N clips")
    if samples < 1 or not 0 < level < 1:
        raise ValueError(f"{samples} samples at a level of {level}: give 1 or more, and a share")
    groups = np.arange(count) if groups is None else numbered(groups, count)
    number = int(groups.max()) + 1
    if not number:
        raise ValueError("all groups are -1 (no speaker): give at least one group to draw")
    values = values.astype(jnp.promote_types(values.dtype, jnp.float32))
    return values, groups, number


def numbered(groups: Array | np.ndarray, clips: int) -> np.ndarray:
    """Groups as numbers from 0 without gaps, so that each that is drawn has clips; -1 stays.

    Raises:
      ValueError: unless they are integers `[clips]`, of -1 or more.
    """
    groups = np.asarray(groups)
    if groups.shape != (clips,) or not np.issubdtype(groups.dtype, np.integer):
        raise ValueError(
            f"groups are {groups.dtype} {list(groups.shape)}, expected integers [{clips}]"
        )
    if groups.min() < -1:
        raise ValueError(f"groups are 0 or above, or -1 for nobody, got {groups.min()}")
    return np.searchsorted(np.unique(groups[groups >= 0]), groups) - (groups < 0)


@functools.partial(compiled, static_argnums=(3, 4, 5))
def _interval(values: Array, key: Array, groups: Array, number: int, samples: int, level: float):
    flat = values.reshape(values.shape[0], -1)
    ones = jnp.ones_like(flat[:, :1])
    table = jnp.concatenate([flat, ones], axis=1)  # sums, and how many
    fixed = jnp.sum(jnp.where(groups[:, None] < 0, table, 0), axis=0)
    sums = jnp.zeros((number, table.shape[1]), flat.dtype)
    sums = sums.at[jnp.where(groups < 0, number, groups)].add(table, mode="drop")

    def resample(key):
        drawn = jax.random.randint(key, (number,), 0, number)
        total = fixed + jnp.sum(sums[drawn], axis=0)
        return total[:-1] / total[-1]

    means = jax.lax.map(resample, jax.random.split(key, samples), batch_size=100)
    tail = (1 - level) / 2
    low, high = jnp.quantile(means, jnp.asarray([tail, 1 - tail]), axis=0)
    return low.reshape(values.shape[1:]), high.reshape(values.shape[1:])


@functools.partial(compiled, static_argnums=(3, 4, 5))
def _median_interval(
    values: Array, key: Array, groups: Array, number: int, samples: int, level: float
):
    order = jnp.argsort(values)
    values, groups = values[order], groups[order]

    def resample(key):
        drawn = jax.random.randint(key, (number,), 0, number)
        times = jnp.zeros(number, int).at[drawn].add(1)
        upto = jnp.cumsum(jnp.where(groups < 0, 1, times[groups]))  # clips drawn so far, by value
        middle = jnp.stack([(upto[-1] - 1) // 2, upto[-1] // 2])
        return jnp.sum(values[jnp.searchsorted(upto, middle, side="right")]) / 2

    medians = jnp.sort(jax.lax.map(resample, jax.random.split(key, samples), batch_size=100))
    tail = (1 - level) / 2 * (samples - 1)
    ends = medians[jnp.asarray([round(tail), round(samples - 1 - tail)])]
    ends = jnp.where(jnp.isnan(values[-1]), jnp.nan, ends)  # NaN sorts last
    return ends[0], ends[1]
