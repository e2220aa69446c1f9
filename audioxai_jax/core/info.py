"""What a method knows about its own result."""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.strictness import constant

Info = dict[str, Array]
"""What a method knows about its own result, as arrays: the keys of `make_info`. `attribute`, and
so `explain` and `attribute_batch`, adds whether all is "finite"."""


def make_info(
    completeness_gap: Array | float = jnp.nan,
    evaluations: Array | int = 0,
    *,
    change: Array | float = jnp.nan,
    standard_error: Array | float = jnp.nan,
) -> Info:
    """Builds the record that every method returns beside its relevance.

    Args:
      completeness_gap: `|sum(relevance) - (f(x) - f(baseline))| / |f(x) - f(baseline)|`
        for methods that promise completeness, NaN for the others.
      evaluations: how often the model was evaluated, forward alone or with its gradient,
        checks included.
      change: last change of a method that refines its result until it settles: by how much the last
        refinement changed relevance, relative to the largest; NaN for the others.
      standard_error: standard error of relevance that was sampled, of its shape; NaN for the
        others.

    `attribute` adds "finite": whether all relevance is.
    """
    return {
        "completeness_gap": constant(completeness_gap, jnp.result_type(float)),
        "evaluations": constant(evaluations, jnp.dtype(jnp.int32)),
        "change": constant(change, jnp.result_type(float)),
        "standard_error": constant(standard_error, jnp.result_type(float)),
    }


def completeness_gap(relevance: Array, change: Array) -> Array:
    """`|sum(relevance) - change| / |change|`: how far relevance is from summing to a change."""
    scale = jnp.maximum(jnp.abs(change), jnp.finfo(change.dtype).tiny)
    return jnp.abs(jnp.sum(relevance) - change) / scale
