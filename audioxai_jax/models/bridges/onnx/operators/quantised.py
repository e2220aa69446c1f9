"""Quantised operators: whole numbers, with a gradient that passes straight through rounding.

Rounding has the gradient 0 almost everywhere, so that no method that needs a gradient would say
anything of a quantised model. Here a value that is quantised has the gradient of the value itself
within the range of its type, and 0 where it is cut: the straight-through estimator (Bengio et al.
2013, https://arxiv.org/abs/1308.3432, section 2; clipped as in quantisation-aware training, Jacob
et al. 2018, https://arxiv.org/abs/1712.05877, section 3). Values are those of whole numbers: they
are kept in float32, and sums of products are taken in int32 beside those that give the gradient.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, dtype_of
from audioxai_jax.models.bridges.onnx.operators.convolution import convolve

RANGES = {
    np.dtype(t): (int(np.iinfo(t).min), int(np.iinfo(t).max))
    for t in (np.int8, np.uint8, np.int16, np.uint16)
}


def rounded(x: Any) -> Any:
    """The nearest whole number, halves to even; the gradient passes straight through."""
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


def quantised(scaled: Any, zero: Any, dtype: Any) -> Any:
    """Rounded, moved by the zero, and cut to the range of a type."""
    low, high = RANGES[np.dtype(dtype)]
    return jnp.clip(rounded(scaled) + zero, low, high)


def floats(value: Any) -> Any:
    """Whole numbers of up to 16 bits as float32, exactly; what is floating point stays."""
    if value is None or jnp.issubdtype(value.dtype, jnp.floating):
        return value
    return value.astype(np.float32)


def along(value: Any, axis: int, rank: int) -> Any:
    """One number for all, or one for each entry of an axis."""
    if value is None or np.size(value) == 1:
        return value if value is None else value.reshape(())
    return value.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def centred(x: Any, zero: Any, axis: int = 1) -> Any:
    """Whole numbers less their zero, as float32."""
    return floats(x) if zero is None else floats(x) - along(floats(zero), axis, x.ndim)


def exactly(product: Callable[..., Any], a: Any, b: Any) -> Any:
    """A product of whole numbers kept in float32: the value of int32, the gradient of floats."""
    smooth = product(jnp.asarray(a), jnp.asarray(b))
    whole = jax.lax.stop_gradient(jnp.asarray(a)).astype(np.int32)
    exact = product(whole, jnp.asarray(b).astype(np.int32)).astype(smooth.dtype)
    return smooth + jax.lax.stop_gradient(exact - smooth)


def check_type(call: Call, dtype: Any) -> None:
    if np.dtype(dtype) not in RANGES:
        raise call.refusal(
            f"numbers of type {np.dtype(dtype).name} are not computed with",
            "quantise to 8 or 16 bits, or use the model in float32",
        )


def _blocks(call: Call, value: Any, shape: Any) -> Any:
    """Factors as they belong to the entries: of all, of an axis, of blocks of one (opset 21)."""
    size, axis, rank = call.get("block_size", 0), call.get("axis", 1), len(shape)
    if value is None or not size or np.ndim(value) != rank:
        return along(value, axis, rank)
    whole = [slice(None)] * rank
    whole[axis % rank] = slice(shape[axis % rank])
    return jnp.repeat(jnp.asarray(value), size, axis=axis)[tuple(whole)]


def _quantise(call: Call, x: Any, scale: Any, zero: Any = None) -> Any:
    dtype = np.dtype(np.uint8 if zero is None else zero.dtype)
    if zero is None and call.get("output_dtype"):
        dtype = dtype_of(call.get("output_dtype"), call)
    check_type(call, dtype)
    x = jnp.asarray(x)
    scale, offset = (_blocks(call, value, x.shape) for value in (scale, floats(zero)))
    return quantised(x / scale, 0.0 if offset is None else offset, dtype)


def _dequantise(call: Call, x: Any, scale: Any, zero: Any = None) -> Any:
    scale, offset = (_blocks(call, value, x.shape) for value in (scale, zero))
    if x.dtype == np.int32 and zero is None:  # of a bias
        return (x * scale.astype(np.float64)).astype(scale.dtype) if _known(x, scale) else x * scale
    value = floats(x) if offset is None else floats(x) - floats(offset)
    return (value * scale).astype(scale.dtype)


def _known(*values: Any) -> bool:
    return all(isinstance(value, np.ndarray) for value in values)


def dynamic(x: Any) -> tuple[Any, Any, Any]:
    """Numbers of 8 bits by the range of the tensor itself, with 0; scale; zero.

    The range counts as given: it has no gradient.
    """
    low = jax.lax.stop_gradient(jnp.minimum(jnp.min(x), 0))
    high = jax.lax.stop_gradient(jnp.maximum(jnp.max(x), 0))
    scale = (high - low) / 255
    scale = jnp.where(scale == 0, jnp.ones_like(scale), scale)
    zero = jnp.clip(jnp.round(-low / scale), 0, 255)
    return quantised(x / scale, zero, np.uint8), scale, zero


def _rows(value: Any) -> Any:
    """One number for each row of a matrix."""
    return value[..., None] if np.ndim(value) == 1 and np.size(value) > 1 else value


def _matmul_integer(call: Call, a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    a = floats(a) if a_zero is None else floats(a) - _rows(floats(a_zero))
    b = floats(b) if b_zero is None else floats(b) - floats(b_zero)
    return exactly(jnp.matmul, a, b)


def _conv_integer(call: Call, x: Any, w: Any, x_zero: Any = None, w_zero: Any = None) -> Any:
    x, w = centred(x, x_zero), centred(w, w_zero, axis=0)
    return exactly(lambda x, w: convolve(call, x, w), x, w)


def _qlinear_matmul(call: Call, *given: Any) -> Any:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = given
    a, b = floats(a) - _rows(floats(a_zero)), floats(b) - floats(b_zero)
    factor = _rows(a_scale) * b_scale / y_scale
    return quantised(exactly(jnp.matmul, a, b) * factor, floats(y_zero), y_zero.dtype)


def _qlinear_conv(call: Call, *given: Any) -> Any:
    padded: tuple[Any, ...] = (*given, None)[:9]
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias = padded
    x, w = centred(x, x_zero), centred(w, w_zero, axis=0)
    y = exactly(lambda x, w: convolve(call, x, w), x, w)
    if bias is not None:
        y = y + along(floats(bias), 1, y.ndim)
    factor = along(x_scale * w_scale / y_scale, 1, y.ndim)
    return quantised(y * factor, floats(y_zero).reshape(()), y_zero.dtype)


TABLE = {
    "QuantizeLinear": Operator(_quantise),
    "DequantizeLinear": Operator(_dequantise),
    "DynamicQuantizeLinear": Operator(lambda call, x: dynamic(jnp.asarray(x))),
    "MatMulInteger": Operator(_matmul_integer),
    "ConvInteger": Operator(_conv_integer),
    "QLinearMatMul": Operator(_qlinear_matmul),
    "QLinearConv": Operator(_qlinear_conv),
}
