"""Arithmetic, comparisons, decisions and functions of single values."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.derivatives import magnitude
from audioxai_jax.models.bridges.onnx.operators.base import (
    Call,
    Operator,
    alike,
    cast,
    dtype_of,
    is_static,
    module,
    simple,
)


def _divide(call: Call, a: Any, b: Any) -> Any:
    """Of whole numbers towards zero, as C does."""
    xp = module(a, b)
    if not np.issubdtype(np.asarray(a).dtype if xp is np else a.dtype, np.integer):
        return xp.divide(a, b)
    if xp is jnp:
        a, b = jnp.broadcast_arrays(*alike(a, b))
        return jax.lax.div(a, b)
    return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def _modulo(call: Call, a: Any, b: Any) -> Any:
    """With the sign of the divisor; of the dividend where `fmod` is 1."""
    xp = module(a, b)
    return xp.fmod(a, b) if call.get("fmod", 0) else xp.mod(a, b)


def _power(call: Call, x: Any, y: Any) -> Any:
    """In the type of x; an exponent that is a whole number and known is one of the equation."""
    if is_static(x, y):
        return np.power(x, y).astype(x.dtype)
    if isinstance(y, np.ndarray) and y.size == 1 and y.ndim <= x.ndim:
        exponent = float(y.item())
        if exponent == int(exponent) and abs(exponent) <= 16:
            return jnp.asarray(x) ** int(exponent)
        if exponent == 0.5:
            return jnp.sqrt(x)
        return jnp.power(x, jnp.asarray(exponent, x.dtype))
    return cast(jnp.power(x, y), x.dtype)


def _fold(name: str) -> Operator:
    """A function of two values over any number of them."""

    def compute(call: Call, *values: Any) -> Any:
        xp, (total, *rest) = module(*values), values
        for value in rest:
            total = getattr(xp, name)(total, value)
        return total

    return Operator(compute)


def _mean(call: Call, *values: Any) -> Any:
    return sum(values[1:], start=values[0]) / np.asarray(len(values), values[0].dtype)


def _extreme(call: Call, *values: Any, largest: bool) -> Any:
    """The largest or smallest; of a value and the constant 0 a ReLU, with its gradient."""
    if not is_static(*values) and len(values) == 2 and largest:
        for value, other in (values, values[::-1]):
            if isinstance(other, np.ndarray) and other.size == 1 and other.item() == 0:
                if other.ndim <= np.ndim(value) and jnp.issubdtype(value.dtype, jnp.floating):
                    return jax.nn.relu(value)
    xp, (best, *rest) = module(*values), values
    for value in rest:
        best = xp.maximum(best, value) if largest else xp.minimum(best, value)
    return best


def _clip(call: Call, x: Any, low: Any = None, high: Any = None) -> Any:
    """Values between two bounds; the gradient is 0 outside and at the bounds, as ReLU's."""
    low, high = call.get("min", low), call.get("max", high)  # attributes before opset 11
    low, high = (np.asarray(b, x.dtype) if isinstance(b, float) else b for b in (low, high))
    xp = module(x, low, high)
    if xp is np or not is_static(low, high):
        x = x if low is None else xp.maximum(x, low)
        return x if high is None else xp.minimum(x, high)
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    ends = (-np.inf, np.inf) if floating else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    least = ends[0] if low is None else low.item()
    most = ends[1] if high is None else high.item()
    if floating and most >= np.finfo(x.dtype).max:
        most = np.inf  # as exporters write "none"
    if floating and least == 0 and most == np.inf:
        return jax.nn.relu(x)
    return jax.lax.clamp(jnp.asarray(least, x.dtype), x, jnp.asarray(most, x.dtype))


def _where(call: Call, condition: Any, a: Any, b: Any) -> Any:
    return module(condition, a, b).where(condition, a, b)


def _cast(call: Call, x: Any) -> Any:
    return cast(x, dtype_of(call.require("to"), call))


def _shift(call: Call, x: Any, by: Any) -> Any:
    xp = module(x, by)
    return xp.left_shift(x, by) if call.require("direction") == "LEFT" else xp.right_shift(x, by)


def _is_infinite(call: Call, x: Any) -> Any:
    xp = module(x)
    up, down = call.get("detect_positive", 1), call.get("detect_negative", 1)
    signs = ((x > 0) & bool(up)) | ((x < 0) & bool(down))
    return xp.isinf(x) & signs


def _erf(call: Call, x: Any) -> Any:
    return jax.lax.erf(jnp.asarray(x))


def _round(call: Call, x: Any) -> Any:
    """To the nearest whole number, halves to even; the gradient is 0."""
    return module(x).round(x)


def _function(name: str) -> Operator:
    return simple(lambda xp, *values: getattr(xp, name)(*values))


TABLE = {
    **{
        name: _function(function)
        for name, function in {
            **{"Add": "add", "Sub": "subtract", "Mul": "multiply"},
            **{"Equal": "equal", "Greater": "greater", "Less": "less"},
            **{"GreaterOrEqual": "greater_equal", "LessOrEqual": "less_equal"},
            **{"And": "logical_and", "Or": "logical_or", "Xor": "logical_xor"},
            **{"Not": "logical_not", "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or"},
            **{"BitwiseXor": "bitwise_xor", "BitwiseNot": "bitwise_not"},
            **{"Neg": "negative", "Sign": "sign", "Ceil": "ceil", "Floor": "floor"},
            **{"Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Reciprocal": "reciprocal"},
            **{"Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "arcsin", "Acos": "arccos"},
            **{"Atan": "arctan", "Sinh": "sinh", "Cosh": "cosh", "Tanh": "tanh"},
            **{"Asinh": "arcsinh", "Acosh": "arccosh", "Atanh": "arctanh", "IsNaN": "isnan"},
        }.items()
    },
    "Abs": simple(lambda xp, x: np.abs(x) if xp is np else magnitude(x)),
    "Div": Operator(_divide),
    "Mod": Operator(_modulo),
    "Pow": Operator(_power, static=()),
    "Sum": _fold("add"),
    "Mean": Operator(_mean),
    "Max": Operator(lambda call, *values: _extreme(call, *values, largest=True)),
    "Min": Operator(lambda call, *values: _extreme(call, *values, largest=False)),
    "Clip": Operator(_clip),
    "Where": Operator(_where),
    "Cast": Operator(_cast),
    "CastLike": Operator(lambda call, x, like: cast(x, like.dtype), unread=(1,)),
    "BitShift": Operator(_shift),
    "IsInf": Operator(_is_infinite),
    "Erf": Operator(_erf),
    "Round": Operator(_round),
}
