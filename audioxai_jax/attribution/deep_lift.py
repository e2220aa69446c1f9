"""DeepLIFT, by the rescale rule.

A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through Propagating
Activation Differences", arXiv 1704.02685:

    R_i = (x_i - b_i) m_i

with the multipliers m of `propagation.rules.deep_lift`. Relevance sums to f(x) - f(b).
"""

from jax import Array

from audioxai_jax import propagation
from audioxai_jax.attribution import options
from audioxai_jax.attribution.options import baseline_like
from audioxai_jax.core.records import record
from audioxai_jax.propagation import composites
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info, score


def deep_lift(*, baseline: Array | float = 0.0) -> Method:
    """What each difference from a baseline contributes, one nonlinearity after the other.

    Args:
      baseline: the input to compare with; a number or an array that broadcasts to the input.

    Returns a `Method`; it needs no key. It raises `propagation.UncoveredOperation` for models with
    branches (`lax.cond`), which input and baseline could take differently.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jax.nn.relu(jnp.array([[1.0, 2.0]]) @ x - 1)
    >>> method = deep_lift(baseline=0.0)
    >>> method(model, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [0.800000011920929, 3.200000047683716]
    """
    return DeepLift(options.baseline(baseline, "deep_lift"))


@record()
class DeepLift:
    """See `deep_lift`."""

    baseline: Array | float
    completeness = "reference"

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        base = baseline_like(self.baseline, x)
        found = propagation.propagate(
            composites.deep_lift(), model, x, target, reference=base, seed=1.0
        )
        relevance = found.relevance * (x - base)
        change = found.logits[target] - score(model, base, target)
        return Attribution(relevance, make_info(completeness_gap(relevance, change), evaluations=2))
