"""A graph with its cross-references: who makes and uses a value, what all paths to it pass."""

from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np

from audioxai_jax.tracing.graph import Equation, Graph

CASTS = frozenset("convert_element_type copy copy_p reduce_precision name neg".split())
SHAPES = frozenset("reshape squeeze expand_dims broadcast_in_dim transpose".split())


class DataFlow:
    """A graph with its cross-references: makers, consumers and dominators of values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.consumers = graph.consumers()
        self.makers = {out: eqn for eqn in graph.equations for out in eqn.outputs}
        self._order = {id(equation): i for i, equation in enumerate(graph.equations)}
        self._taken: set[int] = set()
        self._nearest = self._dominators(graph.depends)
        self._deciding = self._dominators(graph.touched)

    def _dominators(self, values: frozenset[int]) -> dict[int, int]:
        """For each value the nearest one that all paths to it, through such values, go through."""
        found = {-1: -1} | dict.fromkeys(self.graph.inputs, -1)
        for equation in self.graph.equations:
            operands = [number for number in equation.inputs if number in values]
            if operands:
                nearest = operands[0]
                for operand in operands[1:]:
                    nearest = _common(found, nearest, operand)
                found |= dict.fromkeys(equation.outputs, nearest)
        return found

    def dependent(self, equation: Equation) -> list[int]:
        """Its operands that depend on the input, repetitions included."""
        return [number for number in equation.inputs if number in self.graph.depends]

    def dominator(self, value: int) -> int:
        """The nearest value that all paths from the input go through; -1 if there is none."""
        return self._nearest[value]

    def decider(self, value: int) -> int:
        """The same, of what decides about the value as well."""
        return self._deciding[value]

    def path(self, equations: tuple[Equation, ...]) -> str:
        """The first leaf of the model that any of the equations reads, or ""."""
        for equation in equations:
            for number in equation.inputs:
                if number not in self.graph.depends and self.graph.paths.get(number):
                    return self.graph.paths[number][0]
        return ""

    def shape(self, value: int) -> tuple[int, ...]:
        return self.graph.shapes[value].shape

    def inexact(self, value: int) -> bool:
        """Whether it is a floating point number, and no decision or count."""
        return bool(jnp.issubdtype(self.graph.shapes[value].dtype, jnp.inexact))

    def is_complex(self, value: int) -> bool:
        return bool(jnp.issubdtype(self.graph.shapes[value].dtype, jnp.complexfloating))

    def between(self, start: int, end: int, *, deciding: bool = False) -> tuple[Equation, ...]:
        """The equations on the paths from a dominator of `end`, in their order."""
        values = self.graph.touched if deciding else self.graph.depends
        found: dict[int, Equation] = {}
        pending = [end]
        while pending:
            value = pending.pop()
            if value == start or value not in self.makers:
                continue
            equation = self.makers[value]
            if id(equation) not in found:
                found[id(equation)] = equation
                pending += [number for number in equation.inputs if number in values]
        return self.in_order(found.values())

    def in_order(self, equations: Iterable[Equation]) -> tuple[Equation, ...]:
        """Equations in the order of their computation."""
        return tuple(sorted(equations, key=lambda equation: self._order[id(equation)]))

    def is_zero(self, value: int) -> bool:
        """Whether a value is known to be zero, whatever its shape."""
        maker = self.makers.get(value)
        while maker is not None and maker.name in CASTS | SHAPES:
            value = maker.inputs[0]
            maker = self.makers.get(value)
        number = self.graph.constants.get(value)
        return isinstance(number, np.ndarray) and bool(np.all(number == 0))

    def only_consumer(self, value: int) -> Equation | None:
        """The one equation that uses a value, if nothing else does and it is not yet taken."""
        users = self.consumers.get(value, [])
        if len(users) != 1 or value in self.graph.outputs or self.taken(users[0]):
            return None
        return users[0] if self.dependent(users[0]) == [value] else None

    def taken(self, equation: Equation) -> bool:
        return id(equation) in self._taken

    def take(self, equations: Iterable[Equation]) -> None:
        """Marks what belongs to an operation, but for values that others use too."""
        *inner, last = equations
        self._taken.add(id(last))
        for equation in reversed(inner):
            users = [user for out in equation.outputs for user in self.consumers.get(out, [])]
            if not set(equation.outputs) & set(self.graph.outputs):
                if all(self.taken(user) for user in users):
                    self._taken.add(id(equation))

    def varying(self, value: int) -> set[int]:
        """Axes along which a constant may differ."""
        shape = self.shape(value)
        maker = self.makers.get(value)
        if maker is not None and maker.name == "broadcast_in_dim":
            below = self.varying(maker.inputs[0])
            axes = {maker.params["broadcast_dimensions"][axis] for axis in below}
        elif maker is not None and value in self.graph.stopped:
            axes = self.varying(maker.inputs[0])
        else:
            axes = set(range(len(shape)))
        return {axis for axis in axes if shape[axis] > 1}


def _common(dominators: dict[int, int], a: int, b: int) -> int:
    """Numbers grow along every path, so the larger one cannot dominate the other."""
    while a != b:
        if a > b:
            a = dominators[a]
        else:
            b = dominators[b]
    return a
