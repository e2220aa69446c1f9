"""Writes small .tflite files, to read them, and to damage them."""

import struct

import numpy as np

from audioxai_jax.weights.published.tflite import STEPS, TYPES, Graph, Operation, Tensor

CODES = {np.dtype(dtype): code for code, dtype in TYPES.items()}


def constant(name: str, data, scale=(), zero_point=(), axis=0) -> Tensor:
    data = np.asarray(data)
    scale, zero_point = np.asarray(scale, np.float32), np.asarray(zero_point, np.int64)
    return Tensor(name, data.shape, data.dtype, data, scale, zero_point, axis)


def computed(name: str, shape=(1, 1)) -> Tensor:
    empty = np.zeros(0, np.float32)
    return Tensor(name, tuple(shape), np.dtype("f4"), None, empty, np.zeros(0, np.int64), 0)


def write(graphs: list[Graph]) -> bytes:
    """The file: a model of `graphs`, each constant in a buffer of its own.

    The options of an operation may be a dictionary here: field number to bytes, or to an array.
    """
    codes = sorted({(part.code, part.custom) for graph in graphs for part in graph.operations})
    buffers = [{}]
    model = {
        0: struct.pack("<I", 3),
        1: [_code(*code) for code in codes],
        2: [_graph(graph, codes, buffers) for graph in graphs],
        4: buffers,
    }
    out = bytearray(b"\0\0\0\0TFL3")
    _table(out, 0, model)
    return bytes(out)


def _code(code: int, custom: str) -> dict:
    fields: dict = {0: struct.pack("<b", min(code, 127)), 3: struct.pack("<i", code)}
    return fields | ({1: np.frombuffer(custom.encode(), "u1")} if custom else {})


def _graph(graph: Graph, codes: list, buffers: list[dict]) -> dict:
    tensors = []
    for tensor in graph.tensors:
        fields = {
            0: np.asarray(tensor.shape, "<i4"),
            1: struct.pack("<b", CODES[tensor.dtype]),
            3: np.frombuffer(tensor.name.encode(), "u1"),
        }
        if tensor.data is not None:
            fields[2] = struct.pack("<I", len(buffers))
            buffers.append({0: np.frombuffer(tensor.data.tobytes(), "u1")})
        if tensor.scale.size:
            axis = struct.pack("<i", tensor.axis)
            fields[4] = {2: tensor.scale, 3: tensor.zero_point, 6: axis}
        tensors.append(fields)
    ends = {1: np.asarray(graph.inputs, "<i4"), 2: np.asarray(graph.outputs, "<i4")}
    operations = [_operation(operation, codes) for operation in graph.operations]
    return {0: tensors, **ends, 3: operations}


def _operation(operation: Operation, codes: list) -> dict:
    fields = {
        0: struct.pack("<I", codes.index((operation.code, operation.custom))),
        1: np.asarray(operation.inputs, "<i4"),
        2: np.asarray(operation.outputs, "<i4"),
    }
    if isinstance(operation.options, dict):
        fields[4] = operation.options
    elif operation.code in STEPS:
        steps = zip(STEPS[operation.code], (operation.stride, operation.dilation), strict=True)
        fields[4] = {slot: struct.pack("<i", step) for slot, step in steps if slot is not None}
    return fields


def _table(out: bytearray, at: int, fields: dict) -> None:
    """Appends a table of 8 bytes per field, and what it refers to; `at` shall refer to it."""
    slots = max(fields, default=-1) + 1
    places = {slot: 4 + 8 * index for index, slot in enumerate(fields)}
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * slots, 4 + 8 * len(fields))
    out += b"".join(struct.pack("<H", places.get(slot, 0)) for slot in range(slots))
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(8 * len(fields))
    struct.pack_into("<I", out, at, start - at)
    for slot, value in fields.items():
        place = start + places[slot]
        if isinstance(value, bytes):
            out[place : place + len(value)] = value
        elif isinstance(value, dict):
            _table(out, place, value)
        else:
            struct.pack_into("<I", out, place, len(out) - place)
            out += struct.pack("<I", len(value))
            if isinstance(value, np.ndarray):
                out += value.tobytes()
            else:
                first = len(out)
                out += bytes(4 * len(value))
                for index, table in enumerate(value):
                    _table(out, first + 4 * index, table)
