"""Do two criteria rank the same things alike? Kendall's tau-b, with intervals over clips."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.programs import compiled


def kendall_tau(a: Array | np.ndarray, b: Array | np.ndarray) -> Array:
    """Tau-b of two criteria, over the pairs of what they rank.

    `(concordant - discordant) / sqrt((pairs - ties in a) (pairs - ties in b))`
    (M. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33(3), 1945).

    Args:
      a, b: value of each of M things, `[M]` both.

    Returns:
      A scalar in [-1, 1]: 1 for the same order, -1 for its reverse. NaN if all values of one are
      equal, which ranks nothing, or one is NaN.

    Raises:
      ValueError: for other shapes, or fewer than two things.
    """
    a, b = _pair(a, b, 1)
    return _tau(a, b)


def tau_interval(
    a: Array | np.ndarray,
    b: Array | np.ndarray,
    key: Array,
    *,
    samples: int = 2000,
    level: float = 0.95,
) -> dict[str, Array]:
    """Tau-b of the rankings by means over clips, with its percentile interval.

    Clips are drawn with the values of all things by both criteria, so what the criteria share
    because they saw the same clips stays. Of few things, tau has few values, and so have the ends.

    Args:
      a, b: value of each of M things on each of N clips, `[N, M]` both.
      key: consumed.
      samples: resampled rankings.
      level: coverage, in (0, 1).

    Returns:
      "tau", "low" and "high", scalars; NaN as `kendall_tau`, the ends of a single clip, too.
      Resamples that rank nothing count as 0.

    Raises:
      ValueError: for shapes that do not fit, no samples, or a level outside (0, 1).
    """
    a, b = _pair(a, b, 2)
    if samples < 1 or not 0 < level < 1:
        raise ValueError(f"{samples} samples at a level of {level}: give 1 or more, and a share")
    tau = _tau(jnp.mean(a, axis=0), jnp.mean(b, axis=0))
    low, high = _interval(a, b, key, samples, level)
    unknown = jnp.isnan(tau) | (len(a) == 1)
    return {
        "tau": tau,
        "low": jnp.where(unknown, jnp.nan, low),
        "high": jnp.where(unknown, jnp.nan, high),
    }


def _pair(a: Array | np.ndarray, b: Array | np.ndarray, axes: int) -> tuple[Array, Array]:
    """Both in one dtype, single precision or wider, checked."""
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.shape != b.shape or a.ndim != axes or a.shape[-1] < 2 or not a.size:
        wanted = "[M]" if axes == 1 else "[N, M]"
        raise ValueError(
            f"the values are {list(a.shape)} and {list(b.shape)}, expected {wanted} both, of two "
            "things or more"
        )
    wide = jnp.promote_types(jnp.result_type(a, b), jnp.float32)
    return a.astype(wide), b.astype(wide)


def _tau(a: Array, b: Array) -> Array:
    signs = lambda values: jnp.sign(values[:, None] - values)
    over_a, over_b = signs(a), signs(b)  # of each pair, twice
    pairs = jnp.sum(over_a**2) * jnp.sum(over_b**2)
    tau = jnp.sum(over_a * over_b) / jnp.sqrt(jnp.where(pairs > 0, pairs, 1))
    return jnp.where(pairs > 0, tau, jnp.nan)


@functools.partial(compiled, static_argnums=(3, 4))
def _interval(a: Array, b: Array, key: Array, samples: int, level: float) -> tuple[Array, Array]:
    both = jnp.concatenate([a, b], axis=1)

    def resample(key: Array) -> Array:
        drawn = jax.random.randint(key, (len(a),), 0, len(a))
        times = jnp.zeros(len(a), a.dtype).at[drawn].add(1)
        means = jnp.matmul(times, both, precision="highest")
        tau = _tau(means[: a.shape[1]], means[a.shape[1] :])
        unknown = jnp.any(jnp.isnan(a)) | jnp.any(jnp.isnan(b))
        return jnp.where(jnp.isnan(tau) & ~unknown, 0.0, tau)

    taus = jax.lax.map(resample, jax.random.split(key, samples), batch_size=100)
    tail = (1 - level) / 2
    low, high = jnp.quantile(taus, jnp.asarray([tail, 1 - tail], taus.dtype))
    return low, high
