"""Two rankings, or two models, on the same clips: how different are they, and is it chance?"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.programs import compiled
from audioxai_jax.core.trapezoids import trapezoid_weights
from audioxai_jax.statistics.bootstrap import bootstrap_interval, numbered

EXACT = 14
"""Clips, or groups, up to which all patterns of signs are enumerated."""


def area_between(curve_a: Array, curve_b: Array, fractions: Array | np.ndarray) -> Array:
    """Mean of a - b over the fraction that is deleted, for each clip, in units of the curves.

    `integral of (a - b) over [0, f_M], over f_M`, by trapezoids. Both start at the same clip, so
    the difference is 0 at a fraction of 0, which is added if it is not among the fractions.

    Args:
      curve_a, curve_b: `[N, M]`, of the same clips.
      fractions: `[M]`, rising, from 0 or more; on the host.

    Returns:
      `[N]`; above 0 where a lies above b, so below 0 where a falls first. NaN where a curve has
      one.

    Raises:
      ValueError: for shapes or fractions that do not fit.
    """
    curve_a, curve_b = jnp.asarray(curve_a), jnp.asarray(curve_b)
    points = np.asarray(fractions, float)
    if curve_a.ndim != 2 or curve_a.shape != curve_b.shape:
        raise ValueError(
            f"the curves are {list(curve_a.shape)} and {list(curve_b.shape)}, expected [N, M] both"
        )
    if points.shape != curve_a.shape[1:]:
        raise ValueError(f"{list(points.shape)} fractions for curves of {curve_a.shape[1]} points")
    rising = np.all(np.isfinite(points)) and np.all(np.diff(points) > 0)
    if not (rising and points.size and points[0] >= 0 and points[-1] > 0):
        raise ValueError(f"fractions must rise, from 0 or more to above 0, got {points.tolist()}")
    difference = curve_a - curve_b
    if points[0] > 0:
        points = np.concatenate([[0.0], points])
        difference = jnp.pad(difference, ((0, 0), (1, 0)))
    weights = jnp.asarray(trapezoid_weights(points), difference.dtype)
    return jnp.matmul(difference, weights, precision="highest")


def mean_difference(
    a: Array | np.ndarray,
    b: Array | np.ndarray,
    key: Array,
    *,
    groups: Array | np.ndarray | None = None,
    samples: int = 2000,
    level: float = 0.95,
) -> dict[str, Array]:
    """Mean of a - b over clips, with its bootstrap interval.

    `mean of (a_i - b_i)`; clips are drawn with both their values, whole groups if they are
    given (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993).

    Args:
      a, b: one value per clip, `[N, ...]` both; axes after the first are independent.
      key: consumed.
      groups: speaker in each clip, see `bootstrap_interval`. Without them the interval says nothing
        of other speakers.
      samples, level: draws and coverage, see `bootstrap_interval`.

    Returns:
      "mean", "low" and "high", each `[...]`; NaN if any value is, the ends of a single clip, or
      group, too.

    Raises:
      ValueError: for shapes that do not fit, no clips, and as `bootstrap_interval`.
    """
    difference = _difference(a, b)
    low, high = bootstrap_interval(difference, key, groups=groups, samples=samples, level=level)
    return {"mean": jnp.mean(difference, axis=0), "low": low, "high": high}


def sign_flip(
    a: Array,
    b: Array,
    key: Array,
    *,
    groups: Array | np.ndarray | None = None,
    samples: int = 9999,
) -> Array:
    """Two-sided p-value of the mean of a - b, if a and b were exchangeable in each clip.

    The permutation test of R. Fisher, "The Design of Experiments", 1935, section 21: of all
    ways to choose the signs of the differences d, the share with |sum s_i d_i| >= |sum d_i|.
    Up to `EXACT` of them all ways are counted; beyond, signs are drawn, and the p-value is
    (1 + extreme) / (1 + samples), which is never 0 (B. Phipson, G. Smyth, "Permutation
    P-values Should Never Be Zero", 2010).

    Args:
      a, b: one value per clip, `[N]` both.
      key: consumed, if signs are drawn.
      groups: speaker in each clip, integers `[N]`: signs are then those of whole groups, whose
        clips are not independent. Clips of -1, without a speaker, are each on their own.
      samples: signs that are drawn.

    Returns:
      The p-value, a scalar; NaN if a difference is not finite.

    Raises:
      ValueError: for shapes that do not fit, or no clips.
    """
    difference = _difference(a, b)
    if difference.ndim != 1:
        raise ValueError(f"one value per clip is needed, got {list(difference.shape)}")
    if groups is not None:
        numbers = numbered(groups, len(difference))
        alone = np.cumsum(numbers < 0) + numbers.max()
        numbers = np.where(numbers < 0, alone, numbers)
        difference = jnp.zeros(numbers.max() + 1, difference.dtype).at[numbers].add(difference)
    if len(difference) <= EXACT:
        patterns = np.arange(2 ** len(difference))[:, None] >> np.arange(len(difference)) & 1
        signs = jnp.asarray(1 - 2 * patterns, difference.dtype)
        return _share(jnp.matmul(signs, difference, precision="highest"), difference, 0)
    return _share(_drawn_sums(difference, key, samples), difference, 1)


def _difference(a: Array | np.ndarray, b: Array | np.ndarray) -> Array:
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.shape != b.shape or a.ndim == 0 or a.shape[0] == 0:
        raise ValueError(
            f"a and b are {list(a.shape)} and {list(b.shape)}: give values of the same clips, "
            "[N] or [N, ...], at least one"
        )
    wide = jnp.promote_types(jnp.result_type(a, b), jnp.float32)
    return a.astype(wide) - b.astype(wide)


@functools.partial(compiled, static_argnums=2)
def _drawn_sums(difference: Array, key: Array, samples: int) -> Array:
    def one(key: Array) -> Array:
        signs = jax.random.rademacher(key, difference.shape, difference.dtype)
        return jnp.matmul(signs, difference, precision="highest")

    return jax.lax.map(one, jax.random.split(key, samples), batch_size=100)


def _share(sums: Array, difference: Array, extra: int) -> Array:
    """Sums at least as far from 0 as the one that was found, but for rounding."""
    rounding = 8 * jnp.finfo(difference.dtype).eps * jnp.sum(jnp.abs(difference))
    extreme = jnp.sum(jnp.abs(sums) >= jnp.abs(jnp.sum(difference)) - rounding)
    share = (extreme + extra) / (len(sums) + extra)
    return jnp.where(jnp.all(jnp.isfinite(difference)), share, jnp.nan)
