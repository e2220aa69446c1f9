"""Shapley values from random orders.

J. Castro, D. Gomez, J. Tejada, "Polynomial calculation of the Shapley value based on sampling",
Computers & Operations Research 36, 2009: groups come in one by one, in an order drawn at random;
a group's value is the mean, over orders, of what the logit gains when it comes in.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth, worths
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.attribution.running_moments import add, no_samples
from audioxai_jax.attribution.segments import Segmentation, few, groups, in_groups, segmentation
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, check_key, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info

_DEFAULT = few(16)


def shapley_sampling(
    *,
    permutations: int = 25,
    segments: Any = _DEFAULT,
    baseline: Array | float = 0.0,
    chunk: int = CHUNK,
) -> Method:
    """The mean, over random orders in which groups come in, of what each adds to the logit.

    Every feature of a group gets the group's value. Values sum to `f(x) - f(baseline)` over
    groups, for any number of orders: `info["completeness_gap"]` is that of the groups. The
    standard error of the mean over orders comes back as `info["standard_error"]`.

    Args:
      permutations: number of orders; each takes one evaluation per group.
      segments: groups of features, see `segments`: by default at most 16 stretches of time.
      baseline: values that stand for groups that are out; broadcast to the input's shape.
      chunk: coalitions that are tried at once, of one order or several: memory, not results.

    Returns:
      A `Method`. It consumes the key.

    Raises:
      ValueError: if `permutations` or `chunk` is below 1, or the segments are no segmentation;
        without a key; of inputs that the segments do not fit.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax.attribution.segments import blocks
    >>> linear = lambda x: jnp.sum(3 * x, keepdims=True)
    >>> method = shapley_sampling(permutations=2, segments=blocks(1))
    >>> method(linear, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 6.0]
    """
    permutations = count(permutations, "shapley_sampling", "permutations")
    chunk = count(chunk, "shapley_sampling", "chunk")
    segments = segmentation(segments, "shapley_sampling")
    return ShapleySampling(
        options.baseline(baseline, "shapley_sampling"), permutations, segments, chunk
    )


@record(static=("permutations", "segments", "chunk"))
class ShapleySampling:
    """See `shapley_sampling`."""

    baseline: Array | float
    permutations: int
    segments: Segmentation
    chunk: int
    completeness = "game"

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (self.permutations * groups(self.segments, x.shape)[1],)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, "shapley_sampling")
        check_dependence(model, x)
        _, count = groups(self.segments, x.shape)
        empty = worth(model, baseline_like(self.baseline, x), target)
        gains = jax.vmap(no_samples)(jnp.zeros(count, sum_type(x)))
        change = worth(model, x, target) - empty
        return {"empty": empty, "change": change, "last": empty, "gains": gains}

    def step(self, model, x, target, state, numbers, valid, *, key):
        """Sample n: after the groups before it, number n % G of order n // G comes in."""
        count = len(state["gains"].count)

        def order(number: Array) -> Array:
            own = jax.random.fold_in(key, number // count)
            return jax.random.permutation(own, count)

        place = numbers % count
        orders = jax.vmap(order)(numbers)
        rank = jnp.argsort(orders, axis=1)  # when each group comes in
        present = rank <= place[:, None]
        found = worths(model, x, target, self.baseline, self.segments, present)
        before = jnp.concatenate([state["last"][None], found[:-1]])
        gain = found - jnp.where(place == 0, state["empty"], before)
        its = (rank == place[:, None]) & valid[:, None]
        gains = jax.vmap(add, in_axes=(0, None, 1))(state["gains"], gain, its)
        return state | {"last": found[-1], "gains": gains}

    def done(self, state: State, count: Array) -> Array:
        return count >= self.permutations * len(state["gains"].count)

    def read(self, model, x, target, state, count):
        gains = state["gains"]
        spread = lambda values: in_groups(values, self.segments, x.shape)
        info = make_info(
            completeness_gap(gains.mean, state["change"]),
            self.milestones(x)[0] + 2,
            standard_error=spread(gains.standard_error),
        )
        return Attribution(spread(gains.mean).astype(x.dtype), info)
