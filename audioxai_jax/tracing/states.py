"""What is finite of a graph's values and gradients, equation by equation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.tracing.graph import Equation, Graph, Values, evaluate

INFINITE, NAN = 1, 2


class Seen(NamedTuple):
    """States of a graph: 0 if all of a value is finite, else INFINITE or NAN.

    Attributes:
      values, slopes: state of each value and of its gradient, by number; 0 where there is none.
      shares: states of what each equation hands back to its operands.
      bodies: the states inside of each loop, a row per step, and of each branch, by equation.
      chosen: branch that is taken, by equation.
    """

    values: Array
    slopes: Array
    shares: tuple[Array, ...]
    bodies: dict[int, list["Seen"]]
    chosen: dict[int, Array]


def seen(graph: Graph, operands: list[Any], slopes: Values) -> tuple[Values, Seen]:
    """Computes a graph forwards and backwards.

    Args:
      operands: inputs of the graph.
      slopes: gradients of its outputs, by number.

    Returns:
      The gradients of all values that depend on the input, by number, and the states.
    """
    known = {**graph.constants, **dict(zip(graph.inputs, operands, strict=True))}
    values, slopes = evaluate(graph.equations, known), dict(slopes)
    shares: list[Array] = []
    bodies: dict[int, list[Seen]] = {}
    for place, equation in reversed(list(enumerate(graph.equations))):
        parts = _handed_back(graph, equation, values, slopes)
        shares.append(jnp.stack([state(part) for part in parts]) if parts else jnp.zeros(0, int))
        if equation.graphs and any(n in slopes for n in equation.outputs):
            inside = _loop if equation.name == "scan" else _branches
            bodies[place] = inside(equation, values, slopes)
        for number, part in zip(equation.inputs, parts, strict=True):
            if part is not None:
                slopes[number] = slopes[number] + part if number in slopes else part
    numbers = range(len(graph.shapes))
    flags = lambda known: jnp.stack([state(known.get(n)) for n in numbers])
    chosen = {p: values[graph.equations[p].inputs[0]] for p in bodies}
    return slopes, Seen(flags(values), flags(slopes), tuple(reversed(shares)), bodies, chosen)


def state(value: Any) -> Array:
    """Of one value; 0 of none, and of whole numbers."""
    if value is None or not jnp.issubdtype(value.dtype, jnp.inexact):
        return jnp.zeros((), int)
    infinite = jnp.where(jnp.all(jnp.isfinite(value)), 0, INFINITE)
    return jnp.where(jnp.any(jnp.isnan(value)), NAN, infinite)


def _moving(graph: Graph, number: int) -> bool:
    return number in graph.depends and jnp.issubdtype(graph.shapes[number].dtype, jnp.inexact)


def _zeros(graph: Graph, number: int) -> Array:
    return jnp.zeros(graph.shapes[number].shape, graph.shapes[number].dtype)


def _handed_back(
    graph: Graph, equation: Equation, values: Values, slopes: Values
) -> list[Array | None]:
    """The gradient of each operand by this equation alone; None for those that get none."""
    outputs = [i for i, n in enumerate(equation.outputs) if _moving(graph, n)]
    places = [i for i, n in enumerate(equation.inputs) if _moving(graph, n)]
    if not places or not any(equation.outputs[i] in slopes for i in outputs):
        return [None] * len(equation.inputs)

    def part(*chosen: Array) -> list[Array]:
        operands = [values[n] for n in equation.inputs]
        for place, operand in zip(places, chosen, strict=True):
            operands[place] = operand
        found = equation(*operands)
        return [found[i] for i in outputs]

    given = [slopes.get(equation.outputs[i]) for i in outputs]
    numbers = [equation.outputs[i] for i in outputs]
    full = [_zeros(graph, n) if r is None else r for n, r in zip(numbers, given, strict=True)]
    back = jax.vjp(part, *(values[equation.inputs[i]] for i in places))[1](full)
    parts: list[Array | None] = [None] * len(equation.inputs)
    for place, found in zip(places, back, strict=True):
        parts[place] = found
    return parts


def _loop(equation: Equation, values: Values, slopes: Values) -> list[Seen]:
    """The states of a scan's body, a row per step."""
    (body,), params = equation.graphs, equation.params
    first, carried = params["num_consts"], params["num_carry"]
    operands = [values[n] for n in equation.inputs]
    consts, start, xs = operands[:first], operands[first:][:carried], operands[first + carried :]
    walk = {"length": params["length"], "reverse": params["reverse"]}
    ends = body.outputs[:carried]

    def forwards(carry: Any, x: Any) -> Any:
        known = dict(zip(body.inputs, [*consts, *carry, *x], strict=True))
        found = evaluate(body.equations, {**body.constants, **known})
        return [found[n] for n in ends], carry

    carries = body.inputs[first:][:carried]
    flows = [i for i, n in enumerate(carries) if _moving(body, n)]
    given = [slopes.get(n) for n in equation.outputs]
    rows = {i: r for i, r in enumerate(given[carried:]) if r is not None}

    def backwards(of_carry: Any, row: Any) -> Any:
        state_before, x, of_rows = row
        pairs = [(ends[i], r) for i, r in zip(flows, of_carry, strict=True)]
        pairs += [(body.outputs[carried + i], r) for i, r in of_rows.items()]
        wanted: Values = {}
        for number, r in pairs:
            if _moving(body, number):
                wanted[number] = wanted[number] + r if number in wanted else r
        found, states = seen(body, [*consts, *state_before, *x], wanted)
        return [found.get(carries[i], _zeros(body, carries[i])) for i in flows], states

    states = lax.scan(forwards, start, xs, **walk)[1]
    last = [_zeros(body, carries[i]) if given[i] is None else given[i] for i in flows]
    walk["reverse"] = not walk["reverse"]
    return [lax.scan(backwards, last, (states, xs, rows), **walk)[1]]


def _branches(equation: Equation, values: Values, slopes: Values) -> list[Seen]:
    """The states of each branch of a cond, as if it were taken."""
    operands = [values[n] for n in equation.inputs[1:]]
    found = []
    for body in equation.graphs:
        wanted: Values = {}
        for out, number in zip(equation.outputs, body.outputs, strict=True):
            if out in slopes and _moving(body, number):
                r = slopes[out]
                wanted[number] = wanted[number] + r if number in wanted else r
        found.append(seen(body, operands, wanted)[1])
    return found
