"""Operators of the domain com.microsoft, of files that onnxruntime optimised or quantised."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators import activations, pooling
from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, alike
from audioxai_jax.models.bridges.onnx.operators.convolution import convolve
from audioxai_jax.models.bridges.onnx.operators.normalisation import standardised
from audioxai_jax.models.bridges.onnx.operators.quantised import (
    centred,
    dynamic,
    exactly,
    floats,
    quantised,
)

FUSED: dict[str, Callable[..., Any]] = {
    "": lambda x: x,
    "Relu": jax.nn.relu,
    "Tanh": jnp.tanh,
    "Sigmoid": jax.nn.sigmoid,
}


def _fused(call: Call, y: Any) -> Any:
    """The activation that a node takes up."""
    name, numbers = call.get("activation", ""), call.get("activation_params", ())
    if name == "LeakyRelu":
        return jax.nn.leaky_relu(y, call.get("activation_alpha", (*numbers, 0.01)[0]))
    if name == "Clip" and len(numbers) == 2:
        return jnp.clip(y, *numbers)
    if name not in FUSED:
        raise call.refusal(f"the activation {name!r} is not known", "export it unoptimised")
    return FUSED[name](y)


def _conv(call: Call, x: Any, w: Any, bias: Any = None, added: Any = None) -> Any:
    y = convolve(call, x, w, bias)
    return _fused(call, y if added is None else y + added)


def _matmul(call: Call, a: Any, b: Any) -> Any:
    a, b = alike(a, b)
    a = a.swapaxes(-1, -2) if call.get("transA", 0) and a.ndim > 1 else a
    b = b.swapaxes(-1, -2) if call.get("transB", 0) and b.ndim > 1 else b
    if call.get("transBatchA", 0) or call.get("transBatchB", 0):
        raise call.refusal("transposed batches are not computed", "export it unoptimised")
    alpha = call.get("alpha", 1.0)
    y = jnp.matmul(a, b)
    return y if alpha == 1 else y * jnp.asarray(alpha, y.dtype)


def _gemm(call: Call, a: Any, b: Any, c: Any = None) -> Any:
    a, b, c = alike(a, b, c)
    y = call.get("alpha", 1.0) * (
        (a.T if call.get("transA", 0) else a) @ (b.T if call.get("transB", 0) else b)
    )
    return _fused(call, y if c is None else y + call.get("beta", 1.0) * c)


def _bias_gelu(call: Call, x: Any, bias: Any = None) -> Any:
    return jax.nn.gelu(x if bias is None else x + bias, approximate=False)


def _fast_gelu(call: Call, x: Any, bias: Any = None) -> Any:
    return jax.nn.gelu(x if bias is None else x + bias, approximate=True)


def _quick_gelu(call: Call, x: Any) -> Any:
    return x * jax.nn.sigmoid(call.get("alpha", 1.702) * x)


def _root_mean_square(call: Call, x: Any, scale: Any, epsilon: float = 1e-5) -> Any:
    square = jnp.mean(x * x, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(square + call.get("epsilon", epsilon)) * scale


def _skipped(call: Call, y: Any, total: Any) -> Any:
    """The norm and, as a fourth output, the sum that it is of."""
    if call.wants(1) or call.wants(2):
        raise call.refusal("means and deviations are not given out", "export it unoptimised")
    return (y, None, None, total)[: max(call.outputs, 1)]


def _skip_layer(call: Call, x: Any, skip: Any, scale: Any, shift: Any = None, bias: Any = None):
    total = x + skip if bias is None else x + skip + bias
    y, _, _ = standardised(total, (-1,), call.get("epsilon", 1e-12))
    return _skipped(call, y * scale if shift is None else y * scale + shift, total)


def _skip_simple(call: Call, x: Any, skip: Any, scale: Any, bias: Any = None) -> Any:
    total = x + skip if bias is None else x + skip + bias
    return _skipped(call, _root_mean_square(call, total, scale, 1e-12), total)


def _split_heads(x: Any, heads: int) -> Any:
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _heads(call: Call, q: Any, k: Any, v: Any, added: Any) -> Any:
    """Attention of `[N, L, heads D]`."""
    q, k, v = (_split_heads(x, call.require("num_heads")) for x in (q, k, v))
    scale = call.get("scale") or 1 / np.sqrt(q.shape[-1])
    scores = jnp.matmul(q, k.swapaxes(-1, -2)) * jnp.asarray(scale, q.dtype)
    if call.get("unidirectional", 0):
        scores = jnp.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -jnp.inf)
    scores = scores if added is None else scores + added
    y = jnp.matmul(jax.nn.softmax(scores, axis=-1), v)
    return y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)


def _attention(call: Call, x: Any, w: Any, bias: Any, mask: Any = None, *others: Any) -> Any:
    """Queries, keys and values by one product; masks and pasts are refused."""
    if mask is not None or others and any(other is not None for other in others[:1]):
        raise call.refusal("masks and earlier keys are not computed", "export it unoptimised")
    sizes = call.get("qkv_hidden_sizes") or (w.shape[1] // 3,) * 3
    q, k, v = jnp.split(x @ w + bias, np.cumsum(sizes)[:2].tolist(), axis=-1)
    return _heads(call, q, k, v, others[1] if len(others) > 1 else None)


def _multi_head(call: Call, q: Any, k: Any = None, v: Any = None, bias: Any = None, *others: Any):
    if (
        k is None
        or v is None
        or k.ndim != 3
        or any(o is not None for o in (*others[:1], *others[2:]))
    ):
        raise call.refusal(
            "packed, masked or earlier keys are not computed", "export it unoptimised"
        )
    if bias is not None:
        width = q.shape[-1]
        q, k = q + bias[:width], k + bias[width : 2 * width]
        v = v + bias[2 * width :]
    return _heads(call, q, k, v, others[1] if len(others) > 1 else None)


def _of_real(function: Callable[..., Any], operands: int) -> Operator:
    """An operator on numbers that are dequantised before and quantised behind."""

    def compute(call: Call, *given: Any) -> Any:
        triples = [given[3 * i : 3 * i + 3] for i in range(operands)]
        values = [centred(x, zero) * scale for x, scale, zero in triples]
        scale, zero = given[3 * operands : 3 * operands + 2]
        return _requantised(function(call, *values), scale, zero)

    return Operator(compute)


def _requantised(y: Any, scale: Any, zero: Any) -> Any:
    offset = 0.0 if zero is None else floats(zero)
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
    whole, a_scale, a_zero = dynamic(jnp.asarray(a))
    b = floats(b) if zero is None else floats(b) - floats(zero)
    y = exactly(jnp.matmul, whole - a_zero, b) * (a_scale * scale)
    return y if bias is None else y + bias


def _integer_to_float(call: Call, *given: Any) -> Any:
    padded: tuple[Any, ...] = (*given, *(None,) * 3)[:7]
    a, b, a_scale, b_scale, a_zero, b_zero, bias = padded
    a = floats(a) if a_zero is None else floats(a) - floats(a_zero)
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


TABLE = {
    "FusedConv": Operator(_conv),
    "FusedMatMul": Operator(_matmul),
    "FusedGemm": Operator(_gemm),
    "Gelu": Operator(_bias_gelu),
    "BiasGelu": Operator(_bias_gelu),
    "FastGelu": Operator(_fast_gelu),
    "QuickGelu": Operator(_quick_gelu),
    "SkipLayerNormalization": Operator(_skip_layer),
    "SkipSimplifiedLayerNormalization": Operator(_skip_simple),
    "Attention": Operator(_attention),
    "MultiHeadAttention": Operator(_multi_head),
    "QLinearAdd": _of_real(lambda call, a, b: a + b, 2),
    "QLinearMul": _of_real(lambda call, a, b: a * b, 2),
    "QLinearSigmoid": _of_real(lambda call, x: jax.nn.sigmoid(x), 1),
    "QLinearLeakyRelu": _of_real(activations.TABLE["LeakyRelu"].compute, 1),
    "QLinearGlobalAveragePool": _of_real(_global_average, 1),
    "QLinearAveragePool": _of_real(_average, 1),
    "QLinearConcat": Operator(_concat),
    "QLinearSoftmax": Operator(_softmax),
    "DynamicQuantizeMatMul": Operator(_dynamic_matmul),
    "MatMulIntegerToFloat": Operator(_integer_to_float),
    "QGemm": Operator(_qgemm),
}
"""In the domain com.microsoft. `SimplifiedLayerNormalization` is written in ONNX's own."""
SIMPLIFIED = Operator(_root_mean_square)
