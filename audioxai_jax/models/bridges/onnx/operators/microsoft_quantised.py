"""Operators of the domain com.microsoft in quantised files; gradients as in `quantised`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators import activations, pooling, recurrent
from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator
from audioxai_jax.models.bridges.onnx.operators.quantised import (
    centred,
    dynamic,
    exactly,
    floats,
    quantised,
    without,
)


def _of_real(function: Callable[..., Any], operands: int) -> Operator:
    """An operator on numbers that are dequantised before and quantised behind."""

    def compute(call: Call, *given: Any) -> Any:
        triples = [given[3 * i : 3 * i + 3] for i in range(operands)]
        values = [centred(x, zero) * scale for x, scale, zero in triples]
        scale, zero = given[3 * operands : 3 * operands + 2]
        return _requantised(function(call, *values), scale, zero)

    return Operator(compute, whole=True)


def _requantised(y: Any, scale: Any, zero: Any) -> Any:
    offset = np.zeros((), np.float32) if zero is None else floats(zero)
    return quantised(y / scale, offset, np.uint8 if zero is None else zero.dtype)


def _concat(call: Call, scale: Any, zero: Any, *given: Any) -> Any:
    parts = [centred(given[i], given[i + 2]) * given[i + 1] for i in range(0, len(given), 3)]
    return _requantised(jnp.concatenate(parts, axis=call.require("axis")), scale, zero)


def _global_average(call: Call, x: Any) -> Any:
    axes = tuple(range(1, x.ndim - 1) if call.get("channels_last", 0) else range(2, x.ndim))
    return jnp.mean(x, axis=axes, keepdims=True)


def _average(call: Call, x: Any) -> Any:
    if call.get("channels_last", 0):
        raise call.refusal("channels last are not computed", "quantise it with channels first")
    return pooling.TABLE["AveragePool"].compute(call, x)


def _softmax(call: Call, *given: Any) -> Any:
    x, x_scale, x_zero, scale, zero = given
    y = jax.nn.softmax(centred(x, x_zero) * x_scale, axis=call.get("axis", -1))
    return _requantised(y, scale, zero)


def _dynamic_matmul(call: Call, a: Any, b: Any, scale: Any, zero: Any = None, bias: Any = None):
    """A is quantised by its own range."""
    whole, a_scale, _ = dynamic(jnp.asarray(a))
    b = floats(b) if zero is None else floats(b) - floats(zero)
    y = exactly(jnp.matmul, whole.centred, b) * (a_scale * scale)
    return y if bias is None else y + bias


def _integer_to_float(call: Call, *given: Any) -> Any:
    padded: tuple[Any, ...] = (*given, *(None,) * 3)[:7]
    a, b, a_scale, b_scale, a_zero, b_zero, bias = padded
    a = without(floats(a), floats(a_zero))
    b = floats(b) if b_zero is None else floats(b) - floats(b_zero)
    y = exactly(jnp.matmul, a, b) * (a_scale * b_scale)
    return y if bias is None else y + bias


def _qgemm(call: Call, *given: Any) -> Any:
    padded: tuple[Any, ...] = (*given, *(None,) * 3)[:9]
    a, a_scale, a_zero, b, b_scale, b_zero, c, scale, zero = padded
    a, b = centred(a, a_zero), centred(b, b_zero, axis=0 if call.get("transB", 0) else 1)
    a, b = (a.T if call.get("transA", 0) else a), (b.T if call.get("transB", 0) else b)
    y = exactly(jnp.matmul, a, b)
    y = y if c is None else y + floats(c)
    y = call.get("alpha", 1.0) * y * (a_scale * b_scale)
    return y if scale is None else _requantised(y, scale, zero)


def _weighted(call: Call, w: Any, scale: Any, zero: Any) -> Callable[[Any], Any]:
    """The product with weights of 8 bits."""
    return lambda x: _dynamic_matmul(call, x, w, scale, zero)


def _dynamic_lstm(call: Call, x: Any, w: Any, r: Any, *rest: Any) -> Any:
    """An LSTM of 8-bit weights `[D, I, 4 H]`; inputs and states are quantised by their range."""
    padded: tuple[Any, ...] = (*rest, *(None,) * 9)[:9]
    bias, lengths, first, cell, peepholes, w_scale, w_zero, r_scale, r_zero = padded
    if call.get("layout", 0):
        raise call.refusal("batches first are not computed", "export it with layout 0")
    directions, size = r.shape[:2]
    functions = recurrent.activations(call, ("Sigmoid", "Tanh", "Tanh"), directions)
    zeros = jnp.zeros((directions, x.shape[1], size), x.dtype)
    states = [zeros if s is None else s for s in (first, cell)]
    ys, lasts = [], []
    for d in range(directions):
        shift = 0.0 if bias is None else bias[d, : 4 * size] + bias[d, 4 * size :]
        recur = _weighted(call, r[d], r_scale[d], r_zero[d])
        extra = None if peepholes is None else peepholes[d]
        step = recurrent.lstm_step(call, functions[d], recur, shift, extra)
        backwards = d == 1 or call.get("direction", "forward") == "reverse"
        xw = _weighted(call, w[d], w_scale[d], w_zero[d])(x)
        y, last = recurrent.one_direction(step, xw, tuple(s[d] for s in states), lengths, backwards)
        ys.append(y)
        lasts.append(last)
    return (jnp.stack(ys, axis=1), *(jnp.stack(parts) for parts in zip(*lasts, strict=True)))


TABLE = {
    "DynamicQuantizeLSTM": Operator(_dynamic_lstm),
    "QLinearAdd": _of_real(lambda call, a, b: a + b, 2),
    "QLinearMul": _of_real(lambda call, a, b: a * b, 2),
    "QLinearSigmoid": _of_real(lambda call, x: jax.nn.sigmoid(x), 1),
    "QLinearLeakyRelu": _of_real(activations.TABLE["LeakyRelu"].compute, 1),
    "QLinearGlobalAveragePool": _of_real(_global_average, 1),
    "QLinearAveragePool": _of_real(_average, 1),
    "QLinearConcat": Operator(_concat, whole=True),
    "QLinearSoftmax": Operator(_softmax, whole=True),
    "DynamicQuantizeMatMul": Operator(_dynamic_matmul),
    "MatMulIntegerToFloat": Operator(_integer_to_float, whole=True),
    "QGemm": Operator(_qgemm, whole=True),
}
