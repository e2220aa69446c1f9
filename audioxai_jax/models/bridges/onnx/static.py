"""What must be known while tracing, and whether it can be: before anything is computed."""

from collections.abc import Iterable, Mapping

import numpy as np

from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import Graph, Node
from audioxai_jax.models.bridges.onnx.operators import OPERATORS, REFUSED


def check_known(graph: Graph) -> None:
    """Refuses operators that are not in the table.

    Raises:
      BridgeError: naming the first such node, and all such operators.
    """
    unknown = [n for n in graph.everything() if (n.domain, n.operator) not in OPERATORS]
    if not unknown:
        return
    first, others = unknown[0], list(dict.fromkeys(n.operator for n in unknown))
    reason = REFUSED.get(first.operator, "the operator is not known")
    more = f" (all that are not: {', '.join(others)})" if len(others) > 1 else ""
    raise BridgeError(f"{first}: {reason}{more}: cut the model there by inputs= or output=")


def static_inputs(node: Node) -> tuple[str, ...]:
    """Names of inputs of a node that must be known while tracing."""
    places = OPERATORS[node.domain, node.operator].static
    if places == (-1,):
        return tuple(filter(None, node.inputs))
    return tuple(node.inputs[i] for i in places if i < len(node.inputs) and node.inputs[i])


def parameters(graph: Graph, tensors: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Names of tensors that are weights: floating point, and reached by no shape or decision.

    Numbers without an axis, such as a layer norm's epsilon, are constants of the program.
    """
    settled = reached_from(graph, wanted_while_tracing(graph))
    return tuple(
        name
        for name, value in tensors.items()
        if name not in settled and value.ndim and not is_whole(value)
    )


def is_whole(value: np.ndarray) -> bool:
    """Whether it holds whole numbers or decisions."""
    return value.dtype.kind in "biu"


def wanted_while_tracing(graph: Graph) -> set[str]:
    """Tensors that some node needs to be known while tracing."""
    return {name for node in graph.everything() for name in static_inputs(node)}


def reached_from(graph: Graph, wanted: Iterable[str]) -> set[str]:
    """All tensors that decide the values of some, back to where only a shape is read."""
    makers = {out: node for node in graph.everything() for out in node.outputs if out}
    fed = _fed(graph)
    reached: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached.add(name)
        pending += fed.get(name, ())
        node = makers.get(name)
        if node is not None and not OPERATORS[node.domain, node.operator].by_shape:
            pending += node.reads
            pending += [port.name for inner in node.graphs for port in inner.outputs]
    return reached


def _fed(graph: Graph) -> dict[str, tuple[str, ...]]:
    """What the inputs of bodies get their values from: inputs of the node, and earlier rounds."""
    fed: dict[str, tuple[str, ...]] = {}
    for node in graph.everything():
        for body in node.graphs:
            ahead = 1 if node.operator == "Loop" else 0  # the counter is not carried
            for place, port in enumerate(body.inputs):
                outer = node.inputs[place : place + 1] if place >= ahead else ()
                earlier = body.outputs[place - ahead : place - ahead + 1] if place >= ahead else ()
                fed[port.name] = (*filter(None, outer), *(one.name for one in earlier))
    return fed


def check_control(graph: Graph, inputs: Iterable[str]) -> None:
    """Refuses branches and shapes that depend on the values of inputs.

    Raises:
      BridgeError: naming the node and the tensor.
    """
    _spread(graph, set(inputs))


def _spread(graph: Graph, touched: set[str]) -> set[str]:
    """All tensors whose values depend on those touched, of a graph and its bodies."""
    for node in graph.nodes:
        operator = OPERATORS[node.domain, node.operator]
        if operator.by_shape:
            continue
        for name in static_inputs(node):
            if name in touched:
                raise BridgeError(
                    f"{node}: {name!r} depends on the values of an input, so that shapes or the "
                    "flow of control would change from clip to clip: bind that input by fixed=, "
                    "cut the model there, or export it with fixed shapes"
                )
        if touched.intersection(node.reads):
            inside = touched | _carried(node, touched)
            for inner in node.graphs:
                _spread(inner, set(inside))
            touched.update(filter(None, node.outputs))
    return touched


def _carried(node: Node, touched: set[str]) -> set[str]:
    """Inputs of bodies that may get values of inputs: those of a loop, but its counter."""
    if node.operator == "Loop":
        places = [place for place, name in enumerate(node.inputs) if name in touched]
        return {
            body.inputs[place].name
            for body in node.graphs
            for place in places
            if 1 < place < len(body.inputs)
        }
    return {port.name for body in node.graphs for port in body.inputs}
