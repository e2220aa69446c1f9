"""Guided Integrated Gradients.

A. Kapishnikov et al., "Guided Integrated Gradients: An Adaptive Path Method for Removing Noise",
CVPR 2021, algorithm 1 and section 4 (anchors). The path c from baseline to input takes one step
after the other, each of the same L1 length; a step moves the features for which the gradient's
magnitude is smallest:

    R_i = sum over steps of  (c_i(t + 1) - c_i(t)) * d f(c(t)) / d x_i

A feature is nowhere further than `distance` from the straight path, both measured by the part of
its own way that is done, and the path meets the straight one at its anchors.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.combinators import numbers_as_floats
from audioxai_jax.attribution.options import baseline_like, count, number
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import State, run_inside_jit
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, completeness_gap, make_info, score


def guided_integrated_gradients(
    *,
    steps: int = 200,
    baseline: Array | float = 0.0,
    fraction: float = 0.25,
    distance: float = 0.02,
    segments: int = 1,
) -> Method:
    """Gradients along a path that goes first where the logit changes least.

    It stays out of regions of high curvature, whose gradients are noise in Integrated Gradients.
    Relevance sums to `f(x) - f(baseline)` up to the error of the steps, which comes back as
    `info["completeness_gap"]`; for smooth models it falls as one over `steps`. Where two pieces of
    a model meet in a kink, the path may go along it, and what the model gains there is lost,
    however many steps there are: less in a narrower corridor.

    Args:
      steps: number of steps of the path; one gradient each, one after the other.
      baseline: start of the path; broadcast to the input's shape.
      fraction: fraction of the features, which move together before others do.
      distance: furthest from the straight path, as a part of the whole; 0 is the straight path,
        1 is anywhere.
      segments: parts of the path, with anchors on the straight path between them.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: for counts below 1, segments that do not divide the steps, parts outside [0, 1].

    >>> import jax, jax.numpy as jnp
    >>> product = lambda x: jnp.prod(x)[None]
    >>> x = jnp.array([2.0, 3.0])
    >>> straight = guided_integrated_gradients(distance=0)
    >>> straight(product, x, 0, key=jax.random.key(0)).relevance.round(1).tolist()
    [3.0, 3.0]
    >>> free = guided_integrated_gradients(distance=1, fraction=0)  # one after the other
    >>> free(product, x, 0, key=jax.random.key(0)).relevance.round(1).tolist()
    [0.0, 6.0]
    """
    name = "guided_integrated_gradients"
    steps = count(steps, name, "steps")
    segments = count(segments, name, "segments")
    if steps % segments:
        raise ValueError(f"{name}: segments must divide the {steps} steps, got {segments}")
    for what, value in (("fraction", fraction), ("distance", distance)):
        if not 0 <= number(value, name, what) <= 1:
            raise ValueError(f"{name}: {what} must be between 0 and 1, got {value}")
    baseline = numbers_as_floats(options.baseline(baseline, name))
    return GuidedIntegratedGradients(baseline, float(distance), steps, float(fraction), segments)


@record(static=("steps", "fraction", "segments"))
class GuidedIntegratedGradients:
    """See `guided_integrated_gradients`."""

    baseline: Array | float
    distance: Array | float
    steps: int
    fraction: float
    segments: int
    completeness = "path"
    gradient = "path"

    chunk = 1  # each step begins where the one before ended
    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (self.steps,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        base = baseline_like(self.baseline, x)
        change = score(model, x, target) - score(model, base, target)
        return {"done": jnp.zeros_like(x), "relevance": jnp.zeros_like(x), "change": change}

    def step(self, model, x, target, state, numbers, valid, *, key):
        """`state["done"]`: the part of each feature's way that is behind it."""
        base = baseline_like(self.baseline, x)
        slope = gradient(model, base + state["done"] * (x - base), target)
        way = jnp.abs(x - base)
        done = self._advance(state["done"], jnp.abs(slope), way, numbers[0])
        part = (done - state["done"]) * (x - base) * slope
        moved = {"done": done, "relevance": state["relevance"] + part}
        return state | {name: jnp.where(valid[0], moved[name], state[name]) for name in moved}

    def _advance(self, done: Array, slope: Array, way: Array, number: Array) -> Array:
        """The part of each feature's way after a step, of those before and of |gradient|."""
        segment = number // (self.steps // self.segments)
        straight = (number + 1).astype(done.dtype) / self.steps
        start, end = (n.astype(done.dtype) / self.segments for n in (segment, segment + 1))
        low = jnp.maximum(straight - self.distance, start).astype(done.dtype)
        high = jnp.minimum(straight + self.distance, end).astype(done.dtype)
        done = jnp.maximum(done, low)
        total = jnp.sum(way)
        weight = way / jnp.where(total == 0, 1, total)
        ahead = straight - jnp.sum(weight * done)
        part = _fill(ahead, weight * (high - done), slope, self.fraction)
        return jnp.where(part >= 1, high, done + part * (high - done))

    def done(self, state: State, count: Array) -> Array:
        return count >= self.steps

    def read(self, model, x, target, state, count):
        gap = completeness_gap(state["relevance"], state["change"])
        return Attribution(state["relevance"], make_info(gap, self.steps + 2))


def _fill(amount: Array, room: Array, order: Array, fraction: float) -> Array:
    """Which part of each feature's room it takes to hand out an amount, shaped as the room.

    Features with room are served in groups, those of the lowest `order` first; a group is what
    is not above the quantile `fraction` of all features. Within a group all parts are equal.
    """
    size = int(fraction * (room.size - 1)) + 1
    ranks = jnp.argsort(jnp.where(room > 0, order, jnp.inf).ravel())
    sorted_room = jnp.pad(room.ravel()[ranks], (0, -room.size % size))
    groups = jnp.sum(sorted_room.reshape(-1, size), axis=1)
    left = amount - (jnp.cumsum(groups) - groups)
    parts = jnp.where(groups > 0, jnp.clip(left / jnp.where(groups > 0, groups, 1), 0, 1), 0)
    spread = jnp.repeat(parts, size)[: room.size]
    return jnp.zeros_like(spread).at[ranks].set(spread).reshape(room.shape)
