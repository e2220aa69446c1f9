"""Convolutions, transposed ones, and the bias that follows."""

from typing import Any

import jax

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, alike
from audioxai_jax.models.bridges.onnx.operators.windows import filled, windows


def numbers(rank: int) -> Any:
    """Channels first: `[N, C, ..]`, kernels `[O, I, ..]`."""
    whole = tuple(range(rank))
    return jax.lax.ConvDimensionNumbers(whole, whole, whole)


def with_bias(y: Any, bias: Any) -> Any:
    """One number a channel added."""
    return y if bias is None else y + bias.reshape(-1, *(1,) * (y.ndim - 2))


def convolve(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    """A convolution with the strides, padding, dilation and groups of a node."""
    x, weight, bias = alike(x, weight, bias)
    over = filled(call, x.shape[2:], weight.shape[2:])
    y = jax.lax.conv_general_dilated(
        x,
        weight,
        over.strides,
        over.padding,
        rhs_dilation=over.dilations,
        dimension_numbers=numbers(x.ndim),
        feature_group_count=call.get("group", 1),
    )
    return with_bias(y, bias)


def _transposed_pads(call: Call, sizes: Any, over: Any) -> list[tuple[int, int]]:
    """Values that the output of a transposed convolution loses at both ends."""
    count = len(over.kernel)
    extra = call.get("output_padding", (0,) * count)
    shape = call.get("output_shape")
    kind = call.get("auto_pad", "NOTSET")
    if shape is None and kind in ("NOTSET", "VALID"):
        return [(a, b - more) for (a, b), more in zip(over.pads, extra, strict=True)]
    pads = []
    for axis in range(count):
        size, stride = sizes[axis], over.strides[axis]
        extent = (over.kernel[axis] - 1) * over.dilations[axis] + 1
        wanted = shape[-count:][axis] if shape is not None else size * stride
        total = (size - 1) * stride + extra[axis] + extent - wanted
        half = total // 2
        first = half if kind == "SAME_UPPER" else total - half
        pads.append((first, total - first - extra[axis]))
    return pads


def _transposed(call: Call, x: Any, weight: Any, bias: Any = None) -> Any:
    """The transpose of a convolution, as one over the input with zeros in between."""
    x, weight, bias = alike(x, weight, bias)
    groups = call.get("group", 1)
    over = windows(call, x.shape[2:], weight.shape[2:])
    lost = _transposed_pads(call, x.shape[2:], over)
    extents = [(k - 1) * d for k, d in zip(over.kernel, over.dilations, strict=True)]
    padding = [(e - a, e - b) for e, (a, b) in zip(extents, lost, strict=True)]
    inner, outer, *kernel = weight.shape  # [C, O / groups, ..]
    weight = weight.reshape(groups, inner // groups, outer, *kernel).swapaxes(1, 2)
    weight = weight.reshape(groups * outer, inner // groups, *kernel)
    weight = jax.numpy.flip(weight, tuple(range(2, weight.ndim)))
    y = jax.lax.conv_general_dilated(
        x,
        weight,
        (1,) * len(kernel),
        padding,
        lhs_dilation=over.strides,
        rhs_dilation=over.dilations,
        dimension_numbers=numbers(x.ndim),
        feature_group_count=groups,
    )
    return with_bias(y, bias)


TABLE = {"Conv": Operator(convolve), "ConvTranspose": Operator(_transposed)}
