"""A JAX function as a list of named equations.

A `Graph` is what a model computes, with all calls (`jit`, remat, custom derivatives) replaced
by what they contain, so that a reused or functional layer is one equation per use. It knows of
each value whether it depends on the input, and of each constant which leaves of the model it
comes from. `tracing` makes graphs; attribution rules read them.

Dependence is that of the gradient, or that of differences, see `tracing.reading.Reading`: a rounded
value has no gradient, but it differs between an input and a reference.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
from jax import Array

Values = dict[int, Array]
"""Values of a graph by their number."""


@dataclasses.dataclass(frozen=True, eq=False)
class Equation:
    """One primitive operation.

    Attributes:
      primitive, params: JAX's primitive and its parameters.
      inputs, outputs: numbers of values.
      scope: name stack, such as "Net/block_0/conv".
      source: "file:line (function)" of the user's code, "" if it is not known.
      graphs: body that a scan repeats, or the branches of a cond.
      context: context manager in which its place in the user's code is that of what it computes.
    """

    primitive: Any
    params: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scope: str
    source: str
    graphs: tuple["Graph", ...] = ()
    context: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext

    @property
    def name(self) -> str:
        return self.primitive.name

    def __call__(self, *operands: Array) -> tuple[Array, ...]:
        params = self.primitive.get_bind_params(self.params)
        with self.context():
            found = self.primitive.bind(*operands, **params)
        return tuple(found) if self.primitive.multiple_results else (found,)


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """Equations in the order of their computation, without those that no output needs.

    Attributes:
      inputs, outputs: numbers of the values that go in and come out.
      constants: values that were known when the graph was made; numbers written in the code are
        NumPy arrays, known even while compiling.
      shapes: shape and dtype of every value.
      depends: the values that depend on an input for which relevance is wanted.
      touched: dependent values, and those decided by them: comparisons, signs, integers.
      paths: leaves of the model that a constant value was computed from.
      compares: whether dependence is that of differences.
      stopped: values whose gradient the model stops; only where differences count.
    """

    equations: tuple[Equation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: Values
    shapes: tuple[jax.ShapeDtypeStruct, ...]
    depends: frozenset[int]
    touched: frozenset[int]
    paths: Mapping[int, tuple[str, ...]]
    compares: bool = False
    stopped: frozenset[int] = frozenset()

    def consumers(self) -> dict[int, list[Equation]]:
        found: dict[int, list[Equation]] = {}
        for equation in self.equations:
            for value in dict.fromkeys(equation.inputs):
                found.setdefault(value, []).append(equation)
        return found


def evaluate(equations: Iterable[Equation], values: Mapping[int, Array]) -> Values:
    """Computes equations one after the other, from values that are known."""
    known = dict(values)
    for equation in equations:
        found = equation(*(known[number] for number in equation.inputs))
        known.update(zip(equation.outputs, found, strict=True))
    return known


def function(
    equations: Iterable[Equation],
    known: Mapping[int, Array],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
) -> Callable[..., tuple[Array, ...]]:
    """The part of a graph from `inputs` to `outputs`; other values are as they are known."""
    equations = tuple(equations)

    def part(*operands: Array) -> tuple[Array, ...]:
        values = evaluate(equations, {**known, **dict(zip(inputs, operands, strict=True))})
        return tuple(values[number] for number in outputs)

    return part
