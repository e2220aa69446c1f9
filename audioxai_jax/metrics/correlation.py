"""How alike two maps of relevance rank the same features."""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked


@checked
def rank_correlation(a: Array, b: Array) -> Array:
    """C. Spearman's rank correlation (1904) of two maps: Pearson's, of their ranks.

    Args:
      a, b: relevance of the same features, of one shape.

    Returns:
      A scalar in [-1, 1]; equal values share their mean rank. NaN if a map is constant, as it
      ranks nothing, or holds NaN.

    Raises:
      ValueError: for shapes that differ, or fewer than two features.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.shape != b.shape or a.size < 2:
        raise ValueError(
            f"the maps are {list(a.shape)} and {list(b.shape)}, expected one shape with two "
            "features or more: carry them to a common domain first"
        )
    ranks_a, ranks_b = ranks(a.ravel()), ranks(b.ravel())
    ranks_a, ranks_b = ranks_a - jnp.mean(ranks_a), ranks_b - jnp.mean(ranks_b)
    spread = jnp.sqrt(jnp.sum(ranks_a**2)) * jnp.sqrt(jnp.sum(ranks_b**2))
    found = jnp.sum(ranks_a * ranks_b) / jnp.where(spread > 0, spread, 1)
    constant = (jnp.min(a) == jnp.max(a)) | (jnp.min(b) == jnp.max(b))
    undefined = constant | jnp.any(jnp.isnan(a) | jnp.isnan(b))
    return jnp.where(undefined, jnp.nan, found)


def ranks(values: Array) -> Array:
    """Place of each value among all `[n]`, from 0 for the smallest; the mean place of equals."""
    ordered = jnp.sort(values)
    below = jnp.searchsorted(ordered, values, side="left")
    upto = jnp.searchsorted(ordered, values, side="right")
    return (below + upto - 1).astype(jnp.promote_types(values.dtype, jnp.float32)) / 2
