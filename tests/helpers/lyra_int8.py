"""A .tflite graph run call by call in numpy, its 8-bit numbers with or without their rounding.

Without rounding it is the network as it was meant, with rounding what TensorFlow Lite's kernels
of today (XNNPACK) make of it: every 8-bit result is the exact one, rounded to the nearest; only
LeakyReLU uses slopes that are multiples of 1/256. Numbers are kept as what they stand for, in
double precision. Shapes are `[N, time, 1, channels]`, of N signals at once.
"""

import numpy as np

from audioxai_jax.weights.published.tflite import (
    ADD,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    LEAKY_RELU,
    QUANTIZE,
    TRANSPOSE_CONV,
    Graph,
    Tensor,
)

CONCATENATION, DEQUANTIZE, RESHAPE, SUB, STRIDED_SLICE, SPLIT = 2, 6, 22, 41, 45, 49
CALL_ONCE, VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE = 129, 142, 143, 144
SLOPE = float(np.float32(0.3))


def run(graph: Graph, signals: np.ndarray, *, rounding: bool) -> np.ndarray:
    """What the graph returns for each of its calls.

    Args:
      graph: graph with one input, its first tensor, and states that start at zero.
      signals: `[N, calls, values per call]`.
      rounding: rounding of 8-bit results.
    """
    constants = {
        index: tensor.values().astype(np.float64)
        for index, tensor in enumerate(graph.tensors)
        if tensor.data is not None
    }
    if not rounding:
        _take_back_one_bias(graph, constants)
    states: dict[int, np.ndarray] = {}
    outputs = []
    for call in range(signals.shape[1]):
        values = dict(constants)
        values[0] = signals[:, call].astype(np.float64).reshape(-1, *graph.tensors[0].shape[1:])
        for operation in graph.operations:
            if operation.code in (CALL_ONCE, VAR_HANDLE):
                continue
            if operation.code == ASSIGN_VARIABLE:
                variable, index = operation.inputs
                states[variable] = values[index]
                continue
            tensors = [graph.tensors[index] for index in operation.outputs]
            if operation.code == READ_VARIABLE:
                zero = np.zeros((len(signals), *tensors[0].shape[1:]))
                results = [states.get(operation.inputs[0], zero)]
            else:
                source = graph.tensors[operation.inputs[0]]
                inputs = [values[index] for index in operation.inputs]
                results = _apply(operation, inputs, source, tensors, rounding)
            for index, tensor, result in zip(operation.outputs, tensors, results, strict=True):
                values[index] = _rounded(result, tensor) if rounding else result
        outputs.append(values[graph.operations[-1].outputs[0]].reshape(len(signals), -1))
    return np.stack(outputs, axis=1)


def _take_back_one_bias(graph: Graph, constants: dict[int, np.ndarray]) -> None:
    """What a transposed convolution leaves for the next call has its bias subtracted. The file
    holds that bias twice, as the convolution's in multiples of its scale, and not rounded."""
    bias = -1
    for operation in graph.operations:
        if operation.code == TRANSPOSE_CONV:
            bias = operation.inputs[3]
        elif operation.code == SUB:
            constants[operation.inputs[1]] = constants[bias]


def _rounded(value: np.ndarray, tensor: Tensor) -> np.ndarray:
    if tensor.dtype != np.int8:
        return value
    scale, zero = float(tensor.scale[0]), int(tensor.zero_point[0])
    return scale * (np.clip(np.rint(value / scale) + zero, -128, 127) - zero)


def _apply(operation, inputs, source: Tensor, tensors: list[Tensor], rounding: bool):
    x, code, shape = inputs[0], operation.code, tensors[0].shape
    if code in (QUANTIZE, DEQUANTIZE):
        return [x]
    if code == LEAKY_RELU:
        eight_bits = rounding and source.dtype == np.int8
        return [_leaky_in_8_bits(x, source, tensors[0]) if eight_bits else _leaky(x)]
    if code in (ADD, SUB):
        return [x + inputs[1] if code == ADD else x - inputs[1]]
    if code == RESHAPE:
        return [x.reshape(len(x), *shape[1:])]
    if code == SPLIT:
        return np.split(inputs[1], len(tensors), axis=3)
    if code == STRIDED_SLICE:  # along time; the end follows from the shape
        start = int(inputs[1][1]) % x.shape[1]
        return [x[:, start : start + shape[1]]]
    if code == CONCATENATION:
        axis = 1 if x.shape[1] != shape[1] else 3
        count = max(map(len, inputs))
        return [np.concatenate([np.broadcast_to(v, (count, *v.shape[1:])) for v in inputs], axis)]
    if code == TRANSPOSE_CONV:
        return [_transposed(inputs[2], inputs[1], operation.stride) + inputs[3]]
    if code == DEPTHWISE_CONV_2D:
        return [_depthwise(x, inputs[1], operation.dilation) + inputs[2]]
    assert code == CONV_2D, code
    return [_convolution(x, inputs[1], operation.stride) + inputs[2]]


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, SLOPE * x)


def _leaky_in_8_bits(x: np.ndarray, source: Tensor, target: Tensor) -> np.ndarray:
    """XNNPACK's: `floor((x slope + 128) / 256)` on integers."""
    before, after = float(source.scale[0]), float(target.scale[0])
    whole = np.rint(x / before)
    slopes = np.where(whole >= 0, round(256 * before / after), round(256 * before * SLOPE / after))
    return after * np.floor(whole * slopes / 256 + 0.5)


def _convolution(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """Weights `[out, kernel, 1, in / groups]`; groups follow from the channels."""
    outputs, kernel, _, depth = weight.shape
    groups = x.shape[3] // depth
    steps = 1 + (x.shape[1] - kernel) // stride
    seen = np.stack([x[:, step * stride :][:, :kernel, 0] for step in range(steps)], axis=1)
    seen = seen.reshape(len(x), steps, kernel, groups, depth).transpose(3, 0, 1, 2, 4)
    seen = seen.reshape(groups, len(x) * steps, kernel * depth)
    result = seen @ weight.reshape(groups, outputs // groups, -1).transpose(0, 2, 1)
    return result.transpose(1, 0, 2).reshape(len(x), steps, 1, outputs)


def _depthwise(x: np.ndarray, weight: np.ndarray, dilation: int) -> np.ndarray:
    kernel = weight.shape[1]
    steps = x.shape[1] - (kernel - 1) * dilation
    return sum(x[:, tap * dilation :][:, :steps] * weight[:, tap, None] for tap in range(kernel))


def _transposed(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    outputs, kernel = weight.shape[:2]
    result = np.zeros((len(x), (x.shape[1] - 1) * stride + kernel, 1, outputs))
    parts = np.einsum("ntc,okc->ntko", x[:, :, 0], weight[:, :, 0], optimize=True)
    for step in range(x.shape[1]):
        result[:, step * stride : step * stride + kernel, 0] += parts[:, step]
    return result
