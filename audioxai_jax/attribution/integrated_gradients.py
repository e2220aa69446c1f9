"""Integrated Gradients.

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
equation 1:

    R_i = (x_i - b_i) * integral over a in [0, 1] of  d f(b + a (x - b)) / d x_i
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.attribution.quadrature import RULES
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, run_inside_jit
from audioxai_jax.tracing import affine
from audioxai_jax.tracing.gradient_flow import check_path
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info, select


def integrated_gradients(
    *,
    steps: int = 64,
    baseline: Array | float = 0.0,
    rule: str = "gauss_legendre",
    chunk: int = CHUNK,
) -> Method:
    """The integral of the gradient along the straight path from a baseline to the input.

    Relevance sums to `f(x) - f(baseline)` up to the error of the quadrature, which comes back
    as `info["completeness_gap"]`.

    Args:
      steps: nodes of the quadrature; one gradient each.
      baseline: start of the path; broadcast to the input's shape.
      rule: rule of the quadrature: "gauss_legendre", "midpoint", "trapezoid", "left_riemann" or
        "right_riemann".
      chunk: nodes that are evaluated at once: memory, not results.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: if `steps` or `chunk` is below 1, or there is no such rule.

    >>> import jax, jax.numpy as jnp
    >>> square = lambda x: jnp.sum(x**2, keepdims=True)
    >>> method = integrated_gradients(steps=4)
    >>> found = method(square, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(4).tolist()
    [1.0, 4.0]
    """
    name = "integrated_gradients"
    steps, chunk = count(steps, name, "steps"), count(chunk, name, "chunk")
    if not isinstance(rule, str) or rule not in RULES:
        raise ValueError(f"{name}: no rule {rule!r}: there are {', '.join(RULES)}")
    RULES[rule](steps)
    return IntegratedGradients(options.baseline(baseline, name), steps, rule, chunk)


@record(static=("steps", "rule", "chunk"))
class IntegratedGradients:
    """See `integrated_gradients`."""

    baseline: Array | float
    steps: int
    rule: str
    chunk: int
    completeness = "path"
    gradient = "path"

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (self.steps,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_path(model, x)
        head, tail = self._parts(model, x)
        start, end = head(baseline_like(self.baseline, x)), head(x)
        return {
            "start": start,
            "way": jax.tree.map(_way, start, end),
            "sum": jax.tree.map(jnp.zeros_like, start),
            "change": select(tail(end), target) - select(tail(start), target),
        }

    def step(self, model, x, target, state, numbers, valid, *, key):
        nodes, weights = (
            jnp.asarray(part, x.dtype)[numbers] for part in RULES[self.rule](self.steps)
        )
        weights = jnp.where(valid, weights, 0)
        _, tail = self._parts(model, x)

        def slope(node: Array) -> Any:
            point = jax.tree.map(
                lambda start, way: start + node * way, state["start"], state["way"]
            )
            return jax.grad(lambda point: select(tail(point), target))(point)

        add = lambda total, slopes: total + jnp.tensordot(weights, slopes, 1)
        return state | {"sum": jax.tree.map(add, state["sum"], jax.vmap(slope)(nodes))}

    def done(self, state: State, count: Array) -> Array:
        return count >= self.steps

    def read(self, model, x, target, state, count):
        head, _ = self._parts(model, x)
        slope = affine.transposed(head, x, state["sum"])
        relevance = (x - baseline_like(self.baseline, x)) * slope
        gap = completeness_gap(relevance, state["change"])
        return Attribution(relevance, make_info(gap, self.steps + 2))

    def _parts(self, model: Model, x: Array) -> tuple[Any, Any]:
        """The model's affine beginning, needed once for the whole path, and the rest."""
        parts = affine.split(model, x)
        return parts.head, parts.tail


def _way(start: Array, end: Array) -> Array:
    """From one value to another; none for equal ones, such as masks of minus infinity."""
    return jnp.where(start == end, 0, end - start)
