"""Pooling: maxima, means and p-norms of windows, or of all that an example has."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, cast
from audioxai_jax.models.bridges.onnx.operators.windows import Windows, counts, filled, windows


def _over(x: Any, initial: Any, combine: Any, over: Windows) -> Any:
    ones = (1, 1)
    return jax.lax.reduce_window(
        x,
        initial,
        combine,
        window_dimensions=(*ones, *over.kernel),
        window_strides=(*ones, *over.strides),
        padding=[(0, 0), (0, 0), *over.padding],
        window_dilation=(*ones, *over.dilations),
    )


def _max(call: Call, x: Any) -> Any:
    """The largest value of each window, and its place if it is asked for."""
    x = jnp.asarray(x)
    over = filled(call, x.shape[2:], call.require("kernel_shape"))
    least = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    if max(over.dilations) > 1:
        y = _spread_max(x, least, over)  # JAX has no gradient of the other form
    else:
        y = _over(x, np.asarray(least, x.dtype), jax.lax.max, over)
    if not call.wants(1):
        return y
    return y, _places(call, x, over)


def _spread_max(x: Any, least: Any, over: Windows) -> Any:
    """Maxima of windows with gaps: of the input moved to each place of a window."""
    padded = jnp.pad(x, [(0, 0), (0, 0), *over.padding], constant_values=least)
    reach = [(k - 1) * d + 1 for k, d in zip(over.kernel, over.dilations, strict=True)]
    sizes = zip(padded.shape[2:], reach, over.strides, strict=True)
    ends = [(size - far) // step * step + 1 for size, far, step in sizes]
    moved = []
    for place in np.ndindex(*over.kernel):
        starts = [i * d for i, d in zip(place, over.dilations, strict=True)]
        cut = zip(starts, ends, over.strides, strict=True)
        moved.append(padded[(..., *(slice(i, i + end, step) for i, end, step in cut))])
    return jnp.max(jnp.stack(moved), axis=0)


def _places(call: Call, x: Any, over: Windows) -> Any:
    """Places of the maxima in the flattened input; the first of equal ones."""
    sizes = x.shape[2:]
    order = np.arange(int(np.prod(x.shape)), dtype=np.int32).reshape(x.shape)
    if call.get("storage_order", 0):
        images = int(np.prod(x.shape[:2]))
        inner = np.arange(int(np.prod(sizes)), dtype=np.int32).reshape(sizes[::-1]).T
        order = (inner + np.arange(images).reshape(-1, *(1,) * len(sizes)) * inner.size).reshape(
            x.shape
        )
    values = x

    def best(one: Any, other: Any) -> Any:
        (a, i), (b, j) = one, other
        first = (a > b) | ((a == b) & (i < j))
        return jnp.where(first, a, b), jnp.where(first, i, j)

    ones = (1, 1)
    start = (np.asarray(-np.inf, x.dtype), np.asarray(np.iinfo(np.int32).max, np.int32))
    _, places = jax.lax.reduce_window(
        (values, jnp.asarray(order, jnp.int32)),
        start,
        best,
        (*ones, *over.kernel),
        (*ones, *over.strides),
        [(0, 0), (0, 0), *over.padding],
        window_dilation=(*ones, *over.dilations),
    )
    return cast(places, np.int64)


def _average(call: Call, x: Any) -> Any:
    x = jnp.asarray(x)
    over = filled(call, x.shape[2:], call.require("kernel_shape"))
    number = counts(x.shape[2:], over, bool(call.get("count_include_pad", 0)))
    return _over(x, np.zeros((), x.dtype), jax.lax.add, over) / number.astype(x.dtype)


def _norm(call: Call, x: Any) -> Any:
    x, p = jnp.asarray(x), call.get("p", 2)
    over = filled(call, x.shape[2:], call.require("kernel_shape"))
    return _over(jnp.abs(x) ** p, np.zeros((), x.dtype), jax.lax.add, over) ** (1 / p)


def _everything(x: Any) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


def _global_norm(call: Call, x: Any) -> Any:
    x, p = jnp.asarray(x), call.get("p", 2)
    return jnp.sum(jnp.abs(x) ** p, axis=_everything(x), keepdims=True) ** (1 / p)


def _unpool(call: Call, x: Any, places: Any, shape: Any = None) -> Any:
    """Maxima back at their places, zeros elsewhere."""
    if shape is not None:
        sizes = call.integers(shape, "the output's shape")
    else:
        kernel = call.require("kernel_shape")
        over = windows(call, x.shape[2:], kernel)
        inner = [
            (size - 1) * stride + k - a - b
            for size, stride, k, (a, b) in zip(x.shape[2:], over.strides, kernel, over.pads)
        ]
        sizes = (*x.shape[:2], *inner)
    flat = jnp.zeros(int(np.prod(sizes)), x.dtype)
    return flat.at[places.ravel()].set(x.ravel()).reshape(sizes)


TABLE = {
    "MaxPool": Operator(_max, moves=True),
    "AveragePool": Operator(_average),
    "LpPool": Operator(_norm),
    "MaxUnpool": Operator(_unpool, static=(2,)),
    "GlobalMaxPool": Operator(
        lambda call, x: jnp.max(jnp.asarray(x), axis=_everything(x), keepdims=True)
    ),
    "GlobalAveragePool": Operator(
        lambda call, x: jnp.mean(jnp.asarray(x), axis=_everything(x), keepdims=True)
    ),
    "GlobalLpPool": Operator(_global_norm),
}
