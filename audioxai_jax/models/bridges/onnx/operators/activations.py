"""Activations: functions of single values by the names of layers, softmax and its kin."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator


def _one(function: Callable[[Any], Any]) -> Operator:
    return Operator(lambda call, x: function(jnp.asarray(x)))


def _elu(call: Call, x: Any) -> Any:
    return jax.nn.elu(jnp.asarray(x), call.get("alpha", 1.0))


def _celu(call: Call, x: Any) -> Any:
    return jax.nn.celu(jnp.asarray(x), call.get("alpha", 1.0))


def _selu(call: Call, x: Any) -> Any:
    x, alpha = jnp.asarray(x), call.get("alpha", 1.67326319217681884765625)
    return call.get("gamma", 1.05070102214813232421875) * jax.nn.elu(x, alpha)


def _leaky_relu(call: Call, x: Any) -> Any:
    return jax.nn.leaky_relu(jnp.asarray(x), call.get("alpha", 0.01))


def _thresholded_relu(call: Call, x: Any) -> Any:
    x = jnp.asarray(x)
    return jnp.where(x > call.get("alpha", 1.0), x, jnp.zeros_like(x))


def _prelu(call: Call, x: Any, slope: Any) -> Any:
    x = jnp.asarray(x)
    return jnp.where(x >= 0, x, slope * x)


def _shrink(call: Call, x: Any) -> Any:
    x, bias, least = jnp.asarray(x), call.get("bias", 0.0), call.get("lambd", 0.5)
    return jnp.where(x < -least, x + bias, jnp.where(x > least, x - bias, jnp.zeros_like(x)))


def _hard_sigmoid(call: Call, x: Any) -> Any:
    x = jnp.asarray(x)
    return jax.lax.clamp(
        jnp.zeros((), x.dtype),
        call.get("alpha", 0.2) * x + call.get("beta", 0.5),
        jnp.ones((), x.dtype),
    )


def _hard_swish(call: Call, x: Any) -> Any:
    x = jnp.asarray(x)
    return x * jax.lax.clamp(jnp.zeros((), x.dtype), x / 6 + 0.5, jnp.ones((), x.dtype))


def _gelu(call: Call, x: Any) -> Any:
    return jax.nn.gelu(jnp.asarray(x), approximate=call.get("approximate", "none") == "tanh")


def _swish(call: Call, x: Any) -> Any:
    x = jnp.asarray(x)
    return x * jax.nn.sigmoid(call.get("alpha", 1.0) * x)


def _mish(x: Any) -> Any:
    return x * jnp.tanh(jax.nn.softplus(x))


def over_axis(function: Callable[..., Any]) -> Operator:
    """Softmax and its kin: along one axis, or before opset 13 along all from it on."""

    def compute(call: Call, x: Any) -> Any:
        x = jnp.asarray(x)
        if call.version >= 13:
            return function(x, axis=call.get("axis", -1))
        axis = call.get("axis", 1) % max(x.ndim, 1)
        flat = x.reshape(int(np.prod(x.shape[:axis])), -1)
        if axis == x.ndim - 1:
            return function(x, axis=-1)
        return function(flat, axis=-1).reshape(x.shape)

    return Operator(compute)


def _hardmax(x: Any, axis: int) -> Any:
    return jax.nn.one_hot(jnp.argmax(x, axis), x.shape[axis], axis=axis, dtype=x.dtype)


TABLE = {
    "Relu": _one(jax.nn.relu),
    "Sigmoid": _one(jax.nn.sigmoid),
    "Softplus": _one(jax.nn.softplus),
    "Softsign": _one(jax.nn.soft_sign),
    "Mish": _one(_mish),
    "Elu": Operator(_elu),
    "Celu": Operator(_celu),
    "Selu": Operator(_selu),
    "LeakyRelu": Operator(_leaky_relu),
    "ThresholdedRelu": Operator(_thresholded_relu),
    "PRelu": Operator(_prelu),
    "Shrink": Operator(_shrink),
    "HardSigmoid": Operator(_hard_sigmoid),
    "HardSwish": Operator(_hard_swish),
    "Gelu": Operator(_gelu),
    "Swish": Operator(_swish),
    "Softmax": over_axis(jax.nn.softmax),
    "LogSoftmax": over_axis(jax.nn.log_softmax),
    "Hardmax": over_axis(_hardmax),
}
