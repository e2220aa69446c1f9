"""How a model ends: in logits, or in probabilities, which are not explained."""

from collections.abc import Sequence

from audioxai_jax.propagation.lowering import regions
from audioxai_jax.propagation.lowering.dataflow import DataFlow
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.tracing.graph import Graph

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
    return _before(DataFlow(graph), found, graph.outputs[0])


def _before(
    flow: DataFlow, found: Sequence[Operation], number: int, carried: tuple[int, ...] = ()
) -> Ending | None:
    """The same of any value; `carried`: inputs that may be sums of earlier steps of a loop."""
    operation = next((one for one in found if number in one.outputs), None)
    if operation is None:
        return None
    equation = operation.equation
    if regions.softmax(flow, equation) is not None:
        return "a softmax", operation
    if regions.log_softmax(flow, equation):
        return "a log-softmax", operation
    if operation.bodies:
        place, loops = equation.outputs.index(number), equation.name == "scan"
        for graph, body in zip(equation.graphs, operation.bodies, strict=True):
            sums = graph.inputs if loops else ()
            if ending := _before(DataFlow(graph), body, graph.outputs[place], sums):
                return ending
    if operation.kind == "add":
        parts = [value for value in operation.inputs if value not in carried]
        ends = [_before(flow, found, part, carried) for part in dict.fromkeys(parts)]
        return ends[0] if ends and all(ends) else None
    if operation.kind in KEEPING or operation.name in AFTER:
        return _before(flow, found, operation.inputs[0], carried)
    return None
