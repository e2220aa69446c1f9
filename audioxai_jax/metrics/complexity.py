"""How much of an input an explanation speaks of: a little, or all at once.

Each takes the relevance of one input, of any shape, whose sign is ignored, and does not
change with its scale. NaN for relevance that is zero throughout, as it says nothing, or not
finite. Raises ValueError for relevance without entries.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked


@checked
def sparseness(relevance: Array) -> Array:
    """Gini index of absolute relevance; higher is better, in [0, 1 - 1/n].

        sum_i (2 i - n - 1) r_i / (n sum_i r_i),    r_1 <= ... <= r_n the sorted |R|

    P. Chalasani et al., "Concise Explanations of Neural Networks using Adversarial Training",
    ICML 2020, section 5; SPS of L-MAC (arXiv 2403.13086). 0 if all are equal, 1 - 1/n if one
    feature has it all. Quantus first adds 1e-7 to each value.

    Args:
      relevance: relevance of one input, any shape, floating point.
    """
    sizes = jnp.sort(_shares(relevance))
    number = sizes.size
    places = 2 * jnp.arange(1, number + 1, dtype=sizes.dtype) - number - 1
    return jnp.sum(places * sizes) / number


@checked
def complexity(relevance: Array) -> Array:
    """Entropy of the shares of absolute relevance, nats; lower is better, in [0, ln n].

        -sum_i s_i ln s_i,    s_i = |R_i| / sum_j |R_j|,    0 ln 0 = 0

    U. Bhatt, A. Weller, J. Moura, "Evaluating and Aggregating Feature-based Model Explanations",
    IJCAI 2020, definition 3; COMP of L-MAC (arXiv 2403.13086).

    Args:
      relevance: relevance of one input, any shape, floating point.
    """
    shares = _shares(relevance)
    return -jnp.sum(shares * jnp.log(jnp.where(shares > 0, shares, 1)))


@checked
def effective_complexity(relevance: Array, *, threshold: float = 1e-5) -> Array:
    """Number of features whose |relevance| is above a share of the largest; lower is better.

        #{i : |R_i| / max_j |R_j| > threshold}, from 1 to n

    A. Nguyen and M. Rodriguez Martinez, "On quantitative aspects of model interpretability", arXiv
    2007.07584, in the form of Quantus: the original looks for the fewest features whose removal is
    tolerated, by the model, which this does not ask.

    Args:
      relevance: relevance of one input, any shape, floating point.
      threshold: number in [0, 1).

    Raises:
      ValueError: also for a threshold outside [0, 1).
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"the threshold must be in [0, 1), got {threshold}")
    shares = _shares(relevance)
    largest = jnp.max(shares)
    count = jnp.sum(shares > threshold * largest).astype(shares.dtype)
    return jnp.where(jnp.isnan(largest), jnp.nan, count)


def _shares(relevance: Array) -> Array:
    """`|R| / sum |R|`, flat; NaN if there is nothing to share, or it is not finite."""
    sizes = jnp.abs(jnp.asarray(relevance)).ravel()
    if sizes.size == 0:
        raise ValueError(f"the relevance {list(jnp.shape(relevance))} has no entries")
    if not jnp.issubdtype(sizes.dtype, jnp.floating):
        raise ValueError(f"the relevance is {sizes.dtype}, expected floating point")
    sizes = sizes.astype(jnp.promote_types(sizes.dtype, jnp.float32))  # counts need its digits
    largest = jnp.max(sizes)  # first, so that sums neither overflow nor vanish
    known = (largest > 0) & jnp.isfinite(largest)
    sizes = sizes / jnp.where(known, largest, 1)
    return jnp.where(known, sizes / jnp.where(known, jnp.sum(sizes), 1), jnp.nan)
