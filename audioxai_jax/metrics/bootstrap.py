"""Bootstrap intervals (B. Efron, "Bootstrap Methods", Annals of Statistics 1979)."""

import functools

import jax
import jax.numpy as jnp
from jax import Array


def bootstrap_interval(
    values: Array,
    key: Array,
    *,
    groups: Array | None = None,
    samples: int = 2000,
    level: float = 0.95,
) -> tuple[Array, Array]:
    """Percentile interval of the mean.

    Args:
      values: one per clip, `[N, ..]`; axes after the first are independent quantities.
      key: consumed.
      groups: who speaks in each clip, integers `[N]` from 0 up. If given, whole groups
        are drawn, since clips of one speaker are not independent. Clips of -1, nobody's, are
        in every resample: they say nothing about other speakers.
      samples: resampled means.
      level: coverage.

    Returns:
      Lower and upper end, each `[..]`.
    """
    count = values.shape[0]
    groups = jnp.arange(count) if groups is None else groups
    return _interval(values, key, groups, int(jnp.max(groups)) + 1, samples, level)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
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


@functools.partial(jax.jit, static_argnames=("samples", "level"))
def median_interval(
    values: Array, key: Array, *, samples: int = 2000, level: float = 0.95
) -> tuple[Array, Array]:
    """Percentile interval of the median over clips.

    Its ends are medians that were drawn, never a value between two of them, so that values may
    be infinite: of what was sought in vain.

    Args:
      values: one per clip, `[N]`, N at least 1.
      key: consumed.
      samples: resampled medians.
      level: coverage.

    Returns:
      Lower and upper end.
    """

    def resample(key):
        drawn = jnp.sort(jax.random.choice(key, values, values.shape))
        return (drawn[(len(values) - 1) // 2] + drawn[len(values) // 2]) / 2

    medians = jnp.sort(jax.lax.map(resample, jax.random.split(key, samples), batch_size=100))
    tail = (1 - level) / 2 * (samples - 1)
    return medians[round(tail)], medians[round(samples - 1 - tail)]
