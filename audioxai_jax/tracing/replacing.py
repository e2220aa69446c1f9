"""A graph computed with other functions in place of some of its equations, in loops as well."""

from collections.abc import Callable
from typing import Any

import jax
from jax import Array, lax

from audioxai_jax.tracing.graph import Equation, Graph

Replace = Callable[[Equation, list[int]], Callable[..., Array] | None]
"""(equation, places of operands that depend on the input) -> the function to compute its one
output by; None for the equation itself."""


def computed(graph: Graph, operands: list[Any], replace: Replace, scope: str = "") -> list[Array]:
    """The outputs of a graph, with equations replaced; their places in the user's code stay.

    Loops and branches that do not depend on the input are left as they are.

    Args:
      operands: inputs of the graph.
      scope: name stack of what contains the graph.
    """
    values = {**graph.constants, **dict(zip(graph.inputs, operands, strict=True))}
    for equation in graph.equations:
        name = equation.scope.removeprefix(scope).strip("/")
        moving = [i for i, n in enumerate(equation.inputs) if n in graph.depends]
        with equation.context(), jax.named_scope(name):
            found = _outputs(equation, [values[n] for n in equation.inputs], moving, replace)
        values.update(zip(equation.outputs, found, strict=True))
    return [values[n] for n in graph.outputs]


def _outputs(equation: Equation, operands: list[Any], moving: list[int], replace: Replace) -> Any:
    if equation.graphs:
        inside = _loop if equation.name == "scan" else _branches
        return inside(equation, operands, replace)
    other = replace(equation, moving)
    return equation(*operands) if other is None else (other(*operands),)


def _loop(equation: Equation, operands: list[Any], replace: Replace) -> list[Array]:
    (body,), params = equation.graphs, equation.params
    first, carried = params["num_consts"], params["num_carry"]
    consts, start, xs = operands[:first], operands[first:][:carried], operands[first + carried :]

    def step(carry: Any, x: Any) -> Any:
        found = computed(body, [*consts, *carry, *x], replace, equation.scope)
        return found[:carried], found[carried:]

    walk = {name: params[name] for name in ("length", "reverse", "unroll")}
    end, rows = lax.scan(step, start, xs, **walk)
    return [*end, *rows]


def _branches(equation: Equation, operands: list[Any], replace: Replace) -> list[Array]:
    index, *rest = operands
    branch = lambda body: lambda *given: computed(body, list(given), replace, equation.scope)
    return lax.switch(index, [branch(body) for body in equation.graphs], *rest)
