"""The graph of a .tflite file as nodes, and the part of it between named tensors."""

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.onnx.graph import Port
from audioxai_jax.models.bridges.tflite.operators import OPERATORS, REFUSED, Node
from audioxai_jax.models.bridges.tflite.operators.base import VECTOR
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import tflite
from audioxai_jax.weights.published.flatbuffer import DamageError

ENDINGS = ("SOFTMAX", "LOGISTIC", "LOG_SOFTMAX")


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """What is computed, without the weights; equal graphs compile once.

    Attributes:
      nodes: operators in the order in which they run.
      inputs, outputs: indices of tensors.
      ports: descriptions of inputs, then of outputs.
      constants: constants that are whole numbers or truth values, by index of the tensor.
      leaves: names of the others, by index of the tensor.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ports: tuple[tuple[Port, ...], tuple[Port, ...]]
    constants: dict[int, np.ndarray]
    leaves: dict[int, str]

    @functools.cached_property
    def digest(self) -> bytes:
        parts: list = [self.inputs, self.outputs, self.ports, sorted(self.leaves.items())]
        for node in self.nodes:
            options = sorted(node.options.items())
            parts += [node.operator.name, node.inputs, node.outputs, options, node.place]
        for index, value in sorted(self.constants.items()):
            parts += [index, value.dtype.str, value.shape, value.tobytes()]
        return hashlib.sha256(repr(parts).encode()).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Program({len(self.nodes)} nodes, {self.digest.hex()[:12]})"


def load(
    path: str | Path, inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[Program, dict[str, np.ndarray]]:
    """The program between named tensors, by default those of the file, and its parameters.

    Raises:
      BridgeError: as `read_tflite`.
    """
    try:
        graph = tflite.read(path)[0]
        names = _names(graph.tensors)
        first = _chosen(path, names, inputs) or graph.inputs
        last = _chosen(path, names, outputs) or graph.outputs
        wanted = _between(graph, first, last)
        nodes = tuple(_node(operation, names) for operation in wanted)
    except (WeightsError, BridgeError, DamageError) as error:
        text = str(error)
        raise BridgeError(text if str(path) in text else f"{path}: {text}") from None
    used = {index for node in nodes for index in node.inputs} | set(last)
    constants, leaves, parameters = {}, {}, {}
    for index in sorted(used - {-1} - set(first)):
        tensor = _filled(graph.tensors[index])
        if tensor.data is None:
            continue
        if tensor.scale.size and tensor.data.dtype.kind in "iu":
            raise BridgeError(
                f"{path}: constant {names[index]!r} is quantised to {tensor.data.dtype.name}: only "
                "float models are read; convert the model without quantisation"
            )
        if tensor.data.dtype.kind == "f":
            leaves[index] = names[index]
            parameters[names[index]] = tensor.data
        else:
            constants[index] = tensor.data
    ports = tuple(tuple(_port(graph, names, index) for index in ends) for ends in (first, last))
    _check(path, nodes, first, last, {**constants, **leaves}, names)
    return Program(nodes, first, last, ports, constants, leaves), parameters  # type: ignore[arg-type]


def _filled(tensor: tflite.Tensor) -> tflite.Tensor:
    """A constant without numbers, such as the shape of a single one, has no bytes in the file."""
    if tensor.data is None and tensor.dtype is not None and 0 in tensor.shape:
        return dataclasses.replace(tensor, data=np.zeros(tensor.shape, tensor.dtype))
    return tensor


def _names(tensors: Sequence[tflite.Tensor]) -> list[str]:
    """Names that differ: one that is there twice gets the index of its tensor."""
    counts = Counter(tensor.name for tensor in tensors)
    return [
        tensor.name if tensor.name and counts[tensor.name] == 1 else f"{tensor.name}#{index}"
        for index, tensor in enumerate(tensors)
    ]


def _chosen(path, names: list[str], wanted: Sequence[str]) -> tuple[int, ...]:
    for name in wanted:
        if name not in names:
            raise BridgeError(
                f"{path}: has no tensor {name!r}: its names are {nearest(name, names)}"
            )
    return tuple(names.index(name) for name in wanted)


def _between(graph: tflite.Graph, first: tuple, last: tuple) -> list[tflite.Operation]:
    """The operations that the last tensors need, behind the first ones."""
    needed, kept = set(last) - set(first), []
    for operation in reversed(graph.operations):
        if needed & set(operation.outputs):
            kept.append(operation)
            needed |= set(operation.inputs) - set(first)
    return kept[::-1]


def _node(operation: tflite.Operation, names: list[str]) -> Node:
    place = names[operation.outputs[0]] if operation.outputs else ""
    operator = OPERATORS.get(operation.code)
    if operator is None:
        name = operation.custom or REFUSED.get(operation.code, f"number {operation.code}")
        raise BridgeError(
            f"operator {name} (tensor {place!r}) is not read: name tensors around it by input and "
            "output, or bring the model as ONNX"
        )
    options = {}
    for field, (slot, form, default) in operator.fields.items():
        if operation.options is None:
            options[field] = default
        elif form == VECTOR:
            options[field] = tuple(operation.options.vector(slot, "<i4").tolist())
        else:
            options[field] = operation.options.number(slot, form, default)
    return Node(operator, operation.inputs, operation.outputs, options, place)


def _port(graph: tflite.Graph, names: list[str], index: int) -> Port:
    tensor = graph.tensors[index]
    if tensor.dtype is None or tensor.dtype.kind not in "fiub":
        raise BridgeError(f"tensor {names[index]!r} holds no plain numbers")
    if tensor.scale.size and tensor.dtype.kind in "iu":
        raise BridgeError(
            f"tensor {names[index]!r} is quantised to {tensor.dtype.name}: only float models are "
            "read"
        )
    shape = tensor.signature or tensor.shape
    return Port(names[index], tuple(n if n >= 0 else None for n in shape), tensor.dtype.name)


def _check(path, nodes, first, last, constants, names) -> None:
    """Refuses inputs that leave something to be computed from nothing."""
    ready = {-1, *first, *constants}
    for node in nodes:
        for index in node.inputs:
            if index not in ready:
                raise BridgeError(
                    f"{path}: operator {node.operator.name} (tensor {node.place!r}) needs tensor "
                    f"{names[index]!r}, which is neither an input nor computed from the inputs: "
                    "name it among the inputs"
                )
        ready |= set(node.outputs)
    for index in last:
        if index not in ready:
            raise BridgeError(f"{path}: output {names[index]!r} is not computed from the inputs")
