"""Operators that move values: shapes, orders, padding, pieces."""

import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.tflite.operators.base import (
    VECTOR,
    Node,
    Operator,
    activated,
    known,
    numpy_or_jax,
    whole_numbers,
)


def _reshape(node: Node, x, shape=None):
    sizes = node.options["shape"] if shape is None else whole_numbers(node, shape, "shape")
    return x.reshape(sizes)


def _transpose(node: Node, x, order):
    return numpy_or_jax(x).transpose(x, whole_numbers(node, order, "order"))


def _pad(node: Node, x, widths, value=None):
    widths = known(node, widths, "padding").tolist()
    fill = 0 if value is None else value
    return numpy_or_jax(x, value).pad(x, widths, constant_values=fill)


def _mirror(node: Node, x, widths):
    mode = "symmetric" if node.options["mode"] else "reflect"
    return numpy_or_jax(x).pad(x, known(node, widths, "padding").tolist(), mode=mode)


def _expand(node: Node, x, axis):
    return numpy_or_jax(x).expand_dims(x, int(whole_numbers(node, axis, "axis")[0]))


def _squeeze(node: Node, x):
    axes = tuple(node.options["axes"]) or None
    return numpy_or_jax(x).squeeze(x, axes)


def _pack(node: Node, *parts):
    return numpy_or_jax(*parts).stack(parts, node.options["axis"])


def _unpack(node: Node, x):
    axis = node.options["axis"]
    module = numpy_or_jax(x)
    return tuple(module.take(x, index, axis) for index in range(x.shape[axis]))


def _concatenate(node: Node, *parts):
    return activated(node, numpy_or_jax(*parts).concatenate(parts, node.options["axis"]))


def _split(node: Node, axis, x):
    place = int(whole_numbers(node, axis, "axis")[0])
    return tuple(numpy_or_jax(x).split(x, node.options["count"], place))


def _split_sizes(node: Node, x, sizes, axis):
    place = int(whole_numbers(node, axis, "axis")[0])
    parts = known(node, sizes, "sizes").copy()
    parts[parts < 0] = x.shape[place] - parts[parts >= 0].sum()
    return tuple(numpy_or_jax(x).split(x, np.cumsum(parts)[:-1], place))


def _strided_slice(node: Node, x, begin, end, strides):
    """As `x[begin:end:strides]`, with bits that say which bounds are left out."""
    option = node.options
    if option["ellipsis"] or option["new_axis"] or option["offset"]:
        raise node.refuse("an ellipsis, a new axis or ends as lengths are not read")
    bounds = [
        whole_numbers(node, part, name)
        for part, name in ((begin, "begin"), (end, "end"), (strides, "strides"))
    ]
    parts: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(*bounds, strict=True)):
        bit = 1 << axis
        if option["shrink"] & bit:
            parts.append(0 if option["begin"] & bit else first)
        else:
            start = None if option["begin"] & bit else first
            parts.append(slice(start, None if option["end"] & bit else last, step))
    return np.asarray(x[tuple(parts)]) if numpy_or_jax(x) is np else x[tuple(parts)]


def _slice(node: Node, x, begin, sizes):
    starts = whole_numbers(node, begin, "begin")
    counts = whole_numbers(node, sizes, "size")
    ends = [None if count < 0 else start + count for start, count in zip(starts, counts)]
    return x[tuple(map(slice, starts, ends))]


def _gather(node: Node, x, indices):
    axis, shared = node.options["axis"], node.options["shared"]
    axis = axis + x.ndim if axis < 0 else axis
    if shared:
        raise node.refuse("batch axes are not read")
    return numpy_or_jax(x, indices).take(x, indices, axis=axis)


def _gather_at(node: Node, x, indices):
    return x[tuple(numpy_or_jax(indices).moveaxis(indices, -1, 0))]


def _tile(node: Node, x, counts):
    return numpy_or_jax(x).tile(x, whole_numbers(node, counts, "multiples"))


def _fill(node: Node, shape, value):
    sizes = whole_numbers(node, shape, "shape")
    return numpy_or_jax(value).full(sizes, value, value.dtype)


def _range(node: Node, start, limit, step):
    bounds = [known(node, part, "bounds") for part in (start, limit, step)]
    return np.arange(*bounds).astype(bounds[0].dtype)


def _broadcast(node: Node, x, shape):
    return numpy_or_jax(x).broadcast_to(x, whole_numbers(node, shape, "shape"))


