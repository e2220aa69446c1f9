"""Operators that pick values by their place, or put them there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import (
    Call,
    Operator,
    axes_of,
    cast,
    is_static,
    module,
)


def _slice(call: Call, x: Any, *given: Any) -> Any:
    """Attributes before opset 10: starts, ends, axes; then inputs, with steps."""
    if given:
        starts, ends, axes, steps = (*given, None, None)[:4]
        starts, ends = call.integers(starts, "the start"), call.integers(ends, "the end")
        axes = None if axes is None else call.integers(axes, "the axes")
        steps = None if steps is None else call.integers(steps, "the steps")
    else:
        starts, ends = call.require("starts"), call.require("ends")
        axes, steps = call.get("axes"), None
    axes = range(len(starts)) if axes is None else axes_of(axes, x.ndim)
    cut = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps or (1,) * len(starts)):
        size = x.shape[axis]
        if step < 0 and end < -size:
            end = None  # past the first
        elif step < 0 and end < 0:
            end += size
        cut[axis] = slice(start, end, step)
    return x[tuple(cut)]


def from_front(call: Call, index: Any, size: int) -> Any:
    """Indices from the front; those that are known are checked."""
    if isinstance(index, np.ndarray):
        if index.size and not (-size <= index.min() and index.max() < size):
            raise call.refusal(f"an index is outside of an axis of {size}", "check the file")
        return np.where(index < 0, index + size, index)
    return jnp.where(index < 0, index + size, index)


def _gather(call: Call, x: Any, index: Any) -> Any:
    axis = call.get("axis", 0) % x.ndim
    index = from_front(call, index, x.shape[axis])
    if is_static(index) and index.ndim == 0:
        return x[(slice(None),) * axis + (int(index),)]
    return module(x, index).take(x, index, axis=axis)


def _gather_elements(call: Call, x: Any, index: Any) -> Any:
    axis = call.get("axis", 0) % x.ndim
    index = from_front(call, index, x.shape[axis])
    if index.shape != x.shape:  # indices may be fewer than the values along every axis
        return x[_grid(module(x, index), index, axis)]
    return module(x, index).take_along_axis(x, index, axis=axis)


def _grid(xp: Any, index: Any, axis: int) -> tuple[Any, ...]:
    """Indices of all axes, the given ones along one of them."""
    places = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    places[axis] = index
    return tuple(places)


def _gather_nd(call: Call, x: Any, index: Any) -> Any:
    batch, depth = call.get("batch_dims", 0), index.shape[-1]
    parts = [from_front(call, index[..., i], x.shape[batch + i]) for i in range(depth)]
    grid = np.ogrid[tuple(slice(size) for size in index.shape[:batch])] if batch else []
    rank = index.ndim - 1
    leading = [g.reshape(g.shape + (1,) * (rank - batch)) for g in grid]
    return (x if is_static(x, index) else jnp.asarray(x))[(*leading, *parts)]


def _put(call: Call, x: Any, places: tuple[Any, ...], updates: Any) -> Any:
    """The values with others put in their places, or added, multiplied, compared."""
    reduction = call.get("reduction", "none")
    names = {"none": "set", "add": "add", "mul": "multiply", "max": "max", "min": "min"}
    at = jnp.asarray(x).at[places]
    found = getattr(at, names[reduction])(cast(updates, x.dtype))
    return np.asarray(found).astype(x.dtype) if is_static(x, updates, *places) else found


def _scatter_elements(call: Call, x: Any, index: Any, updates: Any) -> Any:
    axis = call.get("axis", 0) % x.ndim
    index = from_front(call, index, x.shape[axis])
    return _put(call, x, _grid(module(x, index), index, axis), updates)


def _scatter_nd(call: Call, x: Any, index: Any, updates: Any) -> Any:
    parts = [from_front(call, index[..., i], x.shape[i]) for i in range(index.shape[-1])]
    return _put(call, x, tuple(parts), updates)


def _one_hot(call: Call, index: Any, depth: Any, values: Any) -> Any:
    size, axis = int(call.static(depth, "the depth").item()), call.get("axis", -1)
    xp = module(index, values)
    index = xp.expand_dims(xp.where(index < 0, index + size, index), axis)
    shape = [1] * index.ndim
    shape[axis] = size
    hot = index == np.arange(size, dtype=np.int32).reshape(shape)
    return xp.where(hot, values[1], values[0])


def _non_zero(call: Call, x: Any) -> Any:
    """Places of values that are not zero, which must be known while tracing."""
    return np.stack(np.nonzero(call.static(x, "the places that are not zero"))).astype(np.int64)


def _compress(call: Call, x: Any, condition: Any) -> Any:
    chosen = np.flatnonzero(call.static(condition, "the condition"))
    axis = call.get("axis")
    xp = module(x)
    return xp.take(x.ravel(), chosen) if axis is None else xp.take(x, chosen, axis=axis)


def _trilu(call: Call, x: Any, k: Any = None) -> Any:
    offset = 0 if k is None else int(call.static(k, "the diagonal").item())
    xp = module(x)
    upper = call.get("upper", 1)
    rows, columns = x.shape[-2:]
    keep = np.tri(rows, columns, offset if not upper else offset - 1, dtype=bool)
    return xp.where(~keep if upper else keep, x, np.zeros((), x.dtype))


def _top_k(call: Call, x: Any, k: Any = None) -> Any:
    """The k largest or smallest, in order, and their places."""
    count = int(call.get("k") or call.static(k, "the number k").item())
    axis, largest = call.get("axis", -1) % x.ndim, call.get("largest", 1)
    if is_static(x):
        order = np.argsort(-x if largest else x, axis=axis, kind="stable")
        places = order.take(np.arange(count), axis=axis)
        return np.take_along_axis(x, places, axis), places.astype(np.int64)
    moved = jnp.moveaxis(x, axis, -1)
    values, places = jax.lax.top_k(moved if largest else -moved, count)
    values = values if largest else -values
    return jnp.moveaxis(values, -1, axis), cast(jnp.moveaxis(places, -1, axis), np.int64)


def _unique(call: Call, x: Any) -> Any:
    """The values that differ, which must be known while tracing."""
    x, axis = call.static(x, "the values that differ"), call.get("axis")
    found = np.unique(x, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    values, first, inverse, counts = found
    if not call.get("sorted", 1):
        order = np.argsort(first)
        values = values.take(order, axis=0 if axis is None else axis)
        inverse, first, counts = np.argsort(order)[inverse], first[order], counts[order]
    wide = (part.ravel().astype(np.int64) for part in (first, inverse, counts))
    return values, *wide


TABLE = {
    "Slice": Operator(_slice, static=(1, 2, 3, 4)),
    "Gather": Operator(_gather),
    "GatherElements": Operator(_gather_elements),
    "GatherND": Operator(_gather_nd),
    "ScatterElements": Operator(_scatter_elements),
    "Scatter": Operator(_scatter_elements),
    "ScatterND": Operator(_scatter_nd),
    "OneHot": Operator(_one_hot, static=(1,)),
    "NonZero": Operator(_non_zero, static=(0,)),
    "Compress": Operator(_compress, static=(1,)),
    "Trilu": Operator(_trilu, static=(1,)),
    "TopK": Operator(_top_k, static=(1,)),
    "Unique": Operator(_unique, static=(0,)),
}
