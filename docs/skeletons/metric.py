"""A new metric: audioxai_jax/metrics/my_metric.py, and a row of METRICS.

METRICS["my_metric"] = Metric(my_metric.my_metric, "relevance", "higher", 0, 1, "Author, year")
"""

import jax.numpy as jnp
from jax import Array


def my_metric(relevance: Array) -> Array:
    """The share of relevance that is positive: `sum(max(R, 0)) / sum(|R|)`.

    A. Author, "The paper that proposed it", venue and year, equation.

    Args:
      relevance: relevance of one example, any shape.

    Returns:
      A number in [0, 1], NaN if relevance is zero everywhere.

    >>> my_metric(jnp.array([3.0, -1.0])).item()
    0.75
    """
    return jnp.sum(jnp.maximum(relevance, 0)) / jnp.sum(jnp.abs(relevance))
