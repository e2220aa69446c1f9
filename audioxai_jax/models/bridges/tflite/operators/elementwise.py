"""Operators that work on each value by itself."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.derivatives import magnitude, root_of_squares
from audioxai_jax.models.bridges.tflite.operators.base import (
    HIGHEST,
    Node,
    Operator,
    Pair,
    activated,
    numpy_or_jax,
)
from audioxai_jax.weights.published.tflite import TYPES

ACTIVATION = {"activation": (0, "<b", 0)}


def _ufunc(name: str):
    """The function of that name of numpy, or of jax if a value depends on the input."""
    return lambda node, *values: getattr(numpy_or_jax(*values), name)(*values)


def _fused(name: str):
    return lambda node, *values: activated(node, _ufunc(name)(node, *values))


def _divide(node: Node, x, y):
    module = numpy_or_jax(x, y)
    if x.dtype.kind in "iu":  # rounded towards zero, as in C
        quotient = module.sign(x) * module.sign(y) * (abs(x) // abs(y))
        return activated(node, quotient.astype(x.dtype))
    return activated(node, module.divide(x, y))


def _leaky(node: Node, x):
    return jnp.where(x > 0, x, x * jnp.asarray(node.options["alpha"], x.dtype))


def _prelu(node: Node, x, alpha):
    return jnp.where(x > 0, x, x * alpha)


def _cast(node: Node, x):
    """To another type; of complex values the real part."""
    kind = node.options["to"]
    x = x.real if isinstance(x, Pair) else x
    if kind not in TYPES or np.dtype(TYPES[kind]).kind == "c":
        raise node.refuse(f"a cast to type {kind} is not read")
    return x.astype(np.dtype(TYPES[kind]))


def _dequantize(node: Node, x):
    if x.dtype != np.float16:
        raise node.refuse("quantised values: only float models are read; convert without them")
    return x.astype(np.float32)


def _select(node: Node, condition, x, y):
    module = numpy_or_jax(condition, x, y)
    if condition.ndim == 1 and x.ndim > 1 and node.operator.name == "SELECT":
        condition = condition.reshape(-1, *[1] * (x.ndim - 1))
    return module.where(condition, x, y)


def _magnitude(node: Node, value: Pair):
    """sqrt(re^2 + im^2), with derivative 0 at 0."""
    return root_of_squares(value.real * value.real + value.imag * value.imag)


def _add_n(node: Node, *values):
    return sum(values[1:], values[0])


def _round(node: Node, x):
    return numpy_or_jax(x).round(x)


def _batch_matmul(node: Node, x, y):
    x = jnp.swapaxes(x, -1, -2) if node.options["adjoint_x"] else x
    y = jnp.swapaxes(y, -1, -2) if node.options["adjoint_y"] else y
    return jnp.matmul(x, y, precision=HIGHEST)


def _softmax(node: Node, x):
    beta = node.options["beta"]
    return jax.nn.softmax(x if beta == 1 else x * beta, axis=-1)


def _l2(node: Node, x):
    power = jnp.sum(x * x, axis=-1, keepdims=True)
    return activated(node, x / jnp.sqrt(jnp.maximum(power, 1e-6)))


PLAIN = {
    8: ("FLOOR", "floor"),
    47: ("EXP", "exp"),
    55: ("MAXIMUM", "maximum"),
    57: ("MINIMUM", "minimum"),
    58: ("LESS", "less"),
    59: ("NEG", "negative"),
    61: ("GREATER", "greater"),
    62: ("GREATER_EQUAL", "greater_equal"),
    63: ("LESS_EQUAL", "less_equal"),
    66: ("SIN", "sin"),
    71: ("EQUAL", "equal"),
    72: ("NOT_EQUAL", "not_equal"),
    73: ("LOG", "log"),
    75: ("SQRT", "sqrt"),
    78: ("POW", "power"),
    84: ("LOGICAL_OR", "logical_or"),
    86: ("LOGICAL_AND", "logical_and"),
    87: ("LOGICAL_NOT", "logical_not"),
    90: ("FLOOR_DIV", "floor_divide"),
    92: ("SQUARE", "square"),
    93: ("ZEROS_LIKE", "zeros_like"),
    95: ("FLOOR_MOD", "mod"),
    104: ("CEIL", "ceil"),
    108: ("COS", "cos"),
    156: ("ATAN2", "arctan2"),
    158: ("SIGN", "sign"),
}
"""Operators that numpy and jax have under a name of theirs."""
FUSED = {0: ("ADD", "add"), 18: ("MUL", "multiply"), 41: ("SUB", "subtract")}
OPERATORS = {
    **{code: Operator(name, _ufunc(plain)) for code, (name, plain) in PLAIN.items()},
    **{code: Operator(name, _fused(plain), ACTIVATION) for code, (name, plain) in FUSED.items()},
    6: Operator("DEQUANTIZE", _dequantize),
    11: Operator("L2_NORMALIZATION", _l2, ACTIVATION),
    14: Operator("LOGISTIC", lambda node, x: jax.nn.sigmoid(x)),
    19: Operator("RELU", lambda node, x: jnp.maximum(x, 0)),
    20: Operator("RELU_N1_TO_1", lambda node, x: jnp.clip(x, -1, 1)),
    21: Operator("RELU6", lambda node, x: jnp.clip(x, 0, 6)),
    25: Operator("SOFTMAX", _softmax, {"beta": (0, "<f", 0.0)}),
    28: Operator("TANH", lambda node, x: jnp.tanh(x)),
    42: Operator("DIV", _divide, ACTIVATION),
    50: Operator("LOG_SOFTMAX", lambda node, x: jax.nn.log_softmax(x, axis=-1)),
    53: Operator("CAST", _cast, {"to": (1, "<b", 0)}, pairs="own"),
    54: Operator("PRELU", _prelu),
    64: Operator("SELECT", _select),
    76: Operator("RSQRT", lambda node, x: jax.lax.rsqrt(jnp.asarray(x))),
    101: Operator("ABS", lambda node, x: abs(x) if isinstance(x, np.ndarray) else magnitude(x)),
    98: Operator("LEAKY_RELU", _leaky, {"alpha": (0, "<f", 0.0)}),
    99: Operator("SQUARED_DIFFERENCE", lambda node, x, y: (x - y) * (x - y)),
    106: Operator("ADD_N", _add_n),
    111: Operator("ELU", lambda node, x: jax.nn.elu(x)),
    116: Operator("ROUND", _round),
    117: Operator("HARD_SWISH", lambda node, x: x * jnp.clip(x + 3, 0, 6) / 6),
    123: Operator("SELECT_V2", _select),
    126: Operator(
        "BATCH_MATMUL", _batch_matmul, {"adjoint_x": (0, "?", False), "adjoint_y": (1, "?", False)}
    ),
    133: Operator("IMAG", lambda node, x: x.imag, pairs="own"),
    134: Operator("REAL", lambda node, x: x.real, pairs="own"),
    135: Operator("COMPLEX_ABS", _magnitude, pairs="own"),
    150: Operator(
        "GELU",
        lambda node, x: jax.nn.gelu(x, approximate=node.options["approximate"]),
        {"approximate": (0, "?", False)},
    ),
    152: Operator("RELU_0_TO_1", lambda node, x: jnp.clip(x, 0, 1)),
}
