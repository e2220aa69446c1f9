"""Padding, and resampling along axes: one matrix for each, or a choice of values."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, axes_of, module


def _pad(call: Call, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    """Attributes before opset 11; negative numbers cut."""
    told = call.get("pads", call.get("paddings"))
    told = call.integers(pads, "the padding") if told is None else told
    places = range(x.ndim) if axes is None else axes_of(call.integers(axes, "the axes"), x.ndim)
    half, widths = len(told) // 2, [(0, 0)] * x.ndim
    for place, before, after in zip(places, told[:half], told[half:], strict=True):
        widths[place] = before, after
    cut = tuple(
        slice(max(-a, 0), size - max(-b, 0)) for (a, b), size in zip(widths, x.shape, strict=True)
    )
    widths = [(max(a, 0), max(b, 0)) for a, b in widths]
    xp, mode = module(x, value), call.get("mode", "constant")
    if mode != "constant":
        modes = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}
        return xp.pad(x[cut], widths, mode=modes[mode])
    value = call.get("value", 0.0) if value is None else value.reshape(())
    return xp.pad(x[cut], widths, constant_values=xp.asarray(value, x.dtype))


def _places(call: Call, size: int, out: int, scale: float) -> np.ndarray:
    """Where each value of the output lies in the input, in float32: rounding decides by it."""
    mode = call.get("coordinate_transformation_mode", "half_pixel")
    i, factor, half = np.arange(out, dtype=np.float32), np.float32(scale), np.float32(0.5)
    if mode == "align_corners":
        return i * np.float32(size - 1) / np.float32(out - 1) if out > 1 else np.zeros(out)
    if mode == "asymmetric":
        return i / factor
    if mode == "pytorch_half_pixel" and out == 1:
        return np.zeros(1)
    if mode in ("half_pixel", "pytorch_half_pixel"):
        return (i + half) / factor - half
    if mode == "half_pixel_symmetric":
        middle = np.float32(size / 2) * (1 - np.float32(out) / (factor * size))
        return middle + (i + half) / factor - half
    raise call.refusal(f"coordinates {mode!r} are not computed", "export with half_pixel")


def _nearest(call: Call, places: np.ndarray, size: int) -> np.ndarray:
    mode = call.get("nearest_mode", "round_prefer_floor")
    rounded = {
        "round_prefer_floor": lambda p: np.ceil(p - 0.5),
        "round_prefer_ceil": lambda p: np.floor(p + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }[mode](places)
    return np.clip(rounded, 0, size - 1).astype(np.int64)


def _kernel(call: Call, mode: str) -> Any:
    """The weight of a value at a distance, and how far it reaches."""
    if mode == "linear":
        return (lambda d: np.maximum(1 - np.abs(d), 0)), 1
    a = call.get("cubic_coeff_a", -0.75)

    def cubic(d: np.ndarray) -> np.ndarray:
        d = np.abs(d)
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0))

    return cubic, 2


def _matrix(call: Call, mode: str, size: int, out: int, scale: float) -> np.ndarray:
    """Weights `[out, size]` of a resampled axis; each row sums to 1."""
    kernel, reach = _kernel(call, mode)
    places = _places(call, size, out, scale)
    stretch = max(1 / scale, 1.0) if call.get("antialias", 0) else 1.0
    span = int(np.ceil(reach * stretch)) + 1
    matrix = np.zeros((out, size))
    outside = bool(call.get("exclude_outside", 0))
    for step in range(-span, span + 1):
        at = np.floor(places).astype(int) + step
        weight = kernel((places - at) / stretch)
        if outside:
            weight = np.where((at >= 0) & (at < size), weight, 0)
        np.add.at(matrix, (np.arange(out), np.clip(at, 0, size - 1)), weight)
    return matrix / matrix.sum(axis=1, keepdims=True)


def _sizes(call: Call, x: Any, scales: Any, sizes: Any) -> tuple[list[int], list[float]]:
    """Sizes of the output and factors, of all axes."""
    axes = axes_of(call.get("axes", tuple(range(x.ndim))), x.ndim)
    out, factors = list(x.shape), [1.0] * x.ndim
    if sizes is not None and np.size(sizes):
        told = call.integers(sizes, "the sizes")
        policy = call.get("keep_aspect_ratio_policy", "stretch")
        shares = [size / x.shape[axis] for axis, size in zip(axes, told, strict=True)]
        if policy != "stretch":
            share = min(shares) if policy == "not_larger" else max(shares)
            shares = [share] * len(axes)
            told = tuple(int(np.floor(share * x.shape[axis] + 0.5)) for axis in axes)
        for axis, size, share in zip(axes, told, shares, strict=True):
            out[axis], factors[axis] = size, share
        return out, factors
    told = np.ravel(call.static(scales, "the factors")).astype(np.float32)
    for axis, factor in zip(axes, told, strict=True):
        out[axis], factors[axis] = int(np.floor(np.float32(x.shape[axis]) * factor)), float(factor)
    return out, factors


def _resize(call: Call, x: Any, *given: Any) -> Any:
    """Inputs: region, factors, sizes since opset 11; factors alone before."""
    _, scales, sizes = (None, *given, None)[:3] if len(given) == 1 else (*given, None, None)[:3]
    out, factors = _sizes(call, x, scales, sizes)
    mode = call.get("mode", "nearest")
    y = jnp.asarray(x)
    for axis, (size, wanted, factor) in enumerate(zip(x.shape, out, factors, strict=True)):
        if size == wanted and factor == 1:
            continue
        if mode == "nearest":
            places = _places(call, size, wanted, factor)
            y = jnp.take(y, _nearest(call, places, size), axis=axis)
        else:
            matrix = _matrix(call, mode, size, wanted, factor).astype(y.dtype)
            y = jnp.moveaxis(jnp.tensordot(y, matrix, axes=([axis], [1])), -1, axis)
    return y


def _early(call: Call, x: Any, scales: Any = None) -> Any:
    """Upsample, and Resize of opset 10: places are i / factor, rounded down."""
    values = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    node = call.node
    attributes = {**values, **node.attributes}
    if scales is None:
        scales = np.asarray(call.require("scales"))
    early = type(node)(
        node.domain, node.operator, node.name, node.inputs, node.outputs, attributes, node.version
    )
    return _resize(Call(early, call.run), x, scales)


def _resize_of_any_opset(call: Call, x: Any, *given: Any) -> Any:
    return _early(call, x, *given) if call.version < 11 else _resize(call, x, *given)


TABLE = {
    "Pad": Operator(_pad, static=(1, 3)),
    "Resize": Operator(_resize_of_any_opset, static=(1, 2, 3)),
    "Upsample": Operator(_early, static=(1,)),
}
