"""Variance of samples that come in chunks, and how far it can be trusted.

P. Pebay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order
Statistical Moments", Sandia report SAND2008-6212: sums of powers of deviations from the mean, of
two sets of samples at a time. The variance v of n samples has the standard error

    sqrt( (m4 - v^2) / n ),      m4 their mean fourth power of deviations.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import per_sample, sum_type


@record()
class PowerSums:
    """Attributes: `count` of samples, their `mean`, and summed powers of deviations from it."""

    count: Array
    mean: Array
    second: Array
    third: Array
    fourth: Array

    @property
    def variance(self) -> Array:
        """Of the samples about their mean, divided by their number."""
        return self.second / jnp.maximum(self.count, 1)

    @property
    def standard_error(self) -> Array:
        """Of the variance; NaN for fewer than two samples."""
        n = jnp.maximum(self.count, 1)
        spread = jnp.maximum(self.fourth / n - self.variance**2, 0)
        return jnp.where(self.count > 1, jnp.sqrt(spread / n), jnp.nan)


def no_power_sums(like: Array) -> PowerSums:
    """Of samples shaped as `like`."""
    zero = jnp.zeros(like.shape, sum_type(like))
    return PowerSums(jnp.zeros((), zero.dtype), zero, zero, zero, zero)


def add_powers(sums: PowerSums, samples: Array, valid: Array) -> PowerSums:
    """With the samples `[n, ...]`; those that are not `valid`, bool `[n]`, count nothing."""
    return merge(sums, _of(samples.astype(sums.mean.dtype), valid))


def merge(one: PowerSums, other: PowerSums) -> PowerSums:
    """Of all samples of both."""
    total = one.count + other.count
    n = jnp.maximum(total, 1)
    a, b = one.count / n, other.count / n
    shift = other.mean - one.mean
    return PowerSums(
        total,
        one.mean + b * shift,
        one.second + other.second + n * a * b * shift**2,
        one.third
        + other.third
        + n * a * b * (a - b) * shift**3
        + 3 * shift * (a * other.second - b * one.second),
        one.fourth
        + other.fourth
        + n * a * b * (a**2 - a * b + b**2) * shift**4
        + 6 * shift**2 * (a**2 * other.second + b**2 * one.second)
        + 4 * shift * (a * other.third - b * one.third),
    )


def _of(samples: Array, valid: Array) -> PowerSums:
    valid = per_sample(valid, samples)
    count = jnp.sum(valid).astype(samples.dtype)
    mean = jnp.sum(jnp.where(valid, samples, 0), axis=0) / jnp.maximum(count, 1)
    shift = jnp.where(valid, samples - mean, 0)
    power = lambda n: jnp.sum(shift**n, axis=0)
    return PowerSums(count, mean, power(2), power(3), power(4))
