"""`read_onnx`: a graph of ONNX, or a part of one, as a JAX function."""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.onnx import static
from audioxai_jax.models.bridges.onnx.graph import Graph, Port, fingerprint, needed
from audioxai_jax.models.bridges.onnx.interpret import OnnxModel, Program, with_plain_weights
from audioxai_jax.models.bridges.onnx.reading import File, read_file

LABELS = ("labels", "id2label", "names", "classes", "class_names", "label_names")
"""Where exporters write the names of the outputs."""


def read_onnx(
    source: str | Path | bytes,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    fixed: Mapping[str, Any] | None = None,
) -> OnnxModel:
    """An ONNX graph as a JAX function, whose leaves are its weights under their ONNX names.

    Shapes and all that depends on neither inputs nor weights is computed while tracing. Weights
    keep the precision in which they are stored; computing follows the graph.

    Args:
      source: path of the file, or its bytes.
      inputs: names of tensors that the function takes, any of the graph: one within it cuts the
        graph there. By default the graph's inputs that `fixed` does not bind.
      outputs: names of tensors that it returns, any of the graph; by default its outputs.
      fixed: values of inputs by name, such as a sample rate or an initial state.

    Returns:
      The function, a pytree: `model(*arrays)` is one array, or a tuple of several.

    Raises:
      BridgeError: if the file is damaged or its opset unknown; for a tensor that does not exist,
        an operator that is not known, or control flow or shapes that depend on the data. All are
        refused before anything is computed.
      MissingExtra: without the package onnx.
    """
    return build(read_file(source), inputs=inputs, outputs=outputs, fixed=fixed or {})


def build(
    file: File,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    fixed: Mapping[str, Any],
) -> OnnxModel:
    """As `read_onnx`, of a file that was read."""
    graph, ports = file.graph, file.ports
    whole = {port.name for port in graph.inputs}
    makes = [name for node in graph.nodes for name in node.outputs if name]
    _check_names(file.source, (*inputs, *outputs), [*makes, *whole])
    _check_names(file.source, fixed, [*whole, *makes])
    inputs = tuple(inputs) or tuple(p.name for p in graph.inputs if p.name not in fixed)
    outputs = tuple(outputs) or tuple(port.name for port in graph.outputs)
    nodes = needed(graph.nodes, outputs, (*inputs, *fixed))
    port = lambda name: ports.get(name) or Port(name, None, "")
    part = Graph(nodes, tuple(map(port, inputs)), tuple(map(port, outputs)))
    tensors = {**file.tensors, **_bound(fixed, ports)}
    missing = [name for name in part.captured if name not in tensors]
    if missing:
        raise BridgeError(
            f"{file.source}: {', '.join(outputs)} also depends on {', '.join(missing)}: name all "
            "of them in inputs=, or bind values to them by fixed="
        )
    static.check_known(part)
    static.check_control(part, inputs)
    part, tensors = with_plain_weights(part, tensors)
    used = {name: tensors[name] for name in part.captured}
    weights = set(static.parameters(part, used))
    constants = {name: value for name, value in used.items() if name not in weights}
    params = {name: jnp.asarray(used[name]) for name in used if name in weights}
    program = Program(part, constants, fingerprint(part, constants))
    return OnnxModel(params, program, labels_of(file.metadata))


def _bound(fixed: Mapping[str, Any], ports: Mapping[str, Port]) -> dict[str, np.ndarray]:
    """Values of inputs in their types."""
    values = {}
    for name, value in fixed.items():
        port, value = ports.get(name), np.asarray(value)
        if port is not None and port.dtype:
            value = value.astype(port.dtype)
        sizes = None if port is None else port.shape
        if sizes is not None and (
            len(sizes) != value.ndim
            or any(size not in (None, n) for size, n in zip(sizes, value.shape, strict=True))
        ):
            raise BridgeError(
                f"fixed {name!r} must be {_told(sizes)}, got {list(value.shape)}: reshape it"
            )
        values[name] = value
    return values


def _told(sizes: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in sizes)}]"


def _check_names(source: str, names: Any, known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise BridgeError(
                f"{source} has no tensor {name!r}: the nearest names are {nearest(name, known)}"
            )


def labels_of(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Names of the outputs among the texts of a file: a list, or a mapping from numbers."""
    for key in LABELS:
        if not (text := metadata.get(key, "").strip()):
            continue
        value = _parsed(text)
        if isinstance(value, dict):
            try:
                value = [value[number] for number in sorted(value, key=int)]
            except (TypeError, ValueError):
                continue
        if isinstance(value, (list, tuple)) and value and len(set(map(str, value))) == len(value):
            return tuple(map(str, value))
    return None


def _parsed(text: str) -> Any:
    """JSON, a Python literal, or names between commas or lines."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            pass
    return [name.strip() for name in text.replace("\n", ",").split(",") if name.strip()]
