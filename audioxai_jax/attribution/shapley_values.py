"""Shapley values, exact: every coalition of groups is tried.

L. S. Shapley, "A Value for n-Person Games", 1953, for v of `coalitions` and G groups:

    phi_g = sum over coalitions S without g of  |S|! (G - |S| - 1)! / G! * (v(S + g) - v(S))
"""

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth, worths
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.attribution.segments import Segmentation, few, groups, in_groups, segmentation
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info

MAX_GROUPS = 16
"""Groups: each one more doubles the evaluations, 65536 for 16."""

_DEFAULT = few(8)


def shapley_values(
    *, segments: Any = _DEFAULT, baseline: Array | float = 0.0, chunk: int = CHUNK
) -> Method:
    """The mean, over all orders in which groups can come in, of what each adds to the logit.

    Every feature of a group gets the group's value, as with captum's ShapleyValues. Values sum
    to `f(x) - f(baseline)` over groups, not over features: `info["completeness_gap"]` is that
    of the groups.

    Args:
      segments: groups of features, see `segments`: by default at most 8 stretches of time, 256
        evaluations.
      baseline: values that stand for groups that are out; broadcast to the input's shape.
      chunk: coalitions that are tried at once: memory, not results.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: if `chunk` is below 1, or the segments are no segmentation; of inputs that
        they do not fit, or that have more than 16 groups.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax.attribution.segments import blocks
    >>> product = lambda x: jnp.prod(x, keepdims=True)
    >>> method = shapley_values(segments=blocks(1))
    >>> method(product, jnp.array([2.0, 3.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 3.0]
    """
    chunk = count(chunk, "shapley_values", "chunk")
    return ShapleyValues(
        options.baseline(baseline, "shapley_values"),
        segmentation(segments, "shapley_values"),
        chunk,
    )


@record(static=("segments", "chunk"))
class ShapleyValues:
    """See `shapley_values`."""

    baseline: Array | float
    segments: Segmentation
    chunk: int
    completeness = "game"

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (max(1, self._proper(x)),)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_dependence(model, x)
        count = self._count(x)
        empty = worth(model, baseline_like(self.baseline, x), target)
        change = worth(model, x, target) - empty
        return {"empty": empty, "change": change, "values": jnp.full(count, change / count)}

    def step(self, model, x, target, state, numbers, valid, *, key):
        """Sample n is the coalition whose bits are n + 1: neither none nor all."""
        count = len(state["values"])
        bits = jnp.arange(count, dtype=jnp.int32)[None]
        present = (numbers[:, None] + 1) >> bits & 1 == 1
        found = worths(model, x, target, self.baseline, self.segments, present) - state["empty"]
        size = jnp.sum(present, axis=1)
        inner = range(1, count)
        with_it = [0.0] + [1 / (s * math.comb(count, s)) for s in inner] + [0.0]
        without = [0.0] + [-1 / ((count - s) * math.comb(count, s)) for s in inner] + [0.0]
        weights = jnp.asarray([without, with_it], sum_type(x))[present.astype(int), size[:, None]]
        found = jnp.where(valid & (numbers < self._proper(x)), found, 0)
        return state | {"values": state["values"] + found @ weights}

    def done(self, state: State, count: Array) -> Array:
        return count >= 2 ** len(state["values"]) - 2

    def read(self, model, x, target, state, count):
        values = state["values"]
        gap = completeness_gap(values, state["change"])
        relevance = in_groups(values, self.segments, x.shape).astype(x.dtype)
        return Attribution(relevance, make_info(gap, self.milestones(x)[0] + 2))

    def _proper(self, x: Array) -> int:
        """Coalitions of some groups, but not of all."""
        return 2 ** self._count(x) - 2

    def _count(self, x: Array) -> int:
        _, count = groups(self.segments, x.shape)
        if count > MAX_GROUPS:
            raise ValueError(
                f"shapley_values: {count} groups have 2**{count} coalitions; at most {MAX_GROUPS} "
                "groups are tried. Use larger segments, or shapley_sampling or kernel_shap"
            )
        return count
