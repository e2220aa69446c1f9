"""Maxima whose gradient goes to the winner alone; of equals, to the first.

JAX splits the gradient of `max` among equals; a max-pool of PyTorch gives it to the first.
Windows are compared slice by slice, several times faster on CPU than the gradient of
`reduce_window`.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.tracing.graph import Equation

SLICES = 64
"""Larger windows are left to `reduce_window`."""


def winner(equation: Equation) -> Callable[..., Any] | None:
    """A function equal to the equation, or None if the equation itself will do."""
    name = equation.name
    if name in ("max", "min"):
        better = jnp.greater_equal if name == "max" else jnp.less_equal
        return lambda a, b: jnp.where(better(a, b), a, b)
    if name in ("reduce_max", "reduce_min"):
        find = jnp.argmax if name == "reduce_max" else jnp.argmin
        return lambda x: _along(find, x, equation.params["axes"])
    if name in ("reduce_window_max", "reduce_window_min"):
        if math.prod(equation.params["window_dimensions"]) <= SLICES:
            return lambda x: _windows(x, equation.params, largest=name.endswith("max"))
    return None


def _along(find: Callable[..., Array], x: Array, axes: tuple[int, ...]) -> Array:
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = jnp.transpose(x, (*kept, *axes)).reshape(*(x.shape[axis] for axis in kept), -1)
    index = jnp.expand_dims(find(rows, axis=-1), -1)
    return jnp.take_along_axis(rows, index, axis=-1)[..., 0]


def _windows(x: Array, params: Any, *, largest: bool) -> Array:
    info = jnp.finfo if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo
    worst = jnp.asarray(-jnp.inf if info is jnp.finfo else info(x.dtype).min, x.dtype)
    worst = worst if largest else -worst
    padding, dilation = params["padding"], params["base_dilation"]
    edges = [(low, high, gap - 1) for (low, high), gap in zip(padding, dilation, strict=True)]
    x = lax.pad(x, worst, edges)
    size, stride, spread = (
        params[key] for key in ("window_dimensions", "window_strides", "window_dilation")
    )
    count = [
        (length - (n - 1) * gap - 1) // step + 1
        for length, n, gap, step in zip(x.shape, size, spread, stride, strict=True)
    ]
    best = None
    for offset in itertools.product(*(range(n) for n in size)):
        start = [o * gap for o, gap in zip(offset, spread, strict=True)]
        limit = [s + (n - 1) * k + 1 for s, n, k in zip(start, count, stride, strict=True)]
        rival = lax.slice(x, start, limit, stride)
        if best is None:
            best = rival
        else:
            best = jnp.where(best >= rival if largest else best <= rival, best, rival)
    assert best is not None
    return best
