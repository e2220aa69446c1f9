"""Mean and spread of samples that come in chunks, without keeping any of them.

T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
Variances", COMPSTAT 1982: each chunk about its own mean, so that nothing cancels and equal samples
have no spread.
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
    more = jnp.sum(valid).astype(samples.dtype)
    own = jnp.sum(jnp.where(valid, samples, 0), axis=0) / jnp.maximum(more, 1)
    squares = jnp.sum(jnp.where(valid, samples - own, 0) ** 2, axis=0)
    count, shift = moments.count + more, own - moments.mean
    part = more / jnp.maximum(count, 1)
    between = moments.count * part * shift**2
    return Moments(count, moments.mean + part * shift, moments.squares + squares + between)
