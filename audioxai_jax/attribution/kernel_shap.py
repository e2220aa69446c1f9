"""KernelSHAP: Shapley values as the solution of a weighted least squares problem.

S. M. Lundberg, S.-I. Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017,
theorem 2: over coalitions z of G groups, with v of `coalitions`,

    minimise  sum_z pi(z) (v(z) - v(0) - z . phi)^2   subject to   sum phi = v(1) - v(0),
    pi(z) = (G - 1) / (C(G, |z|) |z| (G - |z|))

Coalitions are drawn with probability pi, as their kernel would weigh them: the size first, then
uniformly among those of this size. With phi = (v(1) - v(0)) / G + u, the constraint says that u
sums to zero, and only z - mean(z) counts.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth, worths
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.attribution.regression import add_samples, no_equations, solve
from audioxai_jax.attribution.segments import Segmentation, few, groups, in_groups, segmentation
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, check_key, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info

_DEFAULT = few(16)


def kernel_shap(
    *,
    samples: int = 512,
    segments: Any = _DEFAULT,
    baseline: Array | float = 0.0,
    chunk: int = CHUNK,
) -> Method:
    """Shapley values from a regression on random coalitions: exact for additive models.

    Every feature of a group gets the group's value. Values sum to `f(x) - f(baseline)` over
    groups: `info["completeness_gap"]` is that of the groups. Standard errors from the residuals
    of the regression (see `regression`) come back as `info["standard_error"]`.

    Args:
      samples: coalitions; one evaluation each. Several times the number of groups.
      segments: groups of features, see `segments`: by default at most 16 stretches of time.
      baseline: values that stand for groups that are out; broadcast to the input's shape.
      chunk: coalitions that are tried at once: memory, not results.

    Returns:
      A `Method`. It consumes the key.

    Raises:
      ValueError: if `samples` or `chunk` is below 1, or the segments are no segmentation;
        without a key; of inputs that the segments do not fit, or with more groups than samples.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax.attribution.segments import blocks
    >>> linear = lambda x: jnp.sum(3 * x, keepdims=True)
    >>> method = kernel_shap(samples=20, segments=blocks(1))
    >>> found = method(linear, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round().tolist()
    [3.0, 6.0]
    """
    samples = count(samples, "kernel_shap", "samples")
    chunk = count(chunk, "kernel_shap", "chunk")
    return KernelShap(
        options.baseline(baseline, "kernel_shap"),
        samples,
        segmentation(segments, "kernel_shap"),
        chunk,
    )


@record(static=("samples", "segments", "chunk"))
class KernelShap:
    """See `kernel_shap`."""

    baseline: Array | float
    samples: int
    segments: Segmentation
    chunk: int
    completeness = "game"

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        check_samples(self.samples, groups(self.segments, x.shape)[1], "kernel_shap")
        return (self.samples,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, "kernel_shap")
        check_dependence(model, x)
        _, count = groups(self.segments, x.shape)
        empty = worth(model, baseline_like(self.baseline, x), target)
        change = worth(model, x, target) - empty
        return {"empty": empty, "change": change, "equations": no_equations(count, sum_type(x))}

    def step(self, model, x, target, state, numbers, valid, *, key):
        count = state["equations"].vector.shape[1]
        draw = lambda number: draw_coalition(jax.random.fold_in(key, number), count)
        present = jax.vmap(draw)(numbers)
        found = worths(model, x, target, self.baseline, self.segments, present)
        share = jnp.mean(present, axis=1, dtype=found.dtype)
        y = found - state["empty"] - share * state["change"]
        z = present.astype(share.dtype) - share[:, None]
        equations = add_samples(state["equations"], z, y, jnp.ones_like(y), numbers, valid)
        return state | {"equations": equations}

    def done(self, state: State, count: Array) -> Array:
        return count >= self.samples

    def read(self, model, x, target, state, count):
        groups_in = state["equations"].vector.shape[1]
        found, error = solve(state["equations"], free=groups_in - 1)
        values = state["change"] / groups_in + found - jnp.mean(found)
        spread = lambda values: in_groups(values, self.segments, x.shape)
        info = make_info(
            completeness_gap(values, state["change"]),
            self.samples + 2,
            standard_error=spread(error),
        )
        return Attribution(spread(values).astype(x.dtype), info)


def draw_coalition(key: Array, count: int) -> Array:
    """A coalition of `count` groups, bool `[count]`, with the probability of the kernel."""
    if count == 1:
        return jnp.ones(1, bool)
    sizes = np.arange(1, count)
    kernel = 1 / (sizes * (count - sizes))
    pick, order = jax.random.split(key)
    size = jax.random.choice(
        pick, jnp.asarray(sizes), p=jnp.asarray(kernel / kernel.sum(), jnp.float32)
    )
    return jax.random.permutation(order, count) < size


def check_samples(samples: int, count: int, name: str) -> None:
    """Refuses regressions on fewer samples than there are coefficients.

    Raises:
      ValueError: naming the method.
    """
    if samples < count:
        raise ValueError(
            f"{name}: {samples} samples cannot tell {count} groups apart: take several times as "
            "many samples as groups, or larger segments"
        )
