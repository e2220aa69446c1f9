"""Integrated Gradients to a tolerance: each example gets the steps that it needs.

The integral of `integrated_gradients`, by nested rules with 3, 5, 7, 11, 15, 23, ... nodes
(`quadrature.nested`): each uses all gradients of the one before. An example is done as soon as

    | sum R - (f(x) - f(b)) |  <=  tolerance * | f(x) - f(b) |        (completeness), and
    max | R - R' |             <=  tolerance * max | R |

with R' from the rule before. A small completeness gap alone can be luck: errors of single
features cancel in the sum.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.options import baseline_like, count, number
from audioxai_jax.attribution.quadrature import nested
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import State, run_inside_jit
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info, score


def adaptive_integrated_gradients(
    *,
    tolerance: float = 0.01,
    baseline: Array | float = 0.0,
    most: int = 255,
    chunk: int = 8,
) -> Method:
    """Integrated Gradients, with the number of steps chosen per example to meet a tolerance.

    What was reached comes back as `info["completeness_gap"]` and `info["change"]`: for an
    example that ran out of steps, one of them is above the tolerance.

    Args:
      tolerance: bound for the completeness gap and the change of relevance from one rule to the
        next, relative to the largest relevance.
      baseline: start of the path; broadcast to the input's shape.
      most: nodes, at most; there are rules with 3, 5, 7, 11, 15, 23, 31, 47, 63, ... of them.
      chunk: nodes that are evaluated at once. An example stops between chunks.

    Returns:
      A `Method`. It needs no key. `attribute_batch` lets examples go as they are done; within
      a program, under `vmap`, the slowest keeps the others waiting.

    Raises:
      ValueError: if the tolerance is not positive, or `most` is below 5.

    >>> import jax, jax.numpy as jnp
    >>> square = lambda x: jnp.sum(x**2, keepdims=True)
    >>> method = adaptive_integrated_gradients(tolerance=0.001)
    >>> found = method(square, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(4).tolist(), int(found.info["evaluations"])
    ([1.0, 4.0], 10)
    """
    name = "adaptive_integrated_gradients"
    if not number(tolerance, name, "tolerance") > 0:
        raise ValueError(f"{name}: tolerance must be positive, got {tolerance}")
    if (most := count(most, name, "most")) < 5:
        raise ValueError(f"{name}: most must be at least 5 nodes, got {most}")
    chunk = count(chunk, name, "chunk")
    return AdaptiveIntegratedGradients(options.baseline(baseline, name), tolerance, most, chunk)


@record(static=("most", "chunk"))
class AdaptiveIntegratedGradients:
    """See `adaptive_integrated_gradients`."""

    baseline: Array | float
    tolerance: Array | float
    most: int
    chunk: int
    completeness = "path"
    gradient = "path"

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return nested(self.most)[0][1:]

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        base = baseline_like(self.baseline, x)
        change = score(model, x, target) - score(model, base, target)
        return {
            "rules": jnp.zeros((len(nested(self.most)[0]), *x.shape), x.dtype),
            "change": change,
        }

    def step(self, model, x, target, state, numbers, valid, *, key):
        _, nodes, weights = nested(self.most)
        base = baseline_like(self.baseline, x)
        slope = lambda node: (x - base) * gradient(model, base + node * (x - base), target)
        found = jax.vmap(slope)(jnp.asarray(nodes, x.dtype)[numbers])
        weights = jnp.where(valid, jnp.asarray(weights, x.dtype)[:, numbers], 0)
        return state | {"rules": state["rules"] + jnp.tensordot(weights, found, 1)}

    def done(self, state: State, count: Array) -> Array:
        return jnp.any(self._enough(state, count))

    def read(self, model, x, target, state, count):
        enough, finished = self._enough(state, count), self._finished(count)
        level = jnp.where(jnp.any(enough), jnp.argmax(enough), jnp.sum(finished) - 1)
        relevance = state["rules"][level]
        info = make_info(
            completeness_gap(relevance, state["change"]),
            evaluations=jnp.asarray(count) + 2,
            change=_changes(state["rules"])[level],
        )
        return Attribution(relevance, info)

    def _finished(self, count: Array) -> Array:
        """Which rules have all their nodes, `[levels]`."""
        return jnp.asarray(nested(self.most)[0]) <= count

    def _enough(self, state: State, count: Array) -> Array:
        """Which of them are within the tolerance, `[levels]`; never the first."""
        rules, change = state["rules"], state["change"]
        sums = jnp.sum(rules, axis=tuple(range(1, rules.ndim)))
        complete = jnp.abs(sums - change) <= self.tolerance * jnp.abs(change)
        settled = _changes(rules) <= self.tolerance
        return self._finished(count) & complete & settled


def _changes(rules: Array) -> Array:
    """Largest change of each rule from the one before, relative to its largest value."""
    largest = lambda values: jnp.max(jnp.abs(values).reshape(len(values), -1), axis=1)
    before = jnp.concatenate([jnp.full_like(rules[:1], jnp.inf), rules[:-1]])
    change = largest(rules - before)
    return jnp.where(change == 0, 0, change / largest(rules))
