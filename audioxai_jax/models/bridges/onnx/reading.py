"""From a file of ONNX to a `Graph` and its tensors; the only module that knows the package onnx."""

import dataclasses
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from audioxai_jax.core.extras import needed_by
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import DTYPES, Graph, Node, Port

OLDEST, NEWEST = 7, 26
"""Opsets of ONNX that are read: others have operators of another meaning."""

SAVED = ((b"PK", b"/data.pkl"), (b"\x80", b"l\xfc\x9cF\xf9 j\xa8P\x19"))
"""Beginnings of files of torch.save, and what is in them: a zip file, or the older form."""


@dataclasses.dataclass(frozen=True, eq=False)
class File:
    """What a file holds.

    Attributes:
      source: name of the file for messages.
      graph: graph of the model, its functions expanded.
      tensors: initialisers and constants by name, of branches and bodies too.
      ports: names, shapes and types of tensors inside of the graph, by name.
      metadata: texts that the exporter added, by name.
    """

    source: str
    graph: Graph
    tensors: Mapping[str, np.ndarray]
    ports: Mapping[str, Port]
    metadata: Mapping[str, str]


def read_file(source: str | Path | bytes) -> File:
    """Reads a file, or the bytes of one, with the data that lie beside it.

    Raises:
      BridgeError: if it is not an ONNX file, is damaged or incomplete, or is of an opset that
        is not read.
      MissingExtra: without the package onnx.
    """
    with needed_by("from_onnx"):
        _package()
    name = "the model" if isinstance(source, bytes) else str(source)
    model = _with_data(_parsed(source, name), source, name)
    model = _expanded(model, name)
    versions = {_domain(one.domain): one.version for one in model.opset_import}
    _check_versions(versions, name)
    tensors: dict[str, np.ndarray] = {}
    reader = _Reader(name, versions, tensors)
    graph = reader.graph(model.graph, {})
    named = (*model.graph.value_info, *model.graph.output, *model.graph.input)
    ports = {info.name: reader.port(info) for info in named}
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    return File(name, graph, tensors, ports, metadata)


def _package(module: str = "") -> Any:
    """The package onnx, or a module of it."""
    return importlib.import_module(f"onnx.{module}" if module else "onnx")


def _parsed(source: str | Path | bytes, name: str) -> Any:
    if not isinstance(source, bytes):
        path = Path(source)
        if not path.is_file():
            raise BridgeError(f"{name}: no such file")
        source = path.read_bytes()
    if any(source.startswith(start) and mark in source for start, mark in SAVED):
        raise BridgeError(
            f"{name} is a file of torch.save, not of ONNX: write a function that builds the module "
            "and loads it, and give that to from_torch, or torch:FILE.py:FUNCTION on the command "
            "line"
        )
    try:
        model = _package().load_model_from_string(source)
    except Exception as error:  # protobuf's own, of whichever implementation
        raise BridgeError(f"{name} is damaged, or is not an ONNX file: {_line(error)}") from None
    if not model.graph.node or not model.opset_import:
        raise BridgeError(
            f"{name} is damaged, or is not an ONNX file: it has no graph. A pickled model is "
            "not read: export it by torch.onnx.export"
        )
    return model


def _with_data(model: Any, source: str | Path | bytes, name: str) -> Any:
    """The model with the tensors that lie in files beside it."""
    helper = _package("external_data_helper")
    tensors = list(helper._get_all_tensors(model))
    outside = [tensor for tensor in tensors if helper.uses_external_data(tensor)]
    if not outside:
        return model
    if isinstance(source, bytes):
        raise BridgeError(
            f"{name}: the weight {outside[0].name!r} lies in a file beside the model: give the "
            "path of the model instead of its bytes"
        )
    folder = os.path.dirname(os.path.abspath(source))
    for tensor in outside:
        try:
            helper.load_external_data_for_tensor(tensor, folder)
        except Exception as error:
            told = {entry.key: entry.value for entry in tensor.external_data}
            raise BridgeError(
                f"{name}: the data of {tensor.name!r} are not in {told.get('location')!r} beside "
                f"the model ({_line(error)}): copy that file there"
            ) from None
        tensor.data_location = tensor.DEFAULT
        del tensor.external_data[:]
    return model


def _expanded(model: Any, name: str) -> Any:
    """The model with its functions in place of their calls."""
    if not model.functions:
        return model
    try:
        return _package("inliner").inline_local_functions(model, convert_version=True)
    except Exception as error:
        raise BridgeError(f"{name}: its functions cannot be expanded: {_line(error)}") from None


