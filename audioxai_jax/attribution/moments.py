"""Mean and spread of samples that come in chunks, without keeping any of them.

B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products",
Technometrics 4, 1962, for several samples at a time.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.estimators import per_sample
from audioxai_jax.types import record


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
    """Of samples shaped as `like`."""
    return Moments(jnp.zeros((), like.dtype), jnp.zeros_like(like), jnp.zeros_like(like))


def add(moments: Moments, samples: Array, valid: Array) -> Moments:
    """With the samples `[n, ...]`; those that are not `valid`, bool `[n]`, count nothing."""
    valid = per_sample(valid, samples)
    count = moments.count + jnp.sum(valid)
    shift = jnp.where(valid, samples - moments.mean, 0)
    mean = moments.mean + jnp.sum(shift, axis=0) / jnp.maximum(count, 1)
    squares = jnp.where(valid, shift * (samples - mean), 0)
    return Moments(count, mean, moments.squares + jnp.sum(squares, axis=0))
