"""Norms, written so that the pattern of LRP recognises them: centred, times 1 over a deviation."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.derivatives import magnitude, root_of_squares
from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, alike


def standardised(x: Any, axes: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """x centred and divided by its deviation over axes; the mean, and 1 over the deviation."""
    mean = jnp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    inverse = jax.lax.rsqrt(jnp.mean(centred * centred, axis=axes, keepdims=True) + epsilon)
    return centred * inverse, mean, inverse


def _channels(value: Any, rank: int) -> Any:
    return value.reshape(-1, *(1,) * (rank - 2))


def _batch(call: Call, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    """With the statistics that the model holds: one factor and one shift a channel."""
    if call.get("training_mode", 0):
        problem = "batch normalisation takes the statistics of the batch"
        raise call.refusal(problem, "export the model in eval mode")
    x, scale, bias, mean, variance = alike(x, scale, bias, mean, variance)
    factor = scale * jax.lax.rsqrt(variance + call.get("epsilon", 1e-5))
    factor, shift = _channels(factor, x.ndim), _channels(bias - mean * factor.ravel(), x.ndim)
    return x * factor + shift


def _layer(call: Call, x: Any, scale: Any, bias: Any = None) -> Any:
    x, scale, bias = alike(x, scale, bias)
    axes = tuple(range(call.get("axis", -1) % x.ndim, x.ndim))
    y, mean, inverse = standardised(x, axes, call.get("epsilon", 1e-5))
    y = y * scale if bias is None else y * scale + bias
    return (y, mean, inverse)[: max(call.outputs, 1)]


def _root_mean_square(call: Call, x: Any, scale: Any) -> Any:
    x, scale = alike(x, scale)
    axes = tuple(range(call.get("axis", -1) % x.ndim, x.ndim))
    square = jnp.mean(x * x, axis=axes, keepdims=True)
    return x * jax.lax.rsqrt(square + call.get("epsilon", 1e-5)) * scale


def _instance(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    x, scale, bias = alike(x, scale, bias)
    y, _, _ = standardised(x, tuple(range(2, x.ndim)), call.get("epsilon", 1e-5))
    return y * _channels(scale, x.ndim) + _channels(bias, x.ndim)


def _group(call: Call, x: Any, scale: Any, bias: Any) -> Any:
    """Of groups of channels; the factors are those of groups before opset 21, then of channels."""
    x, scale, bias = alike(x, scale, bias)
    groups = call.require("num_groups")
    parts = x.reshape(x.shape[0], groups, -1)
    y, _, _ = standardised(parts, (2,), call.get("epsilon", 1e-5))
    if scale.shape[0] == groups != x.shape[1]:
        each = x.shape[1] // groups
        scale, bias = jnp.repeat(scale, each), jnp.repeat(bias, each)
    return y.reshape(x.shape) * _channels(scale, x.ndim) + _channels(bias, x.ndim)


def _mean_variance(call: Call, x: Any) -> Any:
    axes = tuple(call.get("axes", (0, 2, 3)))
    mean = jnp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    return centred / (jnp.sqrt(jnp.mean(centred * centred, axis=axes, keepdims=True)) + 1e-9)


def _norm(call: Call, x: Any) -> Any:
    """Divided by the norm along an axis; 0 where that is 0."""
    x, axis, p = jnp.asarray(x), call.get("axis", -1), call.get("p", 2)
    if p == 1:
        size = jnp.sum(magnitude(x), axis=axis, keepdims=True)
    else:
        size = root_of_squares(jnp.sum(x * x, axis=axis, keepdims=True))
    return x / jnp.where(size == 0, jnp.ones_like(size), size)


def _local_response(call: Call, x: Any) -> Any:
    """Divided by a power of the mean square of neighbouring channels."""
    x, size = jnp.asarray(x), call.require("size")
    before = (size - 1) // 2
    pads = [(0, 0), (before, size - 1 - before)] + [(0, 0)] * (x.ndim - 2)
    window = (1, size, *(1,) * (x.ndim - 2))
    zero = np.zeros((), x.dtype)
    total = jax.lax.reduce_window(x * x, zero, jax.lax.add, window, (1,) * x.ndim, pads)
    alpha, beta = call.get("alpha", 1e-4), call.get("beta", 0.75)
    return x / (call.get("bias", 1.0) + alpha / size * total) ** beta


TABLE = {
    "BatchNormalization": Operator(_batch),
    "LayerNormalization": Operator(_layer),
    "RMSNormalization": Operator(_root_mean_square),
    "InstanceNormalization": Operator(_instance),
    "GroupNormalization": Operator(_group),
    "MeanVarianceNormalization": Operator(_mean_variance),
    "LpNormalization": Operator(_norm),
    "LRN": Operator(_local_response),
}
