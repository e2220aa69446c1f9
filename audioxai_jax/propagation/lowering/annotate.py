"""What is known of operations before anything is computed: their place, gates, signs."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from audioxai_jax.propagation.lowering.intervals import ANY, Bounds, Span, is_gate
from audioxai_jax.propagation.lowering.operations import PARAMETRIC, Operation, Prepared
from audioxai_jax.tracing.graph import Graph, Values

WEIGHT_KEEPING = ("route", "scale", "normalise")
"""Attention weights that are moved, masked or divided by their sum are such weights."""


def annotate(
    graph: Graph,
    operations: Iterable[Operation],
    *,
    after: frozenset[int] = frozenset(),
    before: frozenset[int] = frozenset(),
    spans: Mapping[int, Span] | None = None,
) -> tuple[Operation, ...]:
    """Fills in `first`, `last` and `nonnegative`, and tells gates and attention from products.

    Args:
      after: inputs of the graph that come after a parametric operation.
      before: outputs that a parametric operation comes after.
      spans: bounds of inputs, where they are known.
    """
    operations = list(operations)
    followed = _followed(operations, before)
    bounds, spans = Bounds(graph), dict(spans or {})
    reached = set(after)  # values behind a parametric operation
    gates = {value for value, span in spans.items() if is_gate(span)}
    weights: set[int] = set()  # values of a softmax, perhaps moved or masked
    annotated = []
    for operation, is_followed in zip(operations, followed, strict=True):
        untouched = reached.isdisjoint(operation.inputs)
        parametric = _parametric(operation)
        if operation.bodies:
            bodies = tuple(_bodies(operation, reached, is_followed, spans))
            operation = dataclasses.replace(operation, bodies=bodies)
        elif parametric:
            operation = _placed(operation, untouched, not is_followed, spans)
        elif operation.name == "mul" and operation.kind == "product":
            operation = _paired(operation, gates, "gate")
        elif operation.kind == "matmul":
            operation = _paired(operation, weights, "attention")
        annotated.append(operation)
        # What is known of its outputs, for the operations that follow.
        if parametric or not untouched:
            reached.update(operation.outputs)
        span = bounds.of(operation, spans)
        spans |= dict.fromkeys(operation.outputs, span)
        if is_gate(span):
            gates.update(operation.outputs)
        still = operation.kind in WEIGHT_KEEPING and weights.issuperset(operation.inputs)
        if operation.kind == "softmax" or still:
            weights.update(operation.outputs)
    return tuple(annotated)


def _followed(operations: list[Operation], before: frozenset[int]) -> list[bool]:
    """Whether a parametric operation follows each, on some way to the output; from the end."""
    needed, followed = set(before), []
    for operation in reversed(operations):
        followed.append(not needed.isdisjoint(operation.outputs))
        if followed[-1] or _parametric(operation):
            needed.update(operation.inputs)
    return followed[::-1]


def _placed(operation: Operation, first: bool, last: bool, spans: Mapping[int, Span]) -> Operation:
    """A parametric operation with its place, and whether its inputs may be negative."""
    signed = any(spans.get(value, ANY)[0] < 0 for value in operation.inputs)
    return dataclasses.replace(operation, first=first, last=last, nonnegative=not signed)


def _parametric(operation: Operation) -> bool:
    inner = (inner for body in operation.bodies for inner in body)
    return operation.kind in PARAMETRIC or any(_parametric(one) for one in inner)


def _bodies(
    operation: Operation, reached: set[int], followed: bool, spans: Mapping[int, Span]
) -> Iterator[tuple[Operation, ...]]:
    """The bodies annotated, with what is known of their inputs and outputs from outside."""
    equation = operation.equation
    outside = equation.inputs if equation.name == "scan" else equation.inputs[1:]
    for graph, body in zip(equation.graphs, operation.bodies, strict=True):
        pairs = list(zip(outside, graph.inputs, strict=True))
        after = {inner for outer, inner in pairs if outer in reached}
        before = set(graph.outputs) if followed else set()
        known = {inner: spans[outer] for outer, inner in pairs if outer in spans}
        if equation.name == "scan":
            first, carried = equation.params["num_consts"], equation.params["num_carry"]
            carries = graph.inputs[first : first + carried]
            known = {value: span for value, span in known.items() if value not in carries}
            if any(_parametric(one) for one in body):
                after |= set(carries)
                before |= set(graph.outputs[:carried])
        yield annotate(graph, body, after=frozenset(after), before=frozenset(before), spans=known)


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
