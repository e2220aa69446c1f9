"""Operators that move values and leave them as they are, and those that make shapes."""

from typing import Any

import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import (
    Call,
    Operator,
    axes_of,
    cast,
    dtype_of,
    is_static,
    module,
)


def _shape(call: Call, x: Any) -> Any:
    rank = np.ndim(x)
    start, end = call.get("start", 0), call.get("end", rank)
    return np.asarray(np.shape(x)[slice(start, end)], np.int64)


def _reshape(call: Call, x: Any, shape: Any = None) -> Any:
    sizes = list(call.get("shape") or call.integers(shape, "the shape"))  # attribute till opset 5
    if not call.get("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(call: Call, x: Any) -> Any:
    axis = call.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))


def _transpose(call: Call, x: Any) -> Any:
    return x.transpose(call.get("perm", tuple(range(x.ndim))[::-1]))


def _axes(call: Call, given: Any, default: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Axes as an attribute, or as an input since opset 13."""
    if given is not None:
        return call.integers(given, "the axes")
    return tuple(call.get("axes", default))


def _squeeze(call: Call, x: Any, axes: Any = None) -> Any:
    ones = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    return x.squeeze(axes_of(_axes(call, axes, ones), x.ndim))


def _unsqueeze(call: Call, x: Any, axes: Any = None) -> Any:
    places = _axes(call, axes)
    return module(x).expand_dims(x, axes_of(places, x.ndim + len(places)))


def _concat(call: Call, *values: Any) -> Any:
    xp = module(*values)
    return xp.concatenate([xp.asarray(value) for value in values], axis=call.require("axis"))


def split_sizes(call: Call, size: int, sizes: Any, parts: int) -> tuple[int, ...]:
    """Sizes of the pieces of an axis: those told, or equal ones, the last perhaps smaller."""
    if sizes is not None:
        return call.integers(sizes, "the sizes")
    if told := call.get("split"):
        return tuple(told)
    parts = call.get("num_outputs", parts)
    each = -(-size // parts)
    return tuple(min(each, size - i * each) for i in range(parts))


def _split(call: Call, x: Any, sizes: Any = None) -> Any:
    axis = call.get("axis", 0)
    pieces = split_sizes(call, x.shape[axis], sizes, call.outputs)
    cuts = np.cumsum(pieces)[:-1].tolist()
    return tuple(module(x).split(x, cuts, axis=axis))


def _expand(call: Call, x: Any, shape: Any) -> Any:
    sizes = np.broadcast_shapes(x.shape, call.integers(shape, "the shape"))
    return module(x).broadcast_to(x, sizes)


def _tile(call: Call, x: Any, repeats: Any) -> Any:
    return module(x).tile(x, call.integers(repeats, "the number of repeats"))


def _constant_of_shape(call: Call, shape: Any) -> Any:
    value = np.ravel(call.get("value", np.zeros(1, np.float32)))
    return np.full(call.integers(shape, "the shape"), value[0], value.dtype)


def _range(call: Call, start: Any, limit: Any, step: Any) -> Any:
    first, last, by = (
        call.static(v, w).item() for v, w in ((start, "start"), (limit, "limit"), (step, "step"))
    )
    count = max(int(np.ceil((last - first) / by)), 0)
    return (first + by * np.arange(count)).astype(start.dtype)


def _eye_like(call: Call, x: Any) -> Any:
    dtype = dtype_of(call.get("dtype"), call) if call.get("dtype") else np.dtype(x.dtype)
    return np.eye(*x.shape, k=call.get("k", 0), dtype=dtype)


def _depth_to_space(call: Call, x: Any) -> Any:
    n, c, *sizes = x.shape
    size, ndim = call.require("blocksize"), len(sizes)
    inner = (size,) * ndim
    if call.get("mode", "DCR") == "DCR":
        x = x.reshape(n, *inner, c // size**ndim, *sizes)
        blocks, channels = list(range(1, ndim + 1)), ndim + 1
    else:
        x = x.reshape(n, c // size**ndim, *inner, *sizes)
        blocks, channels = list(range(2, ndim + 2)), 1
    order = [axis for i, block in enumerate(blocks) for axis in (ndim + 2 + i, block)]
    x = x.transpose(0, channels, *order)
    return x.reshape(n, c // size**ndim, *(side * size for side in sizes))


def _space_to_depth(call: Call, x: Any) -> Any:
    n, c, h, w = x.shape
    size = call.require("blocksize")
    x = x.reshape(n, c, h // size, size, w // size, size).transpose(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * size * size, h // size, w // size)


def _dropout(call: Call, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """The input itself: dropout is off."""
    if training is not None and bool(call.static(training, "the training mode")):
        rate = 0.5 if ratio is None else np.asarray(ratio).item()
        if rate > 0:
            raise call.refusal("dropout is on, which draws at random", "export it in eval mode")
    mask = np.ones(np.shape(x), np.bool_)
    return (x, mask)[: max(call.outputs, 1)]


def _reverse_sequence(call: Call, x: Any, lengths: Any) -> Any:
    """Along time, each example of the batch up to its own length."""
    time, batch = call.get("time_axis", 0), call.get("batch_axis", 1)
    steps, count = np.arange(x.shape[time]), call.static(lengths, "the lengths")
    index = np.where(steps < count[:, None], count[:, None] - 1 - steps, steps)
    moved = module(x).moveaxis(x, (batch, time), (0, 1))
    moved = moved[np.arange(len(count))[:, None], index]
    return module(x).moveaxis(moved, (0, 1), (batch, time))


def _identity(call: Call, x: Any) -> Any:
    return x


def _bit_cast(call: Call, x: Any) -> Any:
    dtype = dtype_of(call.require("to"), call)
    return x.view(dtype) if is_static(x) else cast(x, x.dtype).view(dtype)


TABLE = {
    "Shape": Operator(_shape, by_shape=True),
    "Size": Operator(lambda call, x: np.asarray(np.size(x), np.int64), by_shape=True),
    "Reshape": Operator(_reshape, static=(1,)),
    "Flatten": Operator(_flatten),
    "Transpose": Operator(_transpose),
    "Squeeze": Operator(_squeeze, static=(1,)),
    "Unsqueeze": Operator(_unsqueeze, static=(1,)),
    "Concat": Operator(_concat),
    "Split": Operator(_split, static=(1,)),
    "Expand": Operator(_expand, static=(1,)),
    "Tile": Operator(_tile, static=(1,)),
    "ConstantOfShape": Operator(_constant_of_shape, static=(0,)),
    "Range": Operator(_range, static=(0, 1, 2)),
    "EyeLike": Operator(_eye_like, by_shape=True),
    "DepthToSpace": Operator(_depth_to_space),
    "SpaceToDepth": Operator(_space_to_depth),
    "Dropout": Operator(_dropout, static=(1, 2)),
    "ReverseSequence": Operator(_reverse_sequence, static=(1,)),
    "Identity": Operator(_identity),
    "BitCast": Operator(_bit_cast),
}
