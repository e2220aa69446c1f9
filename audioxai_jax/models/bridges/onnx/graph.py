"""An ONNX graph as plain records: what the interpreter reads, without protobuf."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

DTYPES: dict[int, Any] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    4: np.uint16,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
    12: np.uint32,
    13: np.uint64,
    14: np.complex64,
    15: np.complex128,
    16: jnp.bfloat16,
}
"""Types of tensors by their number in ONNX's `TensorProto.DataType`; texts are not among them."""


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
      name: name of the tensor.
      shape: sizes, None for each that is not fixed; None if not even their number is known.
      dtype: NumPy's name of the type, such as "float32"; "" if the file does not say.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """One operation of a graph.

    Attributes:
      domain: "" for ONNX itself, or such as "com.microsoft".
      operator: name, such as "Conv".
      name: name of the node, or that of its first output.
      inputs, outputs: names of tensors; "" for one that is left out.
      attributes: values by name: numbers, texts, tuples of them, arrays, graphs.
      version: opset of the domain that the file asks for.
    """

    domain: str
    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    version: int

    def __str__(self) -> str:
        kind = f"{self.domain}.{self.operator}" if self.domain else self.operator
        return f"node {self.name!r} ({kind}, opset {self.version})"

    @property
    def graphs(self) -> Iterator["Graph"]:
        """Graphs among its attributes: branches and bodies."""
        return (value for value in self.attributes.values() if isinstance(value, Graph))

    @property
    def reads(self) -> tuple[str, ...]:
        """All tensors that it reads, those that its branches and bodies take from outside too."""
        captured = (name for graph in self.graphs for name in graph.captured)
        return tuple(dict.fromkeys((*filter(None, self.inputs), *captured)))


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order of computation, and the ends of the graph."""

    nodes: tuple[Node, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def captured(self) -> tuple[str, ...]:
        """Tensors that the graph reads and does not make."""
        known = {port.name for port in self.inputs}
        outside: dict[str, None] = {}
        for node in self.nodes:
            outside |= dict.fromkeys(name for name in node.reads if name not in known)
            known.update(node.outputs)
        outside |= dict.fromkeys(port.name for port in self.outputs if port.name not in known)
        return tuple(outside)

    def everything(self) -> Iterator[Node]:
        """All nodes, those of branches and bodies included."""
        for node in self.nodes:
            yield node
            for graph in node.graphs:
                yield from graph.everything()


def needed(
    nodes: Iterable[Node], outputs: Iterable[str], inputs: Iterable[str]
) -> tuple[Node, ...]:
    """The nodes that the outputs depend on, of a graph that begins at the inputs."""
    given, wanted, kept = set(inputs), set(outputs), []
    for node in reversed(tuple(nodes)):
        made = wanted.intersection(node.outputs) - given
        if made - {""}:
            kept.append(node)
            wanted.update(node.reads)
    return tuple(kept[::-1])


def fingerprint(graph: Graph, constants: Mapping[str, np.ndarray]) -> str:
    """sha256 of a graph with its constants, without its weights."""
    digest = hashlib.sha256()
    for part in _parts(graph):
        digest.update(repr(part).encode())
    for name in sorted(constants):
        for part in _parts((name, constants[name])):
            digest.update(repr(part).encode())
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[Any]:
    """What a value consists of, each with its type."""
    if isinstance(value, np.ndarray):
        yield value.dtype.name, value.shape, hashlib.sha256(value.tobytes()).hexdigest()
    elif isinstance(value, Mapping):
        yield from _parts(tuple(sorted(value.items())))
    elif isinstance(value, (tuple, list)):
        yield len(value)
        for one in value:
            yield from _parts(one)
    elif isinstance(value, Graph):
        yield from _parts((value.nodes, value.inputs, value.outputs))
    elif dataclasses.is_dataclass(value):
        yield from _parts(tuple(vars(value).values()))
    else:
        yield type(value).__name__, value
