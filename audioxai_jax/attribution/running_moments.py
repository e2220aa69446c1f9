"""Mean and spread of samples that come in chunks, without keeping any of them.

T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for Computing the Sample Variance: Analysis
and Recommendations", The American Statistician 37, 1983: each chunk has its own mean and squares,
which are joined. All that is added up is positive: samples that are nearly equal get no spread
from rounding, let alone a negative one.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import per_sample, sum_type


@record()
class Moments:
    """Attributes: `count` of samples, their `mean` and their summed `squares` of deviations."""

    count: Array
    mean: Array
    squares: Array

    @property
    def variance(self) -> Array:
        """Of the samples about their mean, divided by their number."""
        return self.squares / jnp.maximum(self.count, 1)

    @property
    def standard_error(self) -> Array:
        """Of the mean, by the unbiased variance; NaN for fewer than two samples."""
        n = self.count
        return jnp.where(n > 1, jnp.sqrt(self.squares / jnp.maximum(n * (n - 1), 1)), jnp.nan)


def no_samples(like: Array) -> Moments:
    """Of samples shaped as `like`; sums of half precision are in single precision."""
    zero = jnp.zeros(like.shape, sum_type(like))
    return Moments(jnp.zeros((), zero.dtype), zero, zero)


def add(moments: Moments, samples: Array, valid: Array) -> Moments:
    """With the samples `[n, ...]`; those that are not `valid`, bool `[n]`, count nothing."""
    samples = samples.astype(moments.mean.dtype)
    valid = per_sample(valid, samples)
    number = jnp.sum(valid, dtype=samples.dtype)
    count = moments.count + number
    own = jnp.sum(jnp.where(valid, samples, 0), axis=0) / jnp.maximum(number, 1)
    inner = jnp.sum(jnp.where(valid, samples - own[None], 0) ** 2, axis=0)
    apart, share = own - moments.mean, number / jnp.maximum(count, 1)
    between = apart**2 * moments.count * share
    return Moments(count, moments.mean + apart * share, moments.squares + inner + between)
