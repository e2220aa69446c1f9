"""Relevance through control flow: `scan` step by step backwards, `cond` through the taken branch.

A scan is computed once more, to keep the state before each step, and each step again on the way
back, so that memory grows with the states and a row of the ledger per step.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.tracing.graph import Equation, Graph, Values, evaluate

Back = Callable[..., tuple[dict[int, Array], Array]]
"""(values of a body, relevance of its outputs, values at the reference or None) -> (relevance of
all its values, rows of the ledger)."""


def scan(
    equation: Equation,
    back: Back,
    values: Values,
    relevance: dict[int, Array],
    compared: Values | None,
) -> tuple[dict[int, Array], Array]:
    """Relevance of the operands of a scan, and the ledger of its body, summed over the steps."""
    graph, params = equation.graphs[0], equation.params
    first, carried = params["num_consts"], params["num_carry"]
    into, out = _split(graph.inputs, first, carried), _split(graph.outputs, 0, carried)
    flags = [[n in graph.depends for n in part] for part in into]
    _, last, per_step = _split([relevance.get(n) for n in equation.outputs], 0, carried)
    steps = {n: r for n, r in zip(out[2], per_step, strict=True) if r is not None}
    forward = [_forward(equation, known) for known in (values, compared) if known is not None]

    def fill(part: int, found: list[Any]) -> list[Array]:
        """Those of the body's inputs that depend on the input; zeros for missing ones."""
        triples = zip(into[part], flags[part], found, strict=True)
        return [_zeros(graph, n) if r is None else r for n, flag, r in triples if flag]

    def step(carry: Any, row: Any) -> Any:
        (of_carry, of_consts), (rows, of_rows) = carry, row
        flowing = [n for n, flag in zip(out[1], flags[1], strict=True) if flag]
        wanted = _collect(graph, [*zip(flowing, of_carry, strict=True), *of_rows.items()])
        known = [values_of(*row) for (values_of, _), row in zip(forward, rows, strict=True)]
        found, ledger = back(known[0], wanted, known[1] if len(known) > 1 else None)
        parts = [fill(part, [found.get(n) for n in into[part]]) for part in range(3)]
        of_consts = [a + b for a, b in zip(of_consts, parts[0], strict=True)]
        return (parts[1], of_consts), (parts[2], ledger)

    begin = fill(1, last), fill(0, [None] * first)
    xs = [rows for _, rows in forward], steps
    walk = {"length": params["length"], "reverse": not params["reverse"]}
    (of_start, of_consts), (of_rows, ledger) = lax.scan(step, begin, xs, **walk)
    every = [flag for part in flags for flag in part]
    flat = iter([*of_consts, *of_start, *of_rows])
    return _by_number(equation.inputs, every, flat), jnp.sum(ledger, axis=0)


def _forward(equation: Equation, values: Values) -> tuple[Callable[..., Values], Any]:
    """All values of one step, as a function of a row; and the rows: states and inputs."""
    graph, params = equation.graphs[0], equation.params
    carried = params["num_carry"]
    operands = [values[number] for number in equation.inputs]
    consts, start, xs = _split(operands, params["num_consts"], carried)

    def of_row(state: Any, x: Any) -> Values:
        known = dict(zip(graph.inputs, [*consts, *state, *x], strict=True))
        return evaluate(graph.equations, {**graph.constants, **known})

    def step(state: Any, x: Any) -> Any:
        found = of_row(state, x)
        return [found[n] for n in graph.outputs[:carried]], state

    walk = {"length": params["length"], "reverse": params["reverse"]}
    return of_row, (lax.scan(step, start, xs, **walk)[1], xs)


def cond(
    equation: Equation, backs: list[Back], values: Values, relevance: dict[int, Array]
) -> tuple[dict[int, Array], Array]:
    """Relevance of the operands of a cond, and the ledgers of all branches, one after another."""
    index, *operands = (values[number] for number in equation.inputs)
    given = [relevance.get(number) for number in equation.outputs]
    graphs = equation.graphs
    flags = [any(g.inputs[i] in g.depends for g in graphs) for i in range(len(operands))]

    def taken(i: int) -> Any:
        graph = graphs[i]
        inputs = dict(zip(graph.inputs, operands, strict=True))
        known = evaluate(graph.equations, {**graph.constants, **inputs})
        pairs = [(n, r) for n, r in zip(graph.outputs, given, strict=True) if r is not None]
        found, ledger = backs[i](known, _collect(graph, pairs), None)
        flowing = [n for n, flag in zip(graph.inputs, flags, strict=True) if flag]
        return [found[n] if n in found else _zeros(graph, n) for n in flowing], ledger

    sizes = [jax.eval_shape(lambda i=i: taken(i))[1] for i in range(len(graphs))]

    def branch(i: int) -> Any:
        found, ledger = taken(i)
        rows = [jnp.zeros(size.shape, ledger.dtype) for size in sizes]
        return found, jnp.concatenate([*rows[:i], ledger, *rows[i + 1 :]])

    found, ledger = lax.switch(index, [lambda i=i: branch(i) for i in range(len(graphs))])
    return _by_number(equation.inputs[1:], flags, iter(found)), ledger


def _split(items: Any, first: int, carried: int) -> list[list[Any]]:
    items = list(items)
    return [items[:first], items[first : first + carried], items[first + carried :]]


def _zeros(graph: Graph, number: int) -> Array:
    return jnp.zeros(graph.shapes[number].shape, graph.shapes[number].dtype)


def _collect(graph: Graph, pairs: Iterable[tuple[int, Array]]) -> dict[int, Array]:
    """Relevance by value, summed where one value is several outputs."""
    found: dict[int, Array] = {}
    for number, r in pairs:
        if number in graph.depends:
            found[number] = found[number] + r if number in found else r
    return found


def _by_number(
    numbers: Iterable[int], flags: Iterable[bool], flat: Iterator[Array]
) -> dict[int, Array]:
    found: dict[int, Array] = {}
    for number, flag in zip(numbers, flags, strict=True):
        if flag:
            r = next(flat)
            found[number] = found[number] + r if number in found else r
    return found
