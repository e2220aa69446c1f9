"""Softmax and logarithms of sums of exponentials, for rules that compare with a reference.

What is subtracted from x before, so that nothing overflows, makes no difference to either; taken
as a function of x it would get relevance, and hand it to the largest x. Here softmax is a
function of x, and log(sum(exp(x - m))) is one of x and of m alone, however written, and
however they are written.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, DataFlow
from audioxai_jax.propagation.lowering.operations import Operation, Prepared
from audioxai_jax.propagation.lowering.regions import MASKED, MOVED, source
from audioxai_jax.tracing.graph import Equation, Values, function

PLAIN = (SHAPES | CASTS) - {"neg"}

Sum = tuple[Equation, int, int, int | None]
"""The sum, its exponentials, the values x that they are of, and what is subtracted from these."""


def exponentials(flow: DataFlow, equation: Equation) -> Operation | None:
    """The softmax or the logarithm of a sum of exponentials that an equation ends, if it does."""
    if equation.name == "log":
        return _logarithm(flow, equation)
    return _softmax(flow, equation) if equation.name in ("div", "mul") else None


def _softmax(flow: DataFlow, equation: Equation) -> Operation | None:
    top, bottom = equation.inputs
    if equation.name == "mul":
        bottom = _inverted(flow, bottom)
        if bottom is None:
            top, bottom = equation.inputs[1], _inverted(flow, top)
    found = None if bottom is None else _sum(flow, bottom)
    if found is None:
        return None
    total, summed, x, shift = found
    top = source(flow, top, MASKED)
    same = _equal(flow, top, source(flow, summed, MASKED))
    if not same or flow.shape(equation.outputs[0]) != flow.shape(x):
        return None
    return _operation(flow, equation, "softmax", total, (x,), shift)


def _logarithm(flow: DataFlow, equation: Equation) -> Operation | None:
    (value,) = equation.inputs
    maker = flow.makers.get(source(flow, value, MOVED))
    if maker is not None and maker.name == "abs":  # as in jax.nn.logsumexp
        (value,) = maker.inputs
    found = _sum(flow, value)
    if found is None:
        return None
    total, _, x, shift = found
    inputs = (x,) if shift is None or shift not in flow.graph.depends else (x, shift)
    return _operation(flow, equation, "logsumexp", total, inputs, shift)


def _inverted(flow: DataFlow, value: int) -> int | None:
    """What a value is one over."""
    maker = flow.makers.get(source(flow, value, MOVED))
    if maker is None:
        return None
    if maker.name == "integer_pow" and maker.params["y"] == -1:
        return maker.inputs[0]
    if maker.name != "div" or maker.inputs[0] in flow.graph.depends:
        return None
    one = flow.graph.constants.get(maker.inputs[0])
    return maker.inputs[1] if isinstance(one, np.ndarray) and np.all(one == 1) else None


def _sum(flow: DataFlow, value: int) -> Sum | None:
    """The sum of exponentials that a value is, but for its shape."""
    total = flow.makers.get(source(flow, value, PLAIN))
    if total is None or total.name != "reduce_sum":
        return None
    exponential = flow.makers.get(source(flow, total.inputs[0], MASKED))
    if exponential is None or exponential.name != "exp":
        return None
    x, shift = exponential.inputs[0], None
    maker = flow.makers.get(x)
    if maker is not None and maker.name == "sub" and maker.inputs[0] in flow.graph.depends:
        added = len(flow.shape(x)) - len(flow.shape(maker.inputs[1]))
        varying = {axis + added for axis in flow.varying(maker.inputs[1])}
        if varying.isdisjoint(total.params["axes"]):
            x, shift = maker.inputs
    if flow.shape(x) != flow.shape(total.inputs[0]) or not flow.inexact(x):
        return None
    return total, total.inputs[0], x, shift


def _equal(flow: DataFlow, a: int, b: int) -> bool:
    """Whether two values are computed from the same ones in the same way, perhaps twice."""
    if a == b:
        return True
    one, other = flow.makers.get(a), flow.makers.get(b)
    if one is None or other is None:
        here, there = (flow.graph.constants.get(n) for n in (a, b))
        known = isinstance(here, np.ndarray) and isinstance(there, np.ndarray)
        return known and np.array_equal(np.asarray(here), np.asarray(there))
    if one.name != other.name or str(one.params) != str(other.params):
        return False
    return all(_equal(flow, m, n) for m, n in zip(one.inputs, other.inputs, strict=True))


def _operation(
    flow: DataFlow,
    equation: Equation,
    name: str,
    total: Equation,
    inputs: tuple[int, ...],
    shift: int | None,
) -> Operation:
    x, output = inputs[0], equation.outputs[0]
    between = flow.between(x, output)

    def prepare(values: Values) -> Prepared:
        whole = function(between, values, inputs, (output,))
        lin = lambda x, w: whole(*(x if len(inputs) > 1 else (x,)))[0]
        parts = values[total.inputs[0]]
        m: Any = 0.0 if shift is None else values[shift]
        sums = jnp.sum(parts, axis=total.params["axes"], keepdims=True)
        return lin, (parts, sums, jnp.asarray(m, parts.dtype)), 0.0

    return Operation("softmax", name, inputs, (output,), prepare, (equation,))