def _check_versions(versions: dict[str, int], name: str) -> None:
    version = versions.setdefault("", NEWEST)
    if not OLDEST <= version <= NEWEST:
        raise BridgeError(
            f"{name} is of opset {version}, expected {OLDEST} to {NEWEST}: export it again, or "
            "convert it by onnx.version_converter"
        )


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _line(error: Exception) -> str:
    return (str(error).strip().split("\n")[0] or type(error).__name__).rstrip(".")


class _Reader:
    """Reads graphs; collects their tensors under names that differ throughout the file."""

    def __init__(self, source: str, versions: Mapping[str, int], tensors: dict[str, Any]) -> None:
        self.source, self.versions, self.tensors = source, versions, tensors

    def graph(self, proto: Any, names: Mapping[str, str], prefix: str = "") -> Graph:
        """A graph; `names` are those of tensors outside of it that are called otherwise here."""
        names = dict(names)
        for tensor in proto.initializer:
            self._keep(tensor.name, self._array(tensor, tensor.name), names, prefix)
        if proto.sparse_initializer:
            name = proto.sparse_initializer[0].values.name
            raise BridgeError(f"{self.source}: the tensor {name!r} is sparse: store it dense")
        given = {name for name in names}
        inputs = [self.port(info) for info in proto.input if info.name not in given]
        nodes = [node for one in proto.node if (node := self._node(one, names, prefix))]
        outputs = [self.port(info) for info in proto.output]
        renamed = [
            dataclasses.replace(port, name=names.get(port.name, port.name)) for port in outputs
        ]
        return Graph(tuple(nodes), tuple(inputs), tuple(renamed))

    def port(self, info: Any) -> Port:
        kind = info.type.tensor_type
        shape = None
        if kind.HasField("shape"):
            sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
            shape = tuple(size if size is None or size > 0 else None for size in sizes)
        dtype = DTYPES.get(kind.elem_type)
        return Port(info.name, shape, "" if dtype is None else np.dtype(dtype).name)

    def _keep(self, name: str, value: np.ndarray, names: dict[str, str], prefix: str) -> None:
        unused = name
        while unused in self.tensors:
            unused = f"{prefix or 'graph'}/{unused}"
        self.tensors[unused] = value
        names[name] = unused

    def _node(self, proto: Any, names: dict[str, str], prefix: str) -> Node | None:
        domain = _domain(proto.domain)
        name = str(proto.name or next(filter(None, proto.output), ""))
        values = {one.name: self._value(one, names, f"{prefix}{name}") for one in proto.attribute}
        if (domain, proto.op_type) == ("", "Constant"):
            self._keep(proto.output[0], _constant(values), names, prefix)
            return None
        inputs = tuple(str(names.get(one, one)) for one in proto.input)
        outputs = tuple(proto.output)
        for one in outputs:
            names.pop(one, None)  # a name of a branch's own
        version = self.versions.get(domain, 1)
        return Node(domain, proto.op_type, name, inputs, outputs, values, version)

    def _value(self, proto: Any, names: Mapping[str, str], prefix: str) -> Any:
        if proto.type == proto.TENSOR:
            return self._array(proto.t, proto.name)
        if proto.type == proto.GRAPH:
            return self.graph(proto.g, names, f"{prefix}/{proto.name}/")
        value = _package("helper").get_attribute_value(proto)
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        if proto.type in (proto.INTS, proto.FLOATS, proto.STRINGS):
            return tuple(v.decode() if isinstance(v, bytes) else v for v in value)
        if isinstance(value, (int, float)):
            return value
        raise BridgeError(
            f"{self.source}: the attribute {proto.name!r} of {prefix!r} is of a kind that is not "
            "read (sparse tensors, lists of graphs and types are not)"
        )

    def _array(self, proto: Any, name: str) -> np.ndarray:
        if proto.data_type == proto.STRING:
            raise BridgeError(
                f"{self.source}: the tensor {name!r} holds texts, which are not computed with"
            )
        if proto.data_type not in DTYPES:
            raise BridgeError(
                f"{self.source}: the tensor {name!r} is of ONNX type {proto.data_type}, which is "
                "not read (types of 4 and 8 bits are not): export the model in float32"
            )
        try:
            return np.asarray(_package("numpy_helper").to_array(proto))
        except Exception as error:
            problem = f"the tensor {name!r} is damaged: {_line(error)}"
            raise BridgeError(f"{self.source}: {problem}") from None


def _constant(values: Mapping[str, Any]) -> np.ndarray:
    """The value of a node Constant."""
    ((name, value),) = values.items()
    dtypes = {"value_int": np.int64, "value_float": np.float32}
    dtypes |= {"value_ints": np.int64, "value_floats": np.float32}
    if isinstance(value, str) or name == "value_strings":
        raise BridgeError(f"a constant {value!r} is a text, which is not computed with")
    return np.asarray(value, dtypes.get(name))
