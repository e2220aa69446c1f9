"""Feature ablation: what the model loses with each group of features.

    R_i = f(x) - f(x with the group of i replaced by the baseline)

The convention is that of captum's FeatureAblation: every feature of a group gets all of the
group's difference.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth, worths
from audioxai_jax.attribution.options import count
from audioxai_jax.attribution.segments import Segmentation, few, groups, in_groups, segmentation
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, make_info

_DEFAULT = few(16)


def feature_ablation(
    *, segments: Any = _DEFAULT, baseline: Array | float = 0.0, chunk: int = CHUNK
) -> Method:
    """The logit's fall when a group of features is replaced, for each group.

    Args:
      segments: groups of features, see `segments`: by default at most 16 stretches of time.
      baseline: values that replace them; broadcast to the input's shape.
      chunk: groups that are tried at once: memory, not results.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: if `chunk` is below 1, or the segments are no segmentation; of inputs that
        they do not fit.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax.attribution.segments import blocks
    >>> product = lambda x: jnp.prod(x, keepdims=True)
    >>> method = feature_ablation(segments=blocks(1), baseline=1.0)
    >>> method(product, jnp.array([2.0, 3.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 4.0]
    """
    chunk = count(chunk, "feature_ablation", "chunk")
    return FeatureAblation(
        options.baseline(baseline, "feature_ablation"),
        segmentation(segments, "feature_ablation"),
        chunk,
    )


@record(static=("segments", "chunk"))
class FeatureAblation:
    """See `feature_ablation`."""

    baseline: Array | float
    segments: Segmentation
    chunk: int

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (groups(self.segments, x.shape)[1],)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_dependence(model, x)
        _, count = groups(self.segments, x.shape)
        return {"full": worth(model, x, target), "drops": jnp.zeros(count, sum_type(x))}

    def step(self, model, x, target, state, numbers, valid, *, key):
        count = len(state["drops"])
        present = numbers[:, None] != jnp.arange(count)[None]
        found = worths(model, x, target, self.baseline, self.segments, present)
        drops = jnp.where(valid, state["full"] - found, 0)
        return state | {"drops": state["drops"].at[numbers].add(drops, mode="drop")}

    def done(self, state: State, count: Array) -> Array:
        return count >= len(state["drops"])

    def read(self, model, x, target, state, count):
        relevance = in_groups(state["drops"], self.segments, x.shape).astype(x.dtype)
        return Attribution(relevance, make_info(evaluations=len(state["drops"]) + 1))
