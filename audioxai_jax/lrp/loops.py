"""Relevance through control flow: `scan` step by step backwards, `cond` through the taken branch.

A scan's steps are computed once more on the way back, from the states that the way forward
kept, so that memory grows with the state alone.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.graph import Equation, Graph, Values, evaluate

Back = Callable[[Values, dict[int, Array]], tuple[dict[int, Array], Array]]
"""(values of a body, relevance of its outputs) -> (relevance of all its values, ledger rows)."""


def scan(
    equation: Equation, back: Back, values: Values, relevance: dict[int, Array]
) -> tuple[dict[int, Array], Array]:
    """Relevance of the operands of a scan, and the ledger of its body, summed over the steps."""
    graph, params = equation.graphs[0], equation.params
    first, carried = params["num_consts"], params["num_carry"]
    operands = [values[number] for number in equation.inputs]
    consts, start, rows = _split(operands, first, carried)
    states = _states(graph, consts, start, rows, params)
    into, out = _split(graph.inputs, first, carried), _split(graph.outputs, 0, carried)
    dependent = [[n in graph.depends for n in part] for part in into]
    given = [relevance.get(number) for number in equation.outputs]
    last, per_step = _split(given, 0, carried)[1:]
    steps = {n: r for n, r in zip(out[2], per_step, strict=True) if r is not None}

    def zeros(numbers: list[int], flags: list[bool], found: list[Any]) -> list[Array]:
        shapes = [graph.shapes[n] for n, flag in zip(numbers, flags, strict=True) if flag]
        found = [r for r, flag in zip(found, flags, strict=True) if flag]
        fill = lambda r, s: jnp.zeros(s.shape, s.dtype) if r is None else r
        return [fill(r, s) for r, s in zip(found, shapes, strict=True)]

    def step(carry: Any, row: Any) -> Any:
        of_carry, of_consts = carry
        state, x, of_rows = row
        known = evaluate(graph.equations, {**graph.constants, **dict(
            zip(graph.inputs, [*consts, *state, *x], strict=True))})  # fmt: skip
        wanted: dict[int, Array] = {}
        flowing = [n for n, flag in zip(out[1], dependent[1], strict=True) if flag]
        for number, r in [*zip(flowing, of_carry, strict=True), *of_rows.items()]:
            if number in graph.depends:
                wanted[number] = wanted[number] + r if number in wanted else r
        found, ledger = back(known, wanted)
        take = lambda part: zeros(into[part], dependent[part], [found.get(n) for n in into[part]])
        of_consts = [a + b for a, b in zip(of_consts, take(0), strict=True)]
        return (take(1), of_consts), (take(2), ledger)

    none = [None] * first
    begin = zeros(into[1], dependent[1], last), zeros(into[0], dependent[0], none)
    walk = {"length": params["length"], "reverse": not params["reverse"]}
    (of_start, of_consts), (of_rows, ledger) = lax.scan(step, begin, (states, rows, steps), **walk)
    flat = iter([*of_consts, *of_start, *of_rows])
    flags = [flag for part in dependent for flag in part]
    return _by_number(equation.inputs, flags, flat, relevance), jnp.sum(ledger, axis=0)


def _split(items: Any, first: int, carried: int) -> list[list[Any]]:
    items = list(items)
    return [items[:first], items[first : first + carried], items[first + carried :]]


def _states(graph: Graph, consts: Any, start: Any, rows: Any, params: Any) -> Any:
    """What the carry was before each step."""
    carried = len(start)

    def step(state: Any, x: Any) -> Any:
        known = dict(zip(graph.inputs, [*consts, *state, *x], strict=True))
        found = evaluate(graph.equations, {**graph.constants, **known})
        return [found[n] for n in graph.outputs[:carried]], state

    walk = {"length": params["length"], "reverse": params["reverse"]}
    return lax.scan(step, start, rows, **walk)[1]


def cond(
    equation: Equation, backs: list[Back], values: Values, relevance: dict[int, Array]
) -> tuple[dict[int, Array], Array]:
    """Relevance of the operands of a cond, and the ledgers of all branches, one after another."""
    index, *operands = (values[number] for number in equation.inputs)
    given = [relevance.get(number) for number in equation.outputs]
    flags = [any(g.inputs[i] in g.depends for g in equation.graphs) for i in range(len(operands))]
    sizes = [jax.eval_shape(lambda b=back, g=graph: _branch(b, g, operands, given, flags))[1].shape
             for back, graph in zip(backs, equation.graphs, strict=True)]  # fmt: skip

    def branch(i: int) -> Any:
        found, ledger = _branch(backs[i], equation.graphs[i], operands, given, flags)
        parts = [ledger if j == i else jnp.zeros(size, ledger.dtype)
                 for j, size in enumerate(sizes)]  # fmt: skip
        return found, jnp.concatenate(parts)

    choices = [lambda i=i: branch(i) for i in range(len(backs))]
    found, ledger = lax.switch(index, choices)
    return _by_number(equation.inputs[1:], flags, iter(found), relevance), ledger


def _branch(back: Back, graph: Graph, operands: Any, given: Any, flags: Any) -> Any:
    inputs = dict(zip(graph.inputs, operands, strict=True))
    known = evaluate(graph.equations, {**graph.constants, **inputs})
    wanted: dict[int, Array] = {}
    for number, r in zip(graph.outputs, given, strict=True):
        if r is not None and number in graph.depends:
            wanted[number] = wanted[number] + r if number in wanted else r
    found, ledger = back(known, wanted)
    zero = lambda n: jnp.zeros(graph.shapes[n].shape, graph.shapes[n].dtype)
    return [found[n] if n in found else zero(n)
            for n, flag in zip(graph.inputs, flags, strict=True) if flag], ledger  # fmt: skip


def _by_number(numbers: Any, flags: Any, flat: Any, relevance: Any) -> dict[int, Array]:
    found: dict[int, Array] = {}
    for number, flag in zip(numbers, flags, strict=True):
        if flag:
            r = next(flat)
            found[number] = found[number] + r if number in found else r
    return found
