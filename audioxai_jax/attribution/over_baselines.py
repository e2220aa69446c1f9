"""The mean relevance over several baselines, for any method that compares with one.

P. Sturmfels, S. Lundberg, S.-I. Lee, "Visualizing the Impact of Feature Attribution Baselines",
Distill 2020, "Averaging over multiple baselines". With B of them, and R the relevance against one:

    R_i = 1/B sum_b R_i(x; b)
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.combinators import (
    baselines_like,
    calls_per_chunk,
    inner,
    numbers_as_floats,
    takes_baseline,
    with_baseline,
)
from audioxai_jax.attribution.integrated_gradients import integrated_gradients
from audioxai_jax.attribution.options import count
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import State, per_sample, run_inside_jit
from audioxai_jax.types import (
    Attribution,
    Method,
    Model,
    attribute,
    completeness_gap,
    make_info,
    score,
)


def over_baselines(
    method: Method | None = None, baselines: Any = 0.0, *, chunk: int | None = None
) -> Method:
    """The mean relevance against each of several baselines.

    Relevance of a complete method sums to `f(x)` less the mean of `f(baseline)`; how far it is
    from that comes back as `info["completeness_gap"]`.

    Args:
      method: one with a field `baseline`, or with such a method inside; `integrated_gradients`
        if None. If it draws at random, it gets a key of its own for each baseline.
      baselines: `[B, ...]`, each of the input's shape; a number is one baseline.
      chunk: baselines at once: memory, not results; by default those that make 64 evaluations.

    Returns:
      A `Method`. It needs a key if the method inside does, whose standard errors it carries on:
      the baselines themselves are no sample.

    Raises:
      ValueError: if the method has no baseline, or `chunk` is below 1; when called, if the
        baselines do not fit the input.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax import integrated_gradients
    >>> square = lambda x: jnp.sum(x**2, keepdims=True)
    >>> method = over_baselines(integrated_gradients(steps=2), jnp.array([[0.0, 0.0], [0.0, 2.0]]))
    >>> found = method(square, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(4).tolist()
    [1.0, 2.0]
    """
    name = "over_baselines"
    method = integrated_gradients() if method is None else inner(method, name)
    if not takes_baseline(method):
        raise ValueError(
            f"{name}: {type(method).__name__} has no field 'baseline', and no method with one "
            "inside: there is nothing to average over"
        )
    chunk = calls_per_chunk(method) if chunk is None else chunk
    chunk = count(chunk, name, "chunk")
    return OverBaselines(
        method, numbers_as_floats(options.baseline(baselines, name, "baselines")), chunk
    )


@record(static=("chunk",))
class OverBaselines:
    """See `over_baselines`."""

    method: Any
    baselines: Array | float
    chunk: int

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (len(baselines_like(self.baselines, x)),)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        own = score(model, x, target)
        return {
            "relevance": jnp.zeros_like(x),
            "variance": jnp.zeros_like(x),
            "own": own,
            "change": jnp.zeros_like(own),
            "gap": jnp.zeros_like(own),
            "evaluations": jnp.int32(1),
        }

    def step(self, model, x, target, state, numbers, valid, *, key):
        baselines = baselines_like(self.baselines, x)

        def against(number: Array) -> dict[str, Array]:
            base = baselines[number]
            own: Any = None if key is None else jax.random.fold_in(key, number)
            found = attribute(with_baseline(self.method, base), model, x, target, key=own)
            return {
                "relevance": found.relevance,
                "variance": jnp.broadcast_to(found.info["standard_error"] ** 2, x.shape),
                "change": state["own"] - score(model, base, target),
                "gap": found.info["completeness_gap"],
                "evaluations": found.info["evaluations"] + 1,
            }

        def total(before: Array, found: Array) -> Array:
            counted = jnp.where(per_sample(valid, found), found, 0)
            return before + jnp.sum(counted, axis=0, dtype=before.dtype)

        found = jax.vmap(against)(numbers)
        return state | {name: total(state[name], found[name]) for name in found}

    def done(self, state: State, count: Array) -> Array:
        return count >= (jnp.shape(self.baselines) or (1,))[0]

    def read(self, model, x, target, state, count):
        count = count.astype(x.dtype)
        relevance = state["relevance"] / count
        gap = completeness_gap(relevance, state["change"] / count)
        info = make_info(
            jnp.where(jnp.isnan(state["gap"]), jnp.nan, gap),
            state["evaluations"],
            standard_error=jnp.sqrt(state["variance"]) / count,
        )
        return Attribution(relevance, info)
