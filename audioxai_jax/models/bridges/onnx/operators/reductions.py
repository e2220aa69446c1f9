"""Sums, means, extremes and norms over axes; running sums; places of extremes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.derivatives import magnitude, root_of_squares
from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, axes_of, cast, module


def _reduce(function: Callable[..., Any]) -> Operator:
    """Over axes that are an attribute, or an input since opset 18 (of a sum since 13)."""

    def compute(call: Call, x: Any, axes: Any = None) -> Any:
        places = call.get("axes") if axes is None else call.integers(axes, "the axes")
        if not places:
            if call.get("noop_with_empty_axes", 0):
                return x
            places = range(x.ndim)
        over = axes_of(tuple(places), x.ndim)
        return function(module(x), x, axis=over, keepdims=bool(call.get("keepdims", 1)))

    return Operator(compute, static=(1,))


def _sum(xp: Any, x: Any, **over: Any) -> Any:
    return xp.sum(x, dtype=x.dtype, **over)


def _mean(xp: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    if xp is np or jnp.issubdtype(x.dtype, jnp.floating):
        return xp.mean(x, axis=axis, keepdims=keepdims).astype(x.dtype)
    count = int(np.prod([x.shape[one] for one in axis]))
    return xp.sum(x, axis=axis, keepdims=keepdims) // count


def _extreme(name: str) -> Callable[..., Any]:
    def reduce(xp: Any, x: Any, **over: Any) -> Any:
        return getattr(xp, name)(x, **over)

    return reduce


def _product(xp: Any, x: Any, **over: Any) -> Any:
    return xp.prod(x, dtype=x.dtype, **over)


def _norm_1(xp: Any, x: Any, **over: Any) -> Any:
    return _sum(xp, np.abs(x) if xp is np else magnitude(x), **over)


def _norm_2(xp: Any, x: Any, **over: Any) -> Any:
    power = _sum(xp, x * x, **over)
    floating = xp is jnp and jnp.issubdtype(x.dtype, jnp.floating)
    return (root_of_squares(power) if floating else xp.sqrt(power)).astype(x.dtype)


def _log_sum_exp(xp: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return jax.nn.logsumexp(jnp.asarray(x), axis=axis, keepdims=keepdims)


def _place(name: str) -> Operator:
    def compute(call: Call, x: Any) -> Any:
        axis, keep = call.get("axis", 0), bool(call.get("keepdims", 1))
        xp = module(x)
        if call.get("select_last_index", 0):
            back = getattr(xp, name)(xp.flip(x, axis), axis=axis, keepdims=keep)
            return cast(x.shape[axis] - 1 - back, np.int64)
        return cast(getattr(xp, name)(x, axis=axis, keepdims=keep), np.int64)

    return Operator(compute)


def _running(name: str, neutral: int) -> Operator:
    """Running sums or products along one axis, forwards or backwards, without the own value."""

    def compute(call: Call, x: Any, axis: Any) -> Any:
        (place,) = call.integers(axis, "the axis")
        xp, reverse = module(x), bool(call.get("reverse", 0))
        value = xp.flip(x, place) if reverse else x
        total = getattr(xp, name)(value, axis=place).astype(x.dtype)
        if call.get("exclusive", 0):
            first = xp.full_like(xp.take(total, np.asarray([0]), axis=place), neutral)
            shorter = [slice(None)] * x.ndim
            shorter[place] = slice(0, x.shape[place] - 1)
            total = xp.concatenate([first, total[tuple(shorter)]], axis=place)
        return xp.flip(total, place) if reverse else total

    return Operator(compute, static=(1,))


TABLE = {
    "ReduceSum": _reduce(_sum),
    "ReduceMean": _reduce(_mean),
    "ReduceMax": _reduce(_extreme("max")),
    "ReduceMin": _reduce(_extreme("min")),
    "ReduceProd": _reduce(_product),
    "ReduceL1": _reduce(_norm_1),
    "ReduceL2": _reduce(_norm_2),
    "ReduceSumSquare": _reduce(lambda xp, x, **over: _sum(xp, x * x, **over)),
    "ReduceLogSum": _reduce(lambda xp, x, **over: xp.log(_sum(xp, x, **over))),
    "ReduceLogSumExp": _reduce(_log_sum_exp),
    "ArgMax": _place("argmax"),
    "ArgMin": _place("argmin"),
    "CumSum": _running("cumsum", 0),
    "CumProd": _running("cumprod", 1),
}
