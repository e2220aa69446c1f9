"""How a model ends: in logits, or in probabilities, which are not explained."""

from collections.abc import Callable, Sequence

from jax import Array

from audioxai_jax.propagation.lowering import regions
from audioxai_jax.propagation.lowering.dataflow import DataFlow
from audioxai_jax.propagation.lowering.lower import operations
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.tracing.graph import Graph
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model

KEEPING = frozenset("route max scale affine".split())
"""Kinds of operations whose outputs are probabilities if their inputs are."""

AFTER = frozenset("reduce_sum reduce_window_sum cumsum log exp max min clamp".split())
"""Means and functions of single values that people put after a softmax, by name."""

Ending = tuple[str, Operation]


def softmax_at_end(graph: Graph, found: Sequence[Operation]) -> Ending | None:
    """The softmax or log-softmax that the output comes from, through nothing that mixes classes.

    It may be in the branches of a cond or the steps of a scan; means over frames may follow.

    Args:
      found: the operations of the graph.

    Returns:
      What it is, in words, and the operation; None if there is none.
    """
    return _before(_softmax, DataFlow(graph), found, graph.outputs[0])


def sigmoid_at_end(graph: Graph, found: Sequence[Operation]) -> Ending | None:
    """As `softmax_at_end`, of a sigmoid."""
    return _before(_sigmoid, DataFlow(graph), found, graph.outputs[0])


def ending(model: Model, x: Array) -> str | None:
    """How a model of inputs like x ends: "softmax", "log-softmax", "sigmoid", or in none of them.

    >>> import jax, jax.numpy as jnp
    >>> ending(lambda x: jax.nn.softmax(2 * x), jnp.ones(3))
    'softmax'
    >>> ending(lambda x: jax.nn.sigmoid(2 * x) @ jnp.ones((3, 2)), jnp.ones(3)) is None
    True
    """
    graph, _ = trace(model, x)
    found = operations(graph)
    end = softmax_at_end(graph, found) or sigmoid_at_end(graph, found)
    return None if end is None else end[0].removeprefix("a ")


def _softmax(flow: DataFlow, operation: Operation) -> str | None:
    if regions.softmax(flow, operation.equation) is not None:
        return "a softmax"
    return "a log-softmax" if regions.log_softmax(flow, operation.equation) else None


def _sigmoid(flow: DataFlow, operation: Operation) -> str | None:
    return "a sigmoid" if operation.name == "logistic" else None


def _before(
    end: Callable[[DataFlow, Operation], str | None],
    flow: DataFlow,
    found: Sequence[Operation],
    number: int,
    carried: tuple[int, ...] = (),
) -> Ending | None:
    """The same of any value.

    Args:
      end: name of the end that an operation is, None if it is another.
      carried: inputs that may be sums of earlier steps of a loop.
    """
    operation = next((one for one in found if number in one.outputs), None)
    if operation is None:
        return None
    equation = operation.equation
    if name := end(flow, operation):
        return name, operation
    if operation.bodies:
        place, loops = equation.outputs.index(number), equation.name == "scan"
        for graph, body in zip(equation.graphs, operation.bodies, strict=True):
            sums = graph.inputs if loops else ()
            if inner := _before(end, DataFlow(graph), body, graph.outputs[place], sums):
                return inner
    if operation.kind == "add":
        parts = [value for value in operation.inputs if value not in carried]
        ends = [_before(end, flow, found, part, carried) for part in dict.fromkeys(parts)]
        return ends[0] if ends and all(ends) else None
    if operation.kind in KEEPING or operation.name in AFTER:
        return _before(end, flow, found, operation.inputs[0], carried)
    return None
