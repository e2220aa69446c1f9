"""What a graph ends in: probabilities, and the tensor before them."""

from collections.abc import Collection

from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.onnx.graph import Graph

KINDS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
"""Kinds of outputs of the tensor before an operator that makes probabilities of it."""
KEEPING = ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast", "Transpose")
LOGITS = "logits"


def ending(graph: Graph, name: str) -> tuple[str, str] | None:
    """The operator that makes a tensor from logits, shapes apart, and the tensor before it."""
    makers = {out: node for node in graph.nodes for out in node.outputs}
    while (node := makers.get(name)) is not None:
        if node.operator in KINDS:
            return node.operator, node.inputs[0]
        if node.operator not in KEEPING:
            return None
        name = node.inputs[0]
    return None


def chosen_output(graph: Graph, output: str | None, source: str) -> tuple[str, str | None]:
    """The tensor that is explained, and the kind of such outputs if the graph tells it.

    Args:
      graph: the whole graph.
      output: name of a tensor; "logits" for the tensor before the ending softmax or sigmoid, if
        none has that name; None for the only output.
      source: name of the file for messages.

    Raises:
      BridgeError: if several outputs are there to choose from, or the graph has another ending.
    """
    made = {out for node in graph.nodes for out in node.outputs}
    _check_output(graph, output, made, source)
    if output is not None and (output in made or output != LOGITS):
        return output, _kind(graph, output)
    names = [port.name for port in graph.outputs]
    if len(names) > 1:
        raise BridgeError(
            f"{source} has {len(names)} outputs: name one by output=: {', '.join(names)}"
        )
    if output is None:
        return names[0], _kind(graph, names[0])
    last = ending(graph, names[0])
    if last is None:
        raise BridgeError(
            f"{source} does not end in Softmax, LogSoftmax or Sigmoid, and has no tensor 'logits': "
            "leave output= out, or name the tensor"
        )
    operator, before = last
    return before, KINDS[operator]


def _check_output(graph: Graph, output: str | None, made: Collection[str], source: str) -> None:
    """Refuses a name that no tensor has, with the names of the outputs first."""
    names = [port.name for port in graph.outputs]
    inputs = [port.name for port in graph.inputs]
    if output in (None, LOGITS, *made, *names, *inputs):
        return
    if len(names) == 1:
        told = f"it has one output ({names[0]}): leave output= away"
    else:
        told = f"its outputs are {', '.join(names)}"
    raise BridgeError(
        f"{source} has no tensor {output!r}: {told}, or name a tensor within: the nearest names "
        f"are {nearest(str(output), [*made])}"
    )


def _kind(graph: Graph, name: str) -> str | None:
    last = ending(graph, name)
    if last is None:
        return None
    return "softmax" if last[0] == "LogSoftmax" else "probabilities"
