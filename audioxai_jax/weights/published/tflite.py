"""Reads .tflite files: the graph's operations and its constants.

A .tflite file is a FlatBuffer, see `audioxai_jax.weights.published.flatbuffer`, of TensorFlow
Lite's schema, version 3 (tensorflow/lite/schema/schema.fbs). Fields below go by their numbers
there.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.flatbuffer import DamageError, Table, root

ADD, CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, LEAKY_RELU, QUANTIZE = 0, 3, 4, 67, 98, 114
"""Codes of operations, of the schema's BuiltinOperator."""

TYPES = {
    0: "<f4",
    1: "<f2",
    2: "<i4",
    3: "u1",
    4: "<i8",
    6: "?",
    7: "<i2",
    8: "<c8",
    9: "i1",
    10: "<f8",
    11: "<c16",
    12: "<u8",
    15: "<u4",
    16: "<u2",
}
"""numpy's types by the schema's TensorType; the others hold no plain numbers."""

STEPS = {CONV_2D: (2, 5), DEPTHWISE_CONV_2D: (2, 6), TRANSPOSE_CONV: (2, None)}
"""Fields of an operation's options: stride and dilation along the height."""

LARGEST = 1 << 28
"""Bytes; published audio models have a few million."""
MOST_AXES = 8


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Attributes:
      name: name as the file has it; not unique.
      shape: shape of one call.
      dtype: numpy's, or None without plain numbers (resources, texts).
      data: a constant's numbers as stored, of that shape, or None for computed values.
      scale: float32, empty if the tensor is not quantised, one number, or one per index of
        `axis`. A stored q stands for `scale (q - zero_point)`.
      zero_point: int64, one for each scale.
      axis: axis of scale and zero_point if they have several.
      signature: shape with -1 for lengths that a caller chooses; empty if there are none.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype | None
    data: np.ndarray | None
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int
    signature: tuple[int, ...] = ()

    def values(self) -> np.ndarray:
        """What a constant's numbers stand for, float32 where quantised or half precision.

        A scale that is not finite makes numbers that are not, without a warning.

        Raises:
          ValueError: if the tensor is not a constant.
        """
        if self.data is None:
            raise ValueError(f"tensor {self.name!r} is computed, not a constant")
        if not self.scale.size:
            return self.data.astype(np.float32) if self.data.dtype == np.float16 else self.data
        shape = [1] * self.data.ndim
        if self.scale.size > 1:
            shape[self.axis] = -1
        zero, scale = self.zero_point.reshape(shape), self.scale.reshape(shape)
        with np.errstate(all="ignore"):
            return ((self.data.astype(np.float32) - zero) * scale).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation of a graph.

    Attributes:
      code: code of the schema's BuiltinOperator.
      inputs, outputs: indices of tensors; an optional input that is left out is -1.
      stride, dilation: strides of convolutions, along the height; else 1.
      options: the table of its options, by the schema's field numbers; None without one.
      custom: name of an operation that is not in the schema, else "".
    """

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stride: int = 1
    dilation: int = 1
    options: Table | None = dataclasses.field(default=None, compare=False, repr=False)
    custom: str = ""


@dataclasses.dataclass(frozen=True)
class Graph:
    """A subgraph: its tensors, its operations in the order in which they run, and its ends.

    Attributes:
      inputs, outputs: indices of tensors.
    """

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


def read(path: str | Path) -> tuple[Graph, ...]:
    """The subgraphs of a .tflite file, the main one first.

    Raises:
      WeightsError: for a file that is missing, cut short or damaged, or no .tflite file.
    """
    return parse(path, read_bytes(path))


def read_bytes(path: str | Path) -> bytes:
    """The content of a file of a size that can be believed.

    Raises:
      WeightsError: if it cannot be read, or is too large.
    """
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > LARGEST:
            raise WeightsError(f"{path}: has more than {LARGEST >> 20} MiB, expected a few")
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse(path: str | Path, content: bytes) -> tuple[Graph, ...]:
    """As `read`, of a file's content; `path` is for messages.

    Raises:
      WeightsError: as `read`.
    """
    if content[4:8] != b"TFL3":
        raise WeightsError(f"{path}: is not a .tflite file (no TFL3 in its first bytes)")
    try:
        return _model(root(content))
    except DamageError as damage:
        raise WeightsError(f"{path}: is damaged or cut short: {damage}") from None


def _model(model: Table) -> tuple[Graph, ...]:
    # The older field of a code has one byte; codes from 127 on are in the newer field.
    codes = [_code(table) for table in model.tables(1)]
    constants = []
    for table in model.tables(4):
        if table.number(1, "<Q") > 1:
            raise DamageError("it keeps constants outside of the FlatBuffer, which is not read")
        constants.append(table.vector(0, "u1"))
    graphs = tuple(_graph(table, codes, constants) for table in model.tables(2))
    if not graphs:
        raise DamageError("it holds no graph")
    return graphs


def _code(table: Table) -> tuple[int, str]:
    """The code of a kind of operation, and the name of one that is not in the schema."""
    return max(table.number(0, "<b"), table.number(3, "<i")), _text(table, 1)


def _text(table: Table, slot: int) -> str:
    return table.vector(slot, "u1").tobytes().decode("utf-8", "replace")


def _indices(table: Table, slot: int) -> tuple[int, ...]:
    return tuple(table.vector(slot, "<i4").tolist())


def _graph(table: Table, codes: list[tuple[int, str]], constants: list[np.ndarray]) -> Graph:
    tensors = tuple(_tensor(tensor, constants) for tensor in table.tables(0))
    operations = tuple(_operation(operation, codes) for operation in table.tables(3))
    inputs, outputs = _indices(table, 1), _indices(table, 2)
    used = [index for part in operations for index in (*part.inputs, *part.outputs)]
    for index in (*used, *inputs, *outputs):
        if not -1 <= index < len(tensors):
            raise DamageError(f"an operation uses tensor {index} of {len(tensors)}")
    return Graph(tensors, operations, inputs, outputs)


def _tensor(table: Table, constants: list[np.ndarray]) -> Tensor:
    name = _text(table, 3)
    where = f"tensor {name[:80]!r}"
    axes, kind, index = table.vector(0, "<i4"), table.number(1, "<b"), table.number(2, "<I")
    if len(axes) > MOST_AXES:
        raise DamageError(f"{where} has {len(axes)} axes")
    if index >= len(constants):
        raise DamageError(f"{where} uses buffer {index} of {len(constants)}")
    shape, raw = tuple(axes.tolist()), constants[index]
    dtype = np.dtype(TYPES[kind]) if kind in TYPES else None
    data = None
    if raw.size:
        if dtype is None:
            raise DamageError(f"{where} is a constant of type {kind}, which is not read")
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != raw.size:
            raise DamageError(f"{where} has {raw.size} bytes for {dtype.name} {list(shape)}")
        data = raw.view(dtype).reshape(shape)
    scale, zero_point, axis = _quantisation(table.table(4), shape, where)
    signature = _indices(table, 7)
    if signature and len(signature) != len(shape):
        raise DamageError(f"{where} has {len(shape)} axes and {len(signature)} in its signature")
    return Tensor(name, shape, dtype, data, scale, zero_point, axis, signature)


def _quantisation(table: Table | None, shape: tuple[int, ...], where: str):
    """Scale, zero point and axis of a tensor."""
    if table is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    scale, zero_point, axis = table.vector(2, "<f4"), table.vector(3, "<i8"), table.number(6, "<i")
    if scale.size and not zero_point.size:
        zero_point = np.zeros(scale.size, np.int64)
    several = scale.size > 1 and (not 0 <= axis < len(shape) or shape[axis] != scale.size)
    if several or zero_point.size != scale.size:
        raise DamageError(f"{where} has {scale.size} scales, {zero_point.size} zero points")
    return scale, zero_point, axis


def _operation(table: Table, codes: list[tuple[int, str]]) -> Operation:
    index = table.number(0, "<I")
    if index >= len(codes):
        raise DamageError(f"an operation is number {index} of {len(codes)} kinds")
    (code, custom), stride, dilation = codes[index], 1, 1
    options = table.table(4)
    if options is not None and code in STEPS:
        stride_field, dilation_field = STEPS[code]
        stride = options.number(stride_field, "<i")
        dilation = 1 if dilation_field is None else options.number(dilation_field, "<i", 1)
    inputs, outputs = _indices(table, 1), _indices(table, 2)
    return Operation(code, inputs, outputs, stride, dilation, options, custom)
