"""Operators of the bridge, continued: resampling, spectra, attention, recurrent, quantised."""

import dataclasses

import numpy as np

from tests.helpers.onnx_cases import case, ints, normal, positive, whole

f32 = np.float32
IMAGE = normal(1, 2, 4, 5)
MODES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric")
UP = np.asarray([1, 1, 2.3, 1.4], f32)
DOWN = np.asarray([1, 1, 0.6, 0.7], f32)


def number(value, dtype=np.int64):
    return np.asarray(value, dtype)


RESIZING = [
    *(
        case("Resize", IMAGE, None, scale, known=(2,), mode=mode, tolerance=1e-5, **coordinates)
        for mode in ("nearest", "linear", "cubic")
        for scale in (UP, DOWN)
        for coordinates in ({"coordinate_transformation_mode": m} for m in MODES)
    ),
    *(
        case("Resize", IMAGE, None, scale, known=(2,), mode="nearest", nearest_mode=rounding)
        for scale in (UP, DOWN)
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    case("Resize", IMAGE, None, None, ints(1, 2, 7, 3), known=(3,), mode="linear"),
    case("Resize", IMAGE, None, None, ints(7, 3), known=(3,), mode="linear", axes=[2, 3]),
    case(
        "Resize",
        *(IMAGE, None, None, ints(7, 8)),
        known=(3,),
        axes=[2, 3],
        keep_aspect_ratio_policy="not_larger",
    ),
    *(
        case("Resize", IMAGE, None, DOWN, known=(2,), mode=m, antialias=1, tolerance=1e-5)
        for m in ("linear", "cubic")
    ),
    case("Resize", IMAGE, None, UP, known=(2,), mode="cubic", exclude_outside=1, tolerance=1e-5),
    case("Resize", IMAGE, np.asarray([1, 1, 2, 3], f32), known=(1,), opset=10),
    case("Resize", IMAGE, np.asarray([1, 1, 2, 2], f32), known=(1,), opset=10, mode="linear"),
    case("Upsample", IMAGE, np.asarray([1, 1, 2, 3], f32), known=(1,), opset=9),
    case("Upsample", IMAGE, opset=7, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
]
SPECTRA = [
    *(
        case(f"{name}Window", number(9), known=(0,), periodic=p)
        for name in ("Hann", "Hamming", "Blackman")
        for p in (0, 1)
    ),
    case(
        "MelWeightMatrix",
        *(number(8), number(64), number(8000), number(20, f32), number(4000, f32)),
        known=(0, 1, 2, 3, 4),
    ),
    *(
        case("DFT", normal(2, 10, size), opset=17, onesided=one, axis=1)
        for size, one in ((1, 1), (1, 0), (2, 0))
    ),
    case("DFT", normal(2, 10, 2), opset=17, inverse=1, axis=1),
    case("DFT", normal(2, 3, 10, 1), None, number(1), opset=20, known=(2,), onesided=1),
    case("DFT", normal(2, 10, 1), number(16), number(-2), opset=20, known=(1, 2)),
    case("DFT", normal(2, 10, 1), number(7), number(-2), opset=20, known=(1, 2)),
    case("STFT", normal(2, 50, 1), number(5), normal(16), number(16), known=(1, 2, 3)),
    case("STFT", normal(2, 50, 1), number(5), None, number(16), known=(1, 3), onesided=0),
    case("STFT", normal(2, 50, 2), number(5), normal(16), known=(1, 2), onesided=0),
]
Q, K, V = normal(2, 4, 3, 8), normal(2, 2, 5, 8), normal(2, 2, 5, 6)
MASK = whole(0, 2, 3, 5).astype(bool) | np.eye(3, 5, dtype=bool)
ATTENTION = [
    case("Attention", Q, K, V, opset=23),
    case("Attention", Q, K, V, MASK, opset=23, scale=0.3),
    case("Attention", Q, K, V, normal(2, 1, 3, 5), opset=23, softcap=2.0),
    case("Attention", Q, K, V, opset=23, is_causal=1),
    case(
        "Attention",
        *(normal(2, 3, 32), normal(2, 5, 16), normal(2, 5, 12)),
        opset=23,
        q_num_heads=4,
        kv_num_heads=2,
    ),
    case("Attention", Q, K, V, None, K, V, opset=23, outputs=3),
    *(
        case("Attention", Q, K, V, opset=23, outputs=4, qk_matmul_output_mode=m, oracle="reference")
        for m in (0, 3)
    ),
    case(
        "RotaryEmbedding",
        *(normal(2, 4, 3, 8), normal(6, 4), normal(6, 4), whole(0, 6, 2, 3)),
        opset=23,
    ),
    case("RotaryEmbedding", normal(2, 4, 3, 8), *(normal(2, 3, 4),) * 2, opset=23, interleaved=1),
    case("RotaryEmbedding", normal(2, 3, 32), *(normal(2, 3, 4),) * 2, opset=23, num_heads=4),
    case(
        "RotaryEmbedding",
        *(normal(2, 4, 3, 8), normal(2, 3, 2), normal(2, 3, 2)),
        opset=23,
        rotary_embedding_dim=4,
    ),
]


def recurrent(name: str, directions: int = 1, **options):
    """Five steps of a batch of three, four values, two of state."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    by_batch = options.get("layout", 0)
    options = {"hidden_size": 2, **options}
    state = (3, directions, 2) if by_batch else (directions, 3, 2)
    parts = [normal(*((3, 5, 4) if by_batch else (5, 3, 4)))]
    parts += [normal(directions, gates * 2, 4), normal(directions, gates * 2, 2)]
    parts += [normal(directions, 2 * gates * 2)] if options.pop("bias", True) else [None]
    parts += [np.asarray([5, 2, 4], np.int32)] if options.pop("lengths", False) else [None]
    if options.pop("states", False):
        parts += [normal(*state)]
        parts += [normal(*state)] if name == "LSTM" else []
    if options.pop("peepholes", False):
        parts += [None] * (7 - len(parts)) + [normal(directions, 6)]
    outputs = 3 if name == "LSTM" else 2
    return case(name, *parts, known=(1, 2), outputs=outputs, tolerance=1e-5, **options)


RECURRENT = [
    *(recurrent(name) for name in ("LSTM", "GRU", "RNN")),
    *(recurrent(name, bias=False, direction="reverse") for name in ("LSTM", "GRU", "RNN")),
    *(
        recurrent(name, 2, direction="bidirectional", states=True, lengths=True)
        for name in ("LSTM", "GRU", "RNN")
    ),
    *(
        recurrent(name, layout=1, states=True, oracle="reference")
        for name in ("LSTM", "GRU", "RNN")
    ),
    recurrent("GRU", linear_before_reset=1, states=True),
    recurrent("GRU", 2, direction="bidirectional", linear_before_reset=1, lengths=True),
    recurrent("LSTM", peepholes=True, states=True),
    recurrent("LSTM", clip=0.3, states=True),
    recurrent("LSTM", input_forget=1),
    recurrent("GRU", clip=0.3),
    recurrent("LSTM", activations=["HardSigmoid", "Relu", "Softsign"], activation_alpha=[0.3]),
    recurrent(
        "RNN",
        2,
        direction="bidirectional",
        activations=["LeakyRelu", "ScaledTanh"],
        activation_alpha=[0.2, 1.5],
        activation_beta=[0.7],
    ),
    recurrent("GRU", activations=["Sigmoid", "Elu"], activation_alpha=[0.5]),
]
I8, U8 = np.int8, np.uint8
SCALE, ZERO = number(0.1, f32), number(7, U8)
CHANNELS = positive(3)
X8 = whole(0, 255, 2, 3, 8, dtype=U8)
QUANTISED = [
    case("QuantizeLinear", normal(2, 3, 8), SCALE, ZERO, known=(1, 2)),
    case("QuantizeLinear", normal(2, 3, 8), SCALE, number(-3, I8), known=(1, 2)),
    case("QuantizeLinear", normal(2, 3, 8) * 20, SCALE, known=(1,)),
    case("QuantizeLinear", normal(2, 3, 8), CHANNELS, np.zeros(3, I8), known=(1, 2), axis=1),
    case("QuantizeLinear", normal(2, 3, 8), CHANNELS, known=(1,), axis=1, output_dtype=3, opset=21),
    case("DequantizeLinear", X8, SCALE, ZERO, known=(1, 2)),
    case("DequantizeLinear", X8, CHANNELS, whole(0, 9, 3, dtype=U8), known=(1, 2), axis=1),
    case("DequantizeLinear", X8, CHANNELS, whole(0, 9, 3, dtype=U8), known=(0, 1, 2), axis=1),
    case("DequantizeLinear", whole(-999, 999, 4, dtype=np.int32), SCALE, known=(1,)),
    case(
        "DequantizeLinear",
        *(X8, positive(2, 3, 4), whole(0, 9, 2, 3, 4, dtype=U8)),
        known=(1, 2),
        axis=2,
        block_size=2,
        opset=21,
    ),
    case("DynamicQuantizeLinear", normal(2, 9), outputs=3),
    case("DynamicQuantizeLinear", positive(9), outputs=3),
    case(
        "MatMulInteger",
        *(whole(0, 255, 2, 900, dtype=U8), whole(-128, 127, 900, 3, dtype=I8)),
        *(ZERO, np.zeros(3, I8)),
        known=(1, 2, 3),
    ),
    case("MatMulInteger", X8, whole(0, 255, 8, 4, dtype=U8), known=(1,)),
    case("ConvInteger", X8, whole(0, 255, 4, 3, 3, dtype=U8), ZERO, ZERO, known=(1, 2, 3)),
    case(
        "QLinearMatMul",
        *(X8[0], SCALE, ZERO, whole(0, 255, 8, 4, dtype=U8), SCALE, ZERO),
        *(number(3, f32), number(99, U8)),
        known=(1, 2, 3, 4, 5, 6, 7),
    ),
    case(
        "QLinearConv",
        *(X8, SCALE, ZERO, whole(-128, 127, 4, 3, 3, dtype=I8), positive(4), np.zeros(4, I8)),
        *(number(9, f32), number(99, U8), whole(-999, 999, 4, dtype=np.int32)),
        known=(1, 2, 3, 4, 5, 6, 7, 8),
        pads=[1, 1],
    ),
]
MS = {"domain": "com.microsoft"}
A8 = [X8, SCALE, ZERO]
B8 = [whole(0, 255, 2, 3, 8, dtype=U8), number(0.2, f32), number(3, U8)]
OUT8 = [number(0.25, f32), number(120, U8)]
PACKED = [normal(2, 5, 8), normal(8, 24), normal(24)]
SOFTMAX = dataclasses.replace(
    case(
        "QLinearSoftmax",
        *(X8, number(0.01, f32), ZERO, number(1 / 256, f32), number(0, U8)),
        known=(1, 2, 3, 4),
        **MS,
    ),
    attributes={"opset": 13, "axis": -1},
)
MICROSOFT = [
    *(
        case("FusedConv", normal(2, 3, 8), normal(4, 3, 3), normal(4), activation=a, **MS)
        for a in ("Relu", "Tanh")
    ),
    case(
        "FusedConv",
        *(normal(2, 3, 8), normal(4, 3, 3), normal(4)),
        activation="LeakyRelu",
        activation_params=[0.2],
        **MS,
    ),
    case("FusedMatMul", normal(2, 4, 3), normal(5, 4), transA=1, transB=1, alpha=0.5, **MS),
    case("FusedGemm", normal(3, 4), normal(4, 5), normal(5), activation="Relu", **MS),
    case("Gelu", normal(9), **MS),
    case("BiasGelu", normal(2, 9), normal(9), **MS),
    case("FastGelu", normal(2, 9), normal(9), **MS),
    case("QuickGelu", normal(9), alpha=1.5, **MS),
    case("SkipLayerNormalization", normal(2, 3, 8), normal(2, 3, 8), normal(8), normal(8), **MS),
    case("SkipLayerNormalization", *(normal(2, 3, 8),) * 2, *(normal(8) for _ in range(3)), **MS),
    case("SkipSimplifiedLayerNormalization", normal(2, 3, 8), normal(2, 3, 8), normal(8), **MS),
    case("SimplifiedLayerNormalization", normal(2, 3, 8), normal(8), known=(1,)),
    case("Attention", *PACKED, num_heads=2, known=(1, 2), **MS),
    case("Attention", *PACKED, num_heads=2, unidirectional=1, known=(1, 2), **MS),
    case("MultiHeadAttention", *(normal(2, 5, 8) for _ in range(3)), normal(24), num_heads=2, **MS),
    case("QLinearAdd", *A8, *B8, *OUT8, known=(1, 2, 4, 5, 6, 7), **MS),
    case("QLinearMul", *A8, *B8, number(2, f32), OUT8[1], known=(1, 2, 4, 5, 6, 7), **MS),
    case("QLinearSigmoid", *A8, number(1 / 256, f32), number(0, U8), known=(1, 2, 3, 4), **MS),
    case("QLinearLeakyRelu", *A8, *OUT8, known=(1, 2, 3, 4), alpha=0.2, **MS),
    case("QLinearGlobalAveragePool", *A8, *OUT8, known=(1, 2, 3, 4), **MS),
    case("QLinearAveragePool", *A8, *OUT8, known=(1, 2, 3, 4), kernel_shape=[3], **MS),
    case("QLinearConcat", *OUT8, *A8, *B8, known=(0, 1, 3, 4, 6, 7), axis=1, **MS),
    SOFTMAX,
    case(
        "DynamicQuantizeMatMul",
        *(normal(4, 8), whole(0, 255, 8, 3, dtype=U8), SCALE, ZERO, normal(3)),
        known=(1, 2, 3, 4),
        **MS,
    ),
    case(
        "MatMulIntegerToFloat",
        *(X8, whole(0, 255, 8, 3, dtype=U8), SCALE, SCALE, ZERO, ZERO, normal(3)),
        known=(1, 2, 3, 4, 5, 6),
        **MS,
    ),
    case(
        "QGemm",
        *(X8[0], SCALE, ZERO, whole(0, 255, 5, 8, dtype=U8), SCALE, ZERO),
        *(whole(-99, 99, 5, dtype=np.int32), number(9, f32), number(99, U8)),
        known=(1, 2, 3, 4, 5, 6, 7, 8),
        transB=1,
        **MS,
    ),
    case(
        "QGemm",
        *(X8[0], SCALE, ZERO, whole(0, 255, 8, 5, dtype=U8), SCALE, ZERO),
        known=(1, 2, 3, 4, 5),
        alpha=0.5,
        **MS,
    ),
]
