"""Convolutions, dense layers and pooling; sounds lie channels last, weights output first."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.tflite.operators.base import (
    HIGHEST,
    Node,
    Operator,
    activated,
    known,
    whole_numbers,
)

PADDINGS = ("SAME", "VALID")
CONVOLUTION = {
    "padding": (0, "<b", 0),
    "stride_w": (1, "<i", 0),
    "stride_h": (2, "<i", 0),
    "activation": (3, "<b", 0),
    "dilation_w": (4, "<i", 1),
    "dilation_h": (5, "<i", 1),
}
DEPTHWISE = CONVOLUTION | {
    "activation": (4, "<b", 0),
    "dilation_w": (5, "<i", 1),
    "dilation_h": (6, "<i", 1),
}
TRANSPOSED = {name: CONVOLUTION[name] for name in ("padding", "stride_w", "stride_h", "activation")}
POOLING = {
    "padding": (0, "<b", 0),
    "stride_w": (1, "<i", 0),
    "stride_h": (2, "<i", 0),
    "width": (3, "<i", 0),
    "height": (4, "<i", 0),
    "activation": (5, "<b", 0),
}
DENSE = {"activation": (0, "<b", 0), "format": (1, "<b", 0), "keep": (2, "?", False)}


def _strides(node: Node) -> tuple[int, int]:
    return node.options["stride_h"], node.options["stride_w"]


def _floats(node: Node, *values) -> None:
    for value in values:
        if value is not None and value.dtype.kind != "f":
            raise node.refuse(f"{value.dtype.name} values: only float models are read")


def _ended(node: Node, y, bias):
    return activated(node, y if bias is None else y + bias)


def _convolution(node: Node, x, weight, bias=None):
    _floats(node, x, weight, bias)
    depthwise = node.operator.name == "DEPTHWISE_CONV_2D"
    groups = x.shape[-1] if depthwise else x.shape[-1] // weight.shape[-1]
    y = jax.lax.conv_general_dilated(
        x,
        weight,
        window_strides=_strides(node),
        padding=PADDINGS[node.options["padding"]],
        rhs_dilation=(node.options["dilation_h"], node.options["dilation_w"]),
        dimension_numbers=("NHWC", "IHWO" if depthwise else "OHWI", "NHWC"),
        feature_group_count=groups,
        precision=HIGHEST,
    )
    return _ended(node, y, bias)


def _transposed(node: Node, shape, weight, x, bias=None):
    """The transpose of the convolution that takes `shape` to the shape of x."""
    _floats(node, x, weight, bias)
    sizes = whole_numbers(node, shape, "output shape")[1:3]
    pads = []
    for size, steps, taps, stride in zip(
        sizes, x.shape[1:3], weight.shape[1:3], _strides(node), strict=True
    ):
        needed = max(0, (steps - 1) * stride + taps - size)
        before = 0 if node.options["padding"] else needed // 2
        low = taps - 1 - before
        pads.append((low, size - ((steps - 1) * stride + 1) - low + taps - 1))
    y = jax.lax.conv_general_dilated(
        x,
        jnp.flip(weight, (1, 2)),
        window_strides=(1, 1),
        padding=pads,
        lhs_dilation=_strides(node),
        dimension_numbers=("NHWC", "OHWI", "NHWC"),
        precision=HIGHEST,
    )
    return _ended(node, y, bias)


def _dense(node: Node, x, weight, bias=None):
    _floats(node, x, weight, bias)
    if node.options["format"]:
        raise node.refuse("shuffled weights are not read")
    if not node.options["keep"]:
        x = x.reshape(-1, weight.shape[1])
    return _ended(node, jnp.matmul(x, weight.T, precision=HIGHEST), bias)


def _windows(node: Node, x, start, combine):
    height, width = node.options["height"], node.options["width"]
    padding = PADDINGS[node.options["padding"]]
    rows, columns = _strides(node)
    return jax.lax.reduce_window(
        x, start, combine, (1, height, width, 1), (1, rows, columns, 1), padding
    )


def _average(node: Node, x):
    _floats(node, x)
    ones = np.ones((1, *x.shape[1:3], 1), x.dtype)
    count = _windows(node, ones, 0.0, jax.lax.add)
    return activated(node, _windows(node, x, 0.0, jax.lax.add) / count)


def _largest(node: Node, x):
    _floats(node, x)
    return activated(node, _windows(node, x, -jnp.inf, jax.lax.max))


def _resize(node: Node, x, size):
    """Nearest or linear, at corners, centres of pixels, or their first edge."""
    linear = node.operator.name == "RESIZE_BILINEAR"
    for axis, new in zip((1, 2), known(node, size, "size").tolist(), strict=True):
        old = x.shape[axis]
        low, high, part = _places(node, old, new, linear)
        shape = [1] * x.ndim
        shape[axis] = new
        part = part.reshape(shape).astype(x.dtype)
        first = jnp.take(x, low, axis=axis)
        x = first * (1 - part) + jnp.take(x, high, axis=axis) * part if linear else first
    return x


def _places(node: Node, old: int, new: int, linear: bool):
    """Neighbours of each new place, and the part of the second."""
    corners, centres = node.options["corners"], node.options["centres"]
    scale = np.float32((old - 1) / (new - 1) if corners and new > 1 else old / new)
    at = np.arange(new, dtype=np.float32)
    if not linear:
        at = (at + np.float32(0.5 if centres else 0)) * scale
        rounded = np.floor(at + np.float32(0.5)) if corners else np.floor(at)
        low = np.clip(rounded.astype(int), 0, old - 1)
        return low, low, np.zeros(new)
    at = (at + np.float32(0.5)) * scale - np.float32(0.5) if centres else at * scale
    low = np.clip(np.floor(at).astype(int), 0, old - 1)
    high = np.minimum(np.maximum(np.floor(at).astype(int) + 1, 0), old - 1)
    return low, high, at - np.floor(at)


OPERATORS = {
    1: Operator("AVERAGE_POOL_2D", _average, POOLING),
    3: Operator("CONV_2D", _convolution, CONVOLUTION),
    4: Operator("DEPTHWISE_CONV_2D", _convolution, DEPTHWISE),
    9: Operator("FULLY_CONNECTED", _dense, DENSE),
    17: Operator("MAX_POOL_2D", _largest, POOLING),
    23: Operator(
        "RESIZE_BILINEAR", _resize, {"corners": (2, "?", False), "centres": (3, "?", False)}
    ),
    67: Operator("TRANSPOSE_CONV", _transposed, TRANSPOSED),
    97: Operator(
        "RESIZE_NEAREST_NEIGHBOR", _resize, {"corners": (0, "?", False), "centres": (1, "?", False)}
    ),
}
