"""What is known of operations before anything is computed: their place, gates, signs."""

import dataclasses
from collections.abc import Iterable, Iterator

from audioxai_jax.graph import Values
from audioxai_jax.lrp.operations import PARAMETRIC, Operation, Prepared

NONNEGATIVE = ("relu", "abs", "exp", "exp2", "logistic", "square", "sqrt", "erfc", "cosh")


def mark(
    operations: Iterable[Operation],
    *,
    after: frozenset[int] = frozenset(),
    before: frozenset[int] = frozenset(),
    nonnegative: frozenset[int] = frozenset(),
) -> tuple[Operation, ...]:
    """Fills in `first`, `last` and `nonnegative`, and tells gates and attention from products.

    Args:
      after: inputs of the graph that come after a parametric operation.
      before: outputs that a parametric operation comes after.
      nonnegative: inputs that are never negative.
    """
    operations = list(operations)
    reached, wanted = set(after), set(before)
    signs = set(nonnegative)
    gates: set[int] = set()
    weights: set[int] = set()
    followed: dict[int, bool] = {}
    for i, operation in reversed(list(enumerate(operations))):
        followed[i] = not wanted.isdisjoint(operation.outputs)
        if followed[i] or _parametric(operation):
            wanted.update(operation.inputs)
    found = []
    for i, operation in enumerate(operations):
        untouched = reached.isdisjoint(operation.inputs)
        parametric = _parametric(operation)
        signed = not all(value in signs for value in operation.inputs)
        if operation.bodies:
            context = reached, followed[i], signs
            operation = dataclasses.replace(operation, bodies=tuple(_bodies(operation, *context)))
        elif parametric:
            place = {"first": untouched, "last": not followed[i], "nonnegative": not signed}
            operation = dataclasses.replace(operation, **place)
        elif operation.name == "mul" and operation.kind == "product":
            operation = _paired(operation, gates, "gate")
        elif operation.kind == "matmul":
            operation = _paired(operation, weights, "attention")
        if parametric or not untouched:
            reached.update(operation.outputs)
        if operation.name in NONNEGATIVE or (operation.keeps_sign and not signed):
            signs.update(operation.outputs)
        if _is_gate(operation, gates):
            gates.update(operation.outputs)
        moved = operation.kind == "route" and weights.issuperset(operation.inputs)
        if operation.kind == "softmax" or moved:
            weights.update(operation.outputs)
        found.append(operation)
    return tuple(found)


def _parametric(operation: Operation) -> bool:
    inner = (inner for body in operation.bodies for inner in body)
    return operation.kind in PARAMETRIC or any(_parametric(one) for one in inner)


def _bodies(
    operation: Operation, reached: set[int], followed: bool, signs: set[int]
) -> Iterator[tuple[Operation, ...]]:
    """The bodies marked, with what is known of their inputs and outputs from outside."""
    equation = operation.equation
    outside = equation.inputs if equation.name == "scan" else equation.inputs[1:]
    for graph, body in zip(equation.graphs, operation.bodies, strict=True):
        pairs = list(zip(outside, graph.inputs, strict=True))
        after = {inner for outer, inner in pairs if outer in reached}
        before = set(graph.outputs) if followed else set()
        never = {inner for outer, inner in pairs if outer in signs}
        if equation.name == "scan":
            first, carried = equation.params["num_consts"], equation.params["num_carry"]
            carries = graph.inputs[first : first + carried]
            never -= set(carries)
            if any(_parametric(one) for one in body):
                after |= set(carries)
                before |= set(graph.outputs[:carried])
        yield mark(
            body,
            after=frozenset(after),
            before=frozenset(before),
            nonnegative=frozenset(never),
        )


def _is_gate(operation: Operation, gates: set[int]) -> bool:
    """A sigmoid, wherever it is moved, and one minus it."""
    if operation.name == "logistic":
        return True
    if not gates.issuperset(operation.inputs):
        return False
    if operation.kind == "route":
        return True
    *_, last = operation.equations[-1].inputs
    return len(operation.equations) == 1 and operation.equation.name == "sub" and last in gates


def _paired(operation: Operation, weights: set[int], kind: str) -> Operation:
    """A product of a signal and what weighs it gets the signal first."""
    flags = [value in weights for value in operation.inputs]
    if sorted(flags) != [False, True]:
        return operation
    if flags == [False, True]:
        return dataclasses.replace(operation, kind=kind)

    def prepare(values: Values) -> Prepared:
        lin, w, b = operation.prepare(values)
        return (lambda x, w: lin(x[::-1], w)), w, b

    inputs = operation.inputs[::-1]
    return dataclasses.replace(operation, kind=kind, inputs=inputs, prepare=prepare)
