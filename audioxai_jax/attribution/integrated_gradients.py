"""Integrated Gradients.

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
equation 1:

    R_i = (x_i - b_i) * integral over a in [0, 1] of  d f(b + a (x - b)) / d x_i
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.types import (
    Attribution,
    Method,
    Model,
    completeness_gap,
    make_info,
    record,
    score,
)

ROWS = 64
"""Points of the path that are evaluated at once: the memory of any number of steps."""


def integrated_gradients(*, steps: int = 64, baseline: Array | float = 0.0) -> Method:
    """The integral of the gradient along the straight path from a baseline to the input.

    Relevance sums to `f(x) - f(baseline)` up to the error of the quadrature
    (Gauss-Legendre), which comes back as `info["completeness_gap"]`.

    Args:
      steps: nodes of the quadrature; one gradient each.
      baseline: where the path begins; broadcast to the input's shape.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: if `steps` is below 1.

    >>> import jax, jax.numpy as jnp
    >>> square = lambda x: jnp.sum(x**2, keepdims=True)
    >>> method = integrated_gradients(steps=4)
    >>> found = method(square, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(4).tolist()
    [1.0, 4.0]
    """
    if steps < 1:
        raise ValueError(f"integrated_gradients: steps must be at least 1, got {steps}")
    return IntegratedGradients(baseline=baseline, steps=steps)


@record(static=("steps",))
class IntegratedGradients:
    baseline: Array | float
    steps: int

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        nodes, weights = _gauss_legendre(self.steps)
        baseline = jnp.broadcast_to(jnp.asarray(self.baseline, x.dtype), x.shape)

        def explained(point):
            return score(model, point, target)

        def weighted_gradient(node_and_weight):
            node, weight = node_and_weight
            return weight * jax.grad(explained)(baseline + node * (x - baseline))

        path = jnp.asarray(nodes, x.dtype), jnp.asarray(weights, x.dtype)
        gradients = jax.lax.map(weighted_gradient, path, batch_size=min(self.steps, ROWS))
        relevance = (x - baseline) * jnp.sum(gradients, axis=0)

        change = explained(x) - explained(baseline)
        return Attribution(relevance, make_info(completeness_gap(relevance, change), self.steps))


def _gauss_legendre(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]; `[steps]` each."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2
