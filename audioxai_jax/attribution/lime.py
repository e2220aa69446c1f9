"""LIME: a linear model of groups, fitted where most of them are in.

M. T. Ribeiro, S. Singh, C. Guestrin, "Why Should I Trust You? Explaining the Predictions of Any
Classifier", KDD 2016, equation 2 and section 3.4, with ridge regression as in the authors' code:

    minimise over beta, c   sum_z pi(z) (v(z) - c - z . beta)^2  +  ridge |beta|^2,
    pi(z) = exp(-D(z)^2 / width^2),     D(z) = 1 - cos(z, 1) = 1 - sqrt(|z| / G)

over coalitions z of G groups, each group in with probability 1/2, with v of `coalitions`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth, worths
from audioxai_jax.attribution.kernel_shap import check_samples
from audioxai_jax.attribution.options import count, number
from audioxai_jax.attribution.regression import add_samples, no_equations, solve
from audioxai_jax.attribution.segments import Segmentation, few, groups, in_groups, segmentation
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, check_key, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, make_info

_DEFAULT = few(16)


def lime(
    *,
    samples: int = 512,
    segments: Any = _DEFAULT,
    width: float = 0.25,
    ridge: float = 1.0,
    baseline: Array | float = 0.0,
    chunk: int = CHUNK,
) -> Method:
    """The coefficients of a linear model that imitates the logit when groups are removed.

    Every feature of a group gets the group's coefficient. Standard errors from the weighted
    residuals of the regression (see `regression`) come back as `info["standard_error"]`; they
    tell of the draws, not of how badly a linear model fits, nor of the bias by `ridge`.

    Args:
      samples: coalitions; one evaluation each. Several times the number of groups.
      segments: groups of features, see `segments`: by default at most 16 stretches of time.
      width: width of the kernel: coalitions at a cosine distance above it hardly count.
      ridge: penalty of squared coefficients, beside the weighted sum (not mean) of squares.
      baseline: values that stand for groups that are out; broadcast to the input's shape.
      chunk: coalitions that are tried at once: memory, not results.

    Returns:
      A `Method`. It consumes the key.

    Raises:
      ValueError: if `samples` or `chunk` is below 1, `width` is not positive, `ridge` is
        negative, or segments that are not a segmentation; without a key; of inputs that the
        segments do not fit, or if groups and samples are equal in number.

    >>> import jax, jax.numpy as jnp
    >>> from audioxai_jax.attribution.segments import blocks
    >>> linear = lambda x: jnp.sum(3 * x, keepdims=True)
    >>> method = lime(samples=20, segments=blocks(1), ridge=0.0)
    >>> found = method(linear, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round().tolist()
    [3.0, 6.0]
    """
    samples = count(samples, "lime", "samples")
    if not number(width, "lime", "width") > 0:
        raise ValueError(f"lime: width must be positive, got {width}")
    if not number(ridge, "lime", "ridge") >= 0:
        raise ValueError(f"lime: ridge must not be negative, got {ridge}")
    chunk = count(chunk, "lime", "chunk")
    segments = segmentation(segments, "lime")
    return Lime(
        options.baseline(baseline, "lime"), float(width), float(ridge), samples, segments, chunk
    )


@record(static=("samples", "segments", "chunk"))
class Lime:
    """See `lime`."""

    baseline: Array | float
    width: Array | float
    ridge: Array | float
    samples: int
    segments: Segmentation
    chunk: int

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        check_samples(self.samples, groups(self.segments, x.shape)[1] + 1, "lime")
        return (self.samples,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, "lime")
        check_dependence(model, x)
        _, count = groups(self.segments, x.shape)
        penalty = jnp.where(jnp.arange(count + 1) < count, self.ridge, 0)  # not of the intercept
        equations = no_equations(count + 1, sum_type(x), penalty)
        return {"full": worth(model, x, target), "equations": equations}

    def step(self, model, x, target, state, numbers, valid, *, key):
        count = state["equations"].vector.shape[1] - 1
        half = jnp.float32(0.5)  # drawn alike whatever JAX's default type is
        draw = lambda number: jax.random.bernoulli(jax.random.fold_in(key, number), half, (count,))
        present = jax.vmap(draw)(numbers)
        found = worths(model, x, target, self.baseline, self.segments, present)
        distance = 1 - jnp.sqrt(jnp.mean(present, axis=1, dtype=found.dtype))
        weights = jnp.exp(-((distance / self.width) ** 2))
        z = jnp.concatenate([present, jnp.ones_like(present[:, :1])], axis=1)
        y = found - state["full"]  # the intercept takes it up; small numbers round less
        equations = add_samples(state["equations"], z, y, weights, numbers, valid)
        return state | {"equations": equations}

    def done(self, state: State, count: Array) -> Array:
        return count >= self.samples

    def read(self, model, x, target, state, count):
        found, error = solve(state["equations"], free=state["equations"].vector.shape[1])
        spread = lambda values: in_groups(values[:-1], self.segments, x.shape)
        info = make_info(evaluations=self.samples + 1, standard_error=spread(error))
        return Attribution(spread(found).astype(x.dtype), info)