def _reverse(node: Node, x, axes):
    return numpy_or_jax(x).flip(x, tuple(whole_numbers(node, axes, "axes")))


def _to_batch(node: Node, x, blocks, pads):
    """Each block's places become entries of the batch, the first axis."""
    sizes = whole_numbers(node, blocks, "block shape")
    widths = [[0, 0], *known(node, pads, "padding").tolist(), *[[0, 0]] * (x.ndim - 1 - len(sizes))]
    x = jnp.pad(x, widths)
    shape, inner = [x.shape[0]], list(range(1, 1 + len(sizes)))
    for axis, size in zip(inner, sizes, strict=True):
        shape += [x.shape[axis] // size, size]
    x = x.reshape(*shape, *x.shape[1 + len(sizes) :])
    order = [2 * axis for axis in inner] + [0] + [2 * axis - 1 for axis in inner]
    x = x.transpose(*order, *range(len(order), x.ndim))
    lead = len(sizes) + 1
    return x.reshape(-1, *x.shape[lead:])


def _from_batch(node: Node, x, blocks, crops):
    """The inverse of `_to_batch`."""
    sizes, count = whole_numbers(node, blocks, "block shape"), x.ndim
    batch = x.shape[0] // int(np.prod(sizes))
    split = x.reshape(*sizes, batch, *x.shape[1:])
    lead, order = len(sizes), [len(sizes)]
    for axis in range(lead):
        order += [lead + 1 + axis, axis]
    split = split.transpose(*order, *range(2 * lead + 1, split.ndim))
    spread = [x.shape[1 + axis] * size for axis, size in enumerate(sizes)]
    y = split.reshape(batch, *spread, *x.shape[1 + lead :])
    edges = known(node, crops, "crops").tolist()
    cuts = [slice(low, y.shape[1 + axis] - high) for axis, (low, high) in enumerate(edges)]
    return y[(slice(None), *cuts, *[slice(None)] * (count - 1 - lead))]


OPERATORS = {
    2: Operator("CONCATENATION", _concatenate, {"axis": (0, "<i", 0), "activation": (1, "<b", 0)}),
    22: Operator("RESHAPE", _reshape, {"shape": (0, VECTOR, ())}, pairs="parts"),
    34: Operator("PAD", _pad),
    36: Operator("GATHER", _gather, {"axis": (0, "<i", 0), "shared": (1, "<i", 0)}, pairs="parts"),
    37: Operator("BATCH_TO_SPACE_ND", _from_batch),
    38: Operator("SPACE_TO_BATCH_ND", _to_batch),
    39: Operator("TRANSPOSE", _transpose, pairs="parts"),
    43: Operator("SQUEEZE", _squeeze, {"axes": (0, VECTOR, ())}, pairs="parts"),
    45: Operator(
        "STRIDED_SLICE",
        _strided_slice,
        {
            "begin": (0, "<i", 0),
            "end": (1, "<i", 0),
            "ellipsis": (2, "<i", 0),
            "new_axis": (3, "<i", 0),
            "shrink": (4, "<i", 0),
            "offset": (5, "?", False),
        },
        pairs="parts",
    ),
    49: Operator("SPLIT", _split, {"count": (0, "<i", 0)}),
    60: Operator("PADV2", _pad),
    65: Operator("SLICE", _slice, pairs="parts"),
    69: Operator("TILE", _tile),
    70: Operator("EXPAND_DIMS", _expand, pairs="parts"),
    77: Operator("SHAPE", lambda node, x: np.asarray(x.shape, np.int32)),
    83: Operator("PACK", _pack, {"count": (0, "<i", 0), "axis": (1, "<i", 0)}),
    88: Operator("UNPACK", _unpack, {"count": (0, "<i", 0), "axis": (1, "<i", 0)}),
    94: Operator("FILL", _fill),
    96: Operator("RANGE", _range),
    100: Operator("MIRROR_PAD", _mirror, {"mode": (0, "<b", 0)}),
    102: Operator("SPLIT_V", _split_sizes, {"count": (0, "<i", 0)}),
    105: Operator("REVERSE_V2", _reverse),
    107: Operator("GATHER_ND", _gather_at),
    110: Operator("RANK", lambda node, x: np.asarray(x.ndim, np.int32)),
    130: Operator("BROADCAST_TO", _broadcast),
}
