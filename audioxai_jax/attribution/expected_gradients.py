"""Expected Gradients, and GradientSHAP: the same with noise on the input.

G. Erion et al., "Improving Performance of Deep Learning Models with Axiomatic Attribution Priors
and Expected Gradients", Nature Machine Intelligence 3, 2021, equation 3:

    R_i = E over b in baselines, a in [0, 1] of  (x_i - b_i) * d f(b + a (x - b)) / d x_i

GradientSHAP (S. Lundberg, S.-I. Lee, "A Unified Approach to Interpreting Model Predictions",
NeurIPS 2017, as implemented by captum) has x + e instead of x in each sample, with normal noise e.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options, running_moments
from audioxai_jax.attribution.combinators import baselines_like, numbers_as_floats
from audioxai_jax.attribution.options import count
from audioxai_jax.attribution.smoothgrad import check_deviation, noise
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, check_key, run_inside_jit
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import (
    Attribution,
    Method,
    Model,
    completeness_gap,
    make_info,
    score,
    select,
)


def expected_gradients(*, baselines: Any = 0.0, samples: int = 200, chunk: int = CHUNK) -> Method:
    """Integrated Gradients, averaged over baselines that are drawn at random.

    Relevance sums to `f(x)` less the mean of `f(baseline)`, but for the error of sampling; how
    far it is from that comes back as `info["completeness_gap"]`.

    Args:
      baselines: `[B, ...]`, each of the input's shape; a number is one baseline.
      samples: draws of a baseline and of a point between it and the input; one gradient each.
      chunk: samples at once: memory, not results.

    Returns:
      A `Method`; it needs a key. `info["standard_error"]` is that of each relevance.

    Raises:
      ValueError: if `samples` or `chunk` is below 1; when called, if the baselines do not fit the
        input, or there is no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> method = expected_gradients(baselines=1.0)
    >>> method(model, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [0.0, -2.0]
    """
    return _expected("expected_gradients", baselines, samples, None, False, chunk)


def gradient_shap(
    *,
    baselines: Any = 0.0,
    samples: int = 200,
    deviation: Array | float = 0.1,
    absolute: bool = False,
    chunk: int = CHUNK,
) -> Method:
    """Expected Gradients of noisy copies of the input.

    Args:
      deviation: deviation of the normal noise, relative to the range max(x) - min(x) of the
        example.
      absolute: whether the deviation is in the input's own units instead.
      baselines, samples, chunk: baselines, number of samples and chunk, see `expected_gradients`.

    Returns:
      A `Method`; it needs a key. Its completeness gap counts the noise as an error.

    Raises:
      ValueError: as `expected_gradients`, or if the deviation is negative.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> found = gradient_shap()(model, jnp.array([1.0, 2.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(0).tolist()
    [3.0, -4.0]
    """
    check_deviation(deviation, "gradient_shap")
    deviation = numbers_as_floats(deviation)
    return _expected("gradient_shap", baselines, samples, deviation, absolute, chunk)


def draw(key: Array, number: Array | int, baselines: int) -> tuple[Array, Array]:
    """Sample `number`: which of the baselines, int32, and the position between it and x.

    The noise of GradientSHAP in that sample is `smoothgrad.noise(key, number, x, deviation)`.
    """
    own = jax.random.fold_in(key, number)
    which = jax.random.randint(jax.random.fold_in(own, 1), (), 0, baselines, jnp.int32)
    return which, jax.random.uniform(jax.random.fold_in(own, 2))


@record(static=("samples", "absolute", "name", "chunk"))
class ExpectedGradients:
    """See `expected_gradients` and `gradient_shap`."""

    baselines: Array | float
    deviation: Array | float | None
    samples: int
    absolute: bool
    name: str
    chunk: int
    completeness = "path"
    gradient = "path"

    @property
    def noisy(self) -> bool:
        """Whether noise is added to the input."""
        return self.deviation is not None

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (self.samples,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, self.name)
        baselines = baselines_like(self.baselines, x)
        logits = jax.lax.map(model, baselines, batch_size=min(len(baselines), CHUNK))
        at_baselines = jax.vmap(select, (0, None))(logits, target)
        change = score(model, x, target) - jnp.mean(at_baselines)
        return {"moments": running_moments.no_samples(x), "change": change}

    def step(self, model, x, target, state, numbers, valid, *, key):
        baselines = baselines_like(self.baselines, x)

        def sample(number: Array) -> Array:
            which, position = draw(key, number, len(baselines))
            way = x - baselines[which]
            if self.deviation is not None:
                way += noise(key, number, x, self.deviation, absolute=self.absolute)
            point = baselines[which] + position.astype(x.dtype) * way
            return way * gradient(model, point, target)

        samples = jax.vmap(sample)(numbers)
        return state | {"moments": running_moments.add(state["moments"], samples, valid)}

    def done(self, state: State, count: Array) -> Array:
        return count >= self.samples

    def read(self, model, x, target, state, count):
        relevance = state["moments"].mean.astype(x.dtype)
        info = make_info(
            completeness_gap(relevance, state["change"]),
            self.samples + len(baselines_like(self.baselines, x)) + 1,
            standard_error=state["moments"].standard_error,
        )
        return Attribution(relevance, info)


def _expected(
    name: str,
    baselines: Any,
    samples: int,
    deviation: Array | float | None,
    absolute: bool,
    chunk: int,
) -> Method:
    samples = count(samples, name, "samples")
    chunk = count(chunk, name, "chunk")
    baselines = numbers_as_floats(options.baseline(baselines, name, "baselines"))
    return ExpectedGradients(baselines, deviation, samples, absolute, name, chunk)
