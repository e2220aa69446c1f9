"""Jaxprs as graphs, with calls replaced by what they contain."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend import core as jaxprs
from jax.extend import source_info_util

from audioxai_jax.tracing.graph import Equation, Graph, Values
from audioxai_jax.tracing.reading import (
    CALLS,
    CUSTOM,
    CUTS,
    DECISIONS,
    GRADIENT,
    IDENTITY,
    LINEAR,
    MOVED,
    OUTSIDE,
    Reading,
)
from audioxai_jax.tracing.source import source_of


def build(
    closed: Any,
    depends: Iterable[bool],
    paths: Iterable[tuple[str, ...]],
    reading: Reading = GRADIENT,
    scope: str = "",
    source: str = "",
) -> Graph:
    """The graph of a closed jaxpr.

    Args:
      depends: inputs for which relevance is wanted.
      paths: origins of its other inputs, see `Graph.paths`.
      scope, source: scope and source of the equation that contains it.
    """
    builder = _Builder(reading)
    inputs = tuple(builder.value(v.aval) for v in closed.jaxpr.invars)
    for number, dependent, path in zip(inputs, depends, paths, strict=True):
        if dependent and jnp.issubdtype(builder.shapes[number].dtype, jnp.inexact):
            builder.depends.add(number)
        builder.paths[number] = path
    outputs = builder.walk(closed.jaxpr, closed.consts, inputs, scope, source)
    equations = tuple(_needed(builder.equations, outputs))
    return Graph(
        equations=equations,
        inputs=inputs,
        outputs=outputs,
        constants=builder.constants,
        shapes=tuple(builder.shapes),
        depends=frozenset(builder.depends),
        touched=frozenset(builder.touched | builder.depends),
        paths=builder.paths,
        compares=reading.compares,
        stopped=frozenset(builder.stopped),
    )


def _needed(equations: list[Equation], outputs: tuple[int, ...]) -> list[Equation]:
    wanted, kept = set(outputs), []
    for equation in reversed(equations):
        if wanted.intersection(equation.outputs):
            wanted.update(equation.inputs)
            kept.append(equation)
    return kept[::-1]


class _Builder:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.stopped: set[int] = set()
        self.equations: list[Equation] = []
        self.shapes: list[jax.ShapeDtypeStruct] = []
        self.constants: Values = {}
        self.depends: set[int] = set()
        self.touched: set[int] = set()
        self.paths: dict[int, tuple[str, ...]] = {}

    def value(self, aval: Any) -> int:
        self.shapes.append(jax.ShapeDtypeStruct(aval.shape, aval.dtype))
        return len(self.shapes) - 1

    def constant(self, array: Any) -> int:
        number = self.value(jax.typeof(array))
        self.constants[number] = array
        return number

    def walk(
        self, jaxpr: Any, consts: Any, inputs: Iterable[int], scope: str, source: str
    ) -> tuple[int, ...]:
        """Adds the equations of a jaxpr, calls replaced; returns the numbers of its outputs."""
        numbers = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, array in zip(jaxpr.constvars, consts, strict=True):
            numbers[variable] = self.constant(array)
            self.paths[numbers[variable]] = ("",)  # it has a value, but no name

        def read(atom: Any) -> int:
            if isinstance(atom, jaxprs.Literal):
                aval: Any = atom.aval
                return self.constant(np.asarray(atom.val, aval.dtype))
            return numbers[atom]

        for eqn in jaxpr.eqns:
            operands = tuple(read(atom) for atom in eqn.invars)
            names = (scope, str(eqn.source_info.name_stack))
            stack = "/".join(part for part in names if part)
            place = source_of(eqn) or source
            custom = eqn.primitive.name in CUSTOM
            inner = None if custom and self.reading.whole else _called(eqn)
            if inner is not None:
                found = self.walk(inner.jaxpr, inner.consts, operands, stack, place)
                if custom:
                    found = self.declared(eqn, operands, found, stack, place)
            else:
                found = tuple(self.value(v.aval) for v in eqn.outvars)
                self.add(eqn, operands, found, stack, place)
            numbers.update(zip(eqn.outvars, found, strict=True))
        return tuple(read(atom) for atom in jaxpr.outvars)

    def add(
        self,
        eqn: Any,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        scope: str,
        source: str,
    ) -> None:
        name = eqn.primitive.name
        inputs = self.settled(name, inputs, scope, source)
        dependent = [number in self.depends for number in inputs]
        paths = [self.paths.get(number, ()) for number in inputs]
        graphs: tuple[Graph, ...] = ()
        context = self.reading, scope, source
        if any(dependent) and name == "scan":
            graphs = (_loop(eqn, dependent, paths, *context),)
        elif any(dependent) and name == "cond":
            branches = eqn.params["branches"]
            graphs = tuple(build(b, dependent[1:], paths[1:], *context) for b in branches)
        marked = any(dependent) and name not in (OUTSIDE if self.reading.compares else CUTS)
        if graphs:
            per_graph = [[out in g.depends for out in g.outputs] for g in graphs]
            flows = [any(flags) for flags in zip(*per_graph, strict=True)]
        else:
            flows = [marked] * len(outputs)
        if self.reading.compares or name != "stop_gradient":
            known = self.depends | self.touched
            if any(number in known for number in inputs):
                self.touched.update(outputs)
        origin = tuple(dict.fromkeys(itertools.chain.from_iterable(paths)))
        counts = self.reading.compares and name in DECISIONS | MOVED
        for number, flow in zip(outputs, flows, strict=True):
            if flow and (counts or self.inexact(number)):
                self.depends.add(number)
            else:
                self.paths[number] = origin
        primitive, params = eqn.primitive, eqn.params
        if self.reading.compares and name == "stop_gradient":
            self.stopped.update(outputs)
            primitive, params = IDENTITY
        made = Equation(primitive, params, inputs, outputs, scope, source, graphs, _context(eqn))
        self.equations.append(made)

    def inexact(self, number: int) -> bool:
        return jnp.issubdtype(self.shapes[number].dtype, jnp.inexact)

    def settled(
        self, name: str, inputs: tuple[int, ...], scope: str, source: str
    ) -> tuple[int, ...]:
        """The operands, with decisions as they are for what cannot hand anything back to them."""
        if not self.reading.compares or name in DECISIONS | MOVED:
            return inputs
        found = list(inputs)
        for place, number in enumerate(inputs):
            if number in self.depends and not self.inexact(number):
                found[place] = self.value(self.shapes[number])
                self.touched.add(found[place])
                same = Equation(*IDENTITY, (number,), (found[place],), scope, source)
                self.equations.append(same)
        return tuple(found)

    def declared(
        self,
        eqn: Any,
        inputs: tuple[int, ...],
        within: tuple[int, ...],
        scope: str,
        source: str,
    ) -> tuple[int, ...]:
        """The outputs of a function with a derivative of its own.

        Args:
          within: outputs, computed by what it contains.
        """
        dependent = [n in self.depends and self.inexact(n) for n in inputs]
        lost = [self.inexact(n) and n not in self.depends for n in within]
        if not any(dependent) or not any(lost):
            return within
        call = Equation(eqn.primitive, eqn.params, inputs, (), scope, source, (), _context(eqn))
        pulled = derivative(call, [self.shapes[n] for n in inputs], dependent)
        if pulled.depends.isdisjoint(pulled.outputs):
            return within
        whole = tuple(self.value(v.aval) for v in eqn.outvars)
        self.equations.append(dataclasses.replace(call, outputs=whole))
        self.depends.update(n for n in whole if self.inexact(n))
        self.touched.update(whole)
        return whole


def _context(eqn: Any) -> Any:
    return functools.partial(source_info_util.user_context, eqn.source_info.traceback)


def _called(eqn: Any) -> Any:
    """The closed jaxpr of an equation that only calls it."""
    if eqn.primitive.name not in CALLS or eqn.params.get("name") == LINEAR:
        return None
    for name in ("jaxpr", "call_jaxpr", "fun_jaxpr", "call"):
        inner = eqn.params.get(name)
        if isinstance(inner, jaxprs.Jaxpr):
            inner = jaxprs.ClosedJaxpr(inner, ())
        if isinstance(inner, jaxprs.ClosedJaxpr) and len(inner.jaxpr.invars) == len(eqn.invars):
            return inner
    return None


def derivative(call: Equation, operands: list[Any], dependent: list[bool]) -> Graph:
    """What an equation's derivative makes of a change of its outputs, as a graph.

    Args:
      operands: shapes and dtypes of all its operands.
      dependent: inputs that it is differentiated by.

    Returns:
      The graph, whose outputs belong to these operands.
    """
    real = lambda arrays: [a for a in arrays if jnp.issubdtype(a.dtype, jnp.inexact)]

    def part(operands: list[Array]) -> Any:
        def function(*chosen: Array) -> list[Array]:
            rest = iter(chosen)
            pairs = zip(operands, dependent, strict=True)
            return real(call(*(next(rest) if flag else o for o, flag in pairs)))

        return function, [o for o, flag in zip(operands, dependent, strict=True) if flag]

    def pull(operands: list[Array], slopes: list[Array]) -> list[Array]:
        function, chosen = part(operands)
        return list(jax.vjp(function, *chosen)[1](slopes))

    slopes = jax.eval_shape(lambda operands: part(operands)[0](*part(operands)[1]), operands)
    closed = jax.make_jaxpr(pull)(operands, slopes)
    flags = [False] * len(operands) + [True] * len(slopes)
    return build(closed, flags, [()] * len(flags))


def _loop(
    eqn: Any,
    dependent: list[bool],
    paths: list[tuple[str, ...]],
    reading: Reading,
    scope: str,
    source: str,
) -> Graph:
    """The graph of a scan's body; a carry depends on the input if it does in any step."""
    first, carried = eqn.params["num_consts"], eqn.params["num_carry"]
    dependent = list(dependent)
    while True:
        graph = build(eqn.params["jaxpr"], dependent, paths, reading, scope, source)
        carries = [out in graph.depends for out in graph.outputs[:carried]]
        known = dependent[first : first + carried]
        merged = [a or b for a, b in zip(known, carries, strict=True)]
        if merged == known:
            return graph
        dependent[first : first + carried] = merged
