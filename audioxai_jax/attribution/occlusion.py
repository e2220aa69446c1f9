"""Occlusion: a window slides over the input and hides what is under it.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
section 4.2, for windows of any rank, with the conventions of captum's Occlusion:

    R_i = mean over the windows W that cover i of  f(x) - f(x with W replaced by the baseline)

Along each axis windows begin at multiples of the stride; there are
ceil((size - window) / stride) + 1 of them, and the last one is cut at the edge.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.attribution.window_sizes import Shape, few_sizes, sizes, sizes_of_axes
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, make_info

DEFAULT_WINDOWS = 16
"""The default window: about twice this number, half overlapping, cover the input."""


def occlusion(
    *,
    window: Any = None,
    stride: Any = None,
    baseline: Array | float = 0.0,
    chunk: int = CHUNK,
) -> Method:
    """The logit's fall when a window hides a part of the input, averaged over windows.

    Args:
      window: size of the window: one number for all axes, or one for each of the last axes, with
        None or -1 for all of an axis; over axes that are not given it stretches whole. On
        spectrograms `[frames, bins]` a pair is a box in time and frequency. By default a sixteenth
        of the input's time, see `segments.few`.
      stride: distance from one window to the next, given in the same way; half the window by
        default. At most the window, so that every feature is covered.
      baseline: values that replace hidden features; broadcast to the input's shape.
      chunk: windows that are tried at once: memory, not results.

    Returns:
      A `Method`. It needs no key.

    Raises:
      ValueError: if sizes are below 1, or `chunk` is; of inputs that are smaller than the
        window or have fewer axes, and if the stride leaves gaps.

    >>> import jax, jax.numpy as jnp
    >>> total = lambda x: jnp.sum(x, keepdims=True)
    >>> method = occlusion(window=2, stride=1)
    >>> method(total, jnp.array([1.0, 2.0, 6.0]), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 5.5, 8.0]
    """
    chunk = count(chunk, "occlusion", "chunk")
    return Occlusion(
        options.baseline(baseline, "occlusion"),
        sizes(window, "occlusion"),
        sizes(stride, "occlusion"),
        chunk,
    )


@record(static=("window", "stride", "chunk"))
class Occlusion:
    """See `occlusion`."""

    baseline: Array | float
    window: Any
    stride: Any
    chunk: int

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (math.prod(self._grid(x.shape)[2]),)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_dependence(model, x)
        return {"full": worth(model, x, target), "sum": jnp.zeros(x.shape, sum_type(x))}

    def step(self, model, x, target, state, numbers, valid, *, key):
        base = baseline_like(self.baseline, x)

        def drop(number: Array, valid: Array) -> Array:
            hidden = self._hidden(x.shape, number)
            found = state["full"] - worth(model, jnp.where(hidden, base, x), target)
            return jnp.where(hidden & valid, found, 0)

        return state | {"sum": state["sum"] + jnp.sum(jax.vmap(drop)(numbers, valid), axis=0)}

    def done(self, state: State, count: Array) -> Array:
        return count >= math.prod(self._grid(state["sum"].shape)[2])

    def read(self, model, x, target, state, count):
        covered = jnp.asarray(self._covered(x.shape), state["sum"].dtype)
        relevance = (state["sum"] / covered).astype(x.dtype)
        return Attribution(relevance, make_info(evaluations=self.milestones(x)[0] + 1))

    def _grid(self, shape: Shape) -> tuple[Shape, Shape, Shape]:
        """Window, stride and number of windows along each axis."""
        window = few_sizes(shape, DEFAULT_WINDOWS)
        if self.window is not None:
            window = sizes_of_axes(self.window, shape, "occlusion: window")
        stride = tuple(max(1, size // 2) for size in window)
        if self.stride is not None:
            stride = sizes_of_axes(self.stride, shape, "occlusion: stride")
            stride = tuple(map(min, stride, (max(1, size) for size in shape)))
        for axis, (size, wide, far) in enumerate(zip(shape, window, stride, strict=True)):
            if not 1 <= wide <= size:
                raise ValueError(
                    f"occlusion: a window of {wide} does not fit axis {axis} of the input "
                    f"{list(shape)}"
                )
            if far > wide:
                raise ValueError(
                    f"occlusion: a stride of {far} along axis {axis} leaves gaps between windows "
                    f"of {wide}"
                )
        numbers = tuple(-(-(n - w) // s) + 1 for n, w, s in zip(shape, window, stride, strict=True))
        return window, stride, numbers

    def _hidden(self, shape: Shape, number: Array) -> Array:
        """Which features window `number` covers; the last axis counts fastest."""
        window, stride, numbers = self._grid(shape)
        hidden = jnp.ones((), bool)
        for axis, place in enumerate(jnp.unravel_index(number, numbers)):
            start = place * stride[axis]
            along = jnp.arange(shape[axis])
            own = (along >= start) & (along < start + window[axis])
            hidden = hidden[..., None] & own.reshape(*[1] * axis, -1)
        return hidden

    def _covered(self, shape: Shape) -> np.ndarray:
        """How many windows cover each feature."""
        covered = np.ones((), int)
        for size, window, stride, number in zip(shape, *self._grid(shape), strict=True):
            along, start = np.arange(size), np.arange(number)[:, None] * stride
            covered = covered[..., None] * np.sum((along >= start) & (along < start + window), 0)
        return covered
