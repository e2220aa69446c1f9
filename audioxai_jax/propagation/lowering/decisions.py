"""Operations that only differences go through: decisions, counts, stopped gradients, look-ups.

Where an input is compared with a reference (`tracing.reading.DIFFERENCES`), whether x > 0 is a
number, 0 or 1, that may be another one at the reference, and gets a multiplier as all other numbers
do.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.propagation.lowering.dataflow import DataFlow
from audioxai_jax.propagation.lowering.operations import Operation, Prepared
from audioxai_jax.tracing.graph import Equation, Values
from audioxai_jax.tracing.reading import CUTS, MOVED


def as_real(value: Array) -> Array:
    """Decisions and counts as floating point numbers; all others as they are."""
    if jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    return value.astype(jnp.result_type(float))


def decision(flow: DataFlow, equation: Equation) -> Operation | None:
    """An equation with decisions or counts among what goes in or comes out, or one that rounds."""
    inputs = tuple(flow.dependent(equation))
    outputs = tuple(n for n in equation.outputs if n in flow.graph.depends)
    if all(flow.inexact(n) for n in (*inputs, *outputs)):
        return _function(flow, equation, "activation") if equation.name in CUTS else None
    if equation.name == "dot_general":
        return _function(flow, equation, "sum" if len(inputs) == 1 else "matmul")
    if equation.name not in MOVED:
        return _function(flow, equation, "decision")
    return _function(flow, equation, "sum" if "sum" in equation.name else "route")


def _function(flow: DataFlow, equation: Equation, kind: str) -> Operation:
    """The equation as a function of real numbers; what it moves stays what it is."""
    graph = flow.graph
    places = [i for i, n in enumerate(equation.inputs) if n in graph.depends]

    def prepare(values: Values) -> Prepared:
        def lin(x: Any, w: Any) -> Array:
            operands = [values[n] for n in equation.inputs]
            for place, operand in zip(places, x if len(places) > 1 else (x,), strict=True):
                dtype = graph.shapes[equation.inputs[place]].dtype
                operands[place] = operand.astype(dtype) if kind == "decision" else operand
            if kind in ("route", "sum", "matmul"):
                operands = [as_real(operand) for operand in operands]
            return as_real(equation(*operands)[0])

        return lin, None, 0.0

    inputs = tuple(equation.inputs[i] for i in places)
    outputs = tuple(n for n in equation.outputs if n in graph.depends)
    return Operation(kind, equation.name, inputs, outputs, prepare, (equation,))


def looked_up(flow: DataFlow, equation: Equation) -> Operation:
    """Values that may come from other places at the reference: the places are its weight."""
    graph = flow.graph
    places = [i for i, n in enumerate(equation.inputs) if n in graph.depends]
    other = [i for i, n in enumerate(equation.inputs) if n in graph.touched - graph.depends]

    def prepare(values: Values) -> Prepared:
        def lin(x: Any, w: Any) -> Any:
            operands = [values[n] for n in equation.inputs]
            for place, operand in zip(places, x if len(places) > 1 else (x,), strict=True):
                operands[place] = operand
            for place, operand in zip(other, w, strict=True):
                operands[place] = operand
            found = equation(*operands)
            return found[0] if len(found) == 1 else found

        return lin, tuple(values[equation.inputs[i]] for i in other), 0.0

    inputs = tuple(equation.inputs[i] for i in places)
    return Operation("max", equation.name, inputs, equation.outputs, prepare, (equation,))


def straight_through(flow: DataFlow, equation: Equation) -> Operation | None:
    """`x + stop_gradient(q - x)`, in any order: its author made it a function of single values."""
    if equation.name not in ("add", "sub", "add_any") or not flow.graph.compares:
        return None
    terms = _terms(flow, equation.outputs[0], 1)
    live = [(n, sign) for n, sign in terms if not _is_stopped(flow, n)]
    live = [(n, sign) for n, sign in live if n in flow.graph.depends]
    stopped = [(n, sign) for n, sign in terms if _is_stopped(flow, n)]
    if len(live) != 1 or live[0][1] != 1 or not stopped:
        return None
    x, output = live[0][0], equation.outputs[0]
    if flow.shape(x) != flow.shape(output):
        return None
    if sum(sign * _coefficient(flow, n, x) for n, sign in stopped) != -1:
        return None

    def prepare(values: Values) -> Prepared:
        lin = lambda v, w: v + jax.lax.stop_gradient(values[output] - v)
        return lin, None, 0.0

    return Operation("activation", "straight_through", (x,), (output,), prepare, (equation,))


def _is_stopped(flow: DataFlow, number: int) -> bool:
    return number in flow.graph.stopped


def _parts(flow: DataFlow, number: int) -> list[tuple[int, int]]:
    """The operands of a sum or difference, with their signs; none of anything else."""
    maker = flow.makers.get(number)
    if maker is None or maker.name not in ("add", "sub", "add_any", "neg"):
        return []
    signs = (-1,) if maker.name == "neg" else (1, -1 if maker.name == "sub" else 1)
    return list(zip(maker.inputs, signs, strict=True))


def _terms(flow: DataFlow, number: int, sign: int) -> list[tuple[int, int]]:
    """A value as a sum, taken apart as long as stopped values are found in it."""
    parts = _parts(flow, number)
    if not any(_is_stopped(flow, n) or _stops_below(flow, n) for n, _ in parts):
        return [(number, sign)]
    return [term for n, s in parts for term in _terms(flow, n, s * sign)]


def _stops_below(flow: DataFlow, number: int) -> bool:
    return any(_is_stopped(flow, n) or _stops_below(flow, n) for n, _ in _parts(flow, number))


def _coefficient(flow: DataFlow, number: int, x: int) -> int:
    """How often x is in a sum, stopped or not."""
    if number == x:
        return 1
    if _is_stopped(flow, number):
        return _coefficient(flow, flow.makers[number].inputs[0], x)
    return sum(sign * _coefficient(flow, n, x) for n, sign in _parts(flow, number))
