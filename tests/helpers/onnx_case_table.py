"""Every operator of the bridge with attributes and opsets in which its meaning changed."""

import numpy as np

from tests.helpers.onnx_cases import case, ints, normal, positive, whole

f32 = np.float32
X = normal(2, 3, 8)
IMAGE = normal(2, 4, 6, 7)
BOOLS = whole(0, 2, 2, 3, dtype=bool)

UNARY = (
    *"Abs Neg Sign Ceil Floor Exp Sin Cos Tan Atan Sinh Cosh Tanh Asinh Round Erf".split(),
    *"Relu Sigmoid Softplus Softsign Mish HardSwish Gelu Elu Celu Selu LeakyRelu".split(),
    *"ThresholdedRelu Shrink HardSigmoid Softmax LogSoftmax Hardmax IsNaN IsInf Identity".split(),
)
ELEMENTWISE = [
    *(case(name, normal(3, 4) * 2, opset=22 if name == "Mish" else 20) for name in UNARY),
    *(case(name, positive(3, 4)) for name in "Sqrt Log Reciprocal".split()),
    *(case(name, np.clip(normal(3, 4), -0.9, 0.9)) for name in "Asin Acos Atanh".split()),
    case("Acosh", positive(3, 4) + 1),
    *(case(name, normal(2, 3), normal(3)) for name in "Add Sub Mul Div".split()),
    *(case(name, X, X[:, :1]) for name in "Equal Greater Less".split()),
    *(case(name, X, X[:, :1]) for name in "GreaterOrEqual LessOrEqual".split()),
    *(case(name, BOOLS, BOOLS[:1]) for name in "And Or Xor".split()),
    case("Not", BOOLS),
    *(
        case(f"Bitwise{name}", whole(0, 99, 5, dtype=np.int32), whole(0, 99, 5, dtype=np.int32))
        for name in "And Or Xor".split()
    ),
    case("BitwiseNot", whole(0, 99, 5, dtype=np.int32)),
    case("BitShift", whole(0, 9, 5, dtype=np.uint8), np.full(5, 2, np.uint8), direction="LEFT"),
    case("BitShift", whole(0, 99, 5, dtype=np.uint8), np.full(5, 2, np.uint8), direction="RIGHT"),
    case("Div", np.asarray([-7, 7, -7], np.int32), np.asarray([2, -2, -2], np.int32)),
    case("Mod", whole(-9, 9, 6, dtype=np.int32), np.asarray([4, -4] * 3, np.int32)),
    case("Mod", normal(6) * 5, np.asarray([2, -2] * 3, f32), fmod=1),
    case("Mod", whole(-9, 9, 6, dtype=np.int32), np.asarray([4, -4] * 3, np.int32), fmod=1),
    *(case("Pow", positive(4), np.asarray(p, f32), known=(1,)) for p in (2, 0.5, -1, 1.7, 3)),
    case("Pow", positive(4), normal(4)),
    *(case(name, normal(2, 3), normal(3), normal(1)) for name in "Sum Mean Max Min".split()),
    case("Max", normal(2, 3), np.zeros((), f32), known=(1,)),
    case("Max", whole(-5, 5, 4, dtype=np.int32), whole(-5, 5, 4, dtype=np.int32)),
    case("Clip", normal(9), np.asarray(-0.5, f32), np.asarray(0.5, f32), known=(1, 2)),
    case("Clip", normal(9), None, np.asarray(0.5, f32), known=(2,)),
    case("Clip", normal(9), np.asarray(0, f32), known=(1,)),
    case("Clip", normal(9), np.asarray(-0.5, f32), np.asarray(0.5, f32)),
    case("Clip", whole(-9, 9, 9, dtype=np.int32), np.asarray(-2, np.int32), known=(1,)),
    case("Clip", normal(9), opset=7, min=-0.25, max=0.75),
    case("Where", BOOLS, normal(2, 3), normal(3)),
    case("Cast", normal(5) * 3, to=6),
    case("Cast", normal(5), to=10),
    case("Cast", BOOLS, to=1),
    case("CastLike", normal(5) * 3, np.zeros((), np.int32)),
    case("IsInf", np.asarray([1, np.inf, -np.inf], f32), detect_negative=0),
    case("Gelu", normal(9), approximate="tanh"),
    case("Elu", normal(9), alpha=0.3),
    case("Celu", normal(9), alpha=0.3),
    case("Selu", normal(9), alpha=1.5, gamma=0.7),
    case("LeakyRelu", normal(9), alpha=0.3),
    case("ThresholdedRelu", normal(9), alpha=0.3),
    case("HardSigmoid", normal(9), alpha=0.4, beta=0.3),
    case("Shrink", normal(9), bias=0.1, lambd=0.3),
    case("PRelu", X, positive(3, 1), known=(1,)),
    case("Swish", normal(9), opset=24, alpha=1.3, oracle="reference"),
    *(case(name, X, axis=1) for name in "Softmax LogSoftmax Hardmax".split()),
    *(case(name, X, opset=11, axis=1) for name in "Softmax LogSoftmax Hardmax".split()),
    case("Softmax", X, opset=11, axis=2),
]
SHAPES = [
    case("Shape", X, start=1, opset=15),
    case("Shape", X, start=-2, end=-1, opset=15),
    case("Size", X),
    case("Reshape", X, ints(0, -1, 2), known=(1,)),
    case("Reshape", normal(0, 3), ints(3, 0), known=(1,), allowzero=1),
    *(case("Flatten", X, axis=axis) for axis in (0, 1, -1)),
    case("Transpose", X),
    case("Transpose", X, perm=[1, 0, 2]),
    case("Squeeze", normal(1, 3, 1)),
    case("Squeeze", normal(1, 3, 1), ints(-1), known=(1,)),
    case("Squeeze", normal(1, 3, 1), opset=11, axes=[0]),
    case("Unsqueeze", X, ints(0, -1), known=(1,)),
    case("Unsqueeze", X, opset=11, axes=[1, 3]),
    case("Concat", X, normal(2, 1, 8), axis=1),
    case("Split", X, outputs=3, axis=1, num_outputs=3),
    case("Split", X, outputs=3, axis=2, num_outputs=3),
    case("Split", X, ints(3, 5), known=(1,), outputs=2, axis=-1),
    case("Split", X, opset=11, outputs=2, axis=-1, split=[2, 6]),
    case("Expand", normal(3, 1), ints(2, 1, 4), known=(1,)),
    case("Tile", normal(2, 3), ints(2, 3), known=(1,)),
    case("ConstantOfShape", ints(2, 3), known=(0,), value=np.asarray([7], np.int64)),
    case("ConstantOfShape", ints(2, 3), known=(0,)),
    case("Range", *(np.asarray(v, np.int64) for v in (2, 11, 3)), known=(0, 1, 2)),
    case("Range", *(np.asarray(v, f32) for v in (1, 0, -0.3)), known=(0, 1, 2)),
    case("EyeLike", normal(3, 4), k=1, dtype=6),
    case("EyeLike", normal(3, 4), k=-1),
    *(case("DepthToSpace", normal(1, 8, 2, 3), blocksize=2, mode=m) for m in ("DCR", "CRD")),
    case("SpaceToDepth", normal(1, 2, 4, 6), blocksize=2),
    case("Dropout", X, outputs=2),
    case("Dropout", X, np.asarray(0.3, f32), np.asarray(False), known=(1, 2)),
    case("ReverseSequence", normal(4, 3, 2), ints(1, 4, 2), known=(1,)),
    case("ReverseSequence", X, ints(2, 3), known=(1,), time_axis=1, batch_axis=0),
    case("BitCast", normal(4), opset=26, to=6, oracle="reference"),
    case("Pad", X, ints(0, 1, 2, 0, 0, 3), np.asarray(1.5, f32), known=(1, 2)),
    case("Pad", X, ints(1, 2), None, ints(-1), known=(1, 3)),
    case("Pad", X, ints(0, 0, -2, 0, 1, -1), known=(1,)),
    *(case("Pad", X, ints(0, 1, 2, 0, 1, 3), known=(1,), mode=m) for m in ("reflect", "edge")),
    case("Pad", X, ints(0, 1, 2, 0, 1, 3), known=(1,), mode="wrap", opset=19),
    case("Pad", X, opset=10, pads=[0, 0, 1, 0, 0, 2], value=0.5),
]
INDEXING = [
    case("Slice", X, ints(1, 0), ints(3, 2), ints(2, 0), ints(1, 1), known=(1, 2, 3, 4)),
    case("Slice", X, ints(-1), ints(-100), ints(2), ints(-2), known=(1, 2, 3, 4)),
    case("Slice", X, ints(6), ints(-7), ints(2), ints(-1), known=(1, 2, 3, 4)),
    case("Slice", X, ints(2), ints(np.iinfo(np.int64).max), ints(-1), known=(1, 2, 3)),
    case("Slice", X, opset=9, starts=[1], ends=[-1], axes=[2]),
    case("Gather", X, np.asarray(-1), known=(1,), axis=2),
    case("Gather", X, whole(-3, 3, 2, 2), axis=1),
    case("Gather", X, whole(-3, 3, 2, 2), known=(1,), axis=1),
    case("GatherElements", X, whole(-3, 3, 2, 2, 8), axis=1),
    case("GatherElements", X, whole(-8, 8, 1, 2, 5), axis=-1),
    case("GatherND", X, whole(-2, 2, 4, 2)),
    case("GatherND", X, whole(-3, 3, 2, 1), batch_dims=1),
    case("ScatterElements", X, whole(0, 3, 2, 1, 8), normal(2, 1, 8), axis=1),
    *(
        case("ScatterElements", X, whole(-3, 3, 2, 4, 8), normal(2, 4, 8), axis=1, reduction=r)
        for r in ("add", "mul", "max", "min")
    ),
    case("Scatter", X, whole(0, 3, 2, 1, 8), normal(2, 1, 8), axis=1, opset=10),
    case("ScatterND", X, ints(1, 0).reshape(2, 1), normal(2, 3, 8)),
    *(
        case("ScatterND", X, ints(1, 0, 1, 0).reshape(2, 2), normal(2, 8), reduction=r)
        for r in ("add", "mul", "max", "min")
    ),
    case("OneHot", whole(-4, 4, 3), ints(4), np.asarray([2, 5], f32), known=(1,)),
    case("OneHot", whole(0, 4, 3, 2), ints(4), np.asarray([0, 1], f32), known=(1, 2), axis=0),
    case("NonZero", np.asarray([[1, 0], [2, 3]], f32), known=(0,)),
    case("Compress", X, np.asarray([True, False, True]), known=(1,), axis=1),
    case("Compress", X, np.asarray([True, False, True]), known=(1,)),
    *(
        case("Trilu", normal(4, 5), ints(k)[0], known=(1,), upper=u)
        for k in (-1, 2)
        for u in (0, 1)
    ),
    case("Trilu", normal(4, 5)),
    case("TopK", X, ints(3), known=(1,), outputs=2),
    case("TopK", X, ints(2), known=(1,), outputs=2, axis=1, largest=0),
    case("TopK", X, ints(2), known=(0, 1), outputs=2, axis=1, largest=0),
    case("TopK", X, opset=9, outputs=2, k=2),
    case("Unique", ints(3, 1, 3, 2, 1), known=(0,), outputs=4),
    case("Unique", ints(3, 1, 3, 2, 1), known=(0,), outputs=4, sorted=0),
]
NAMES = "Sum Mean Max Min Prod L1 L2 SumSquare LogSumExp".split()
REDUCTIONS = [
    *(case(f"Reduce{name}", X, ints(1), known=(1,), keepdims=0) for name in NAMES),
    *(case(f"Reduce{name}", X, ints(-1, 0), known=(1,)) for name in NAMES),
    *(case(f"Reduce{name}", X, opset=12, axes=[-1]) for name in NAMES),
    *(case(f"Reduce{name}", X) for name in NAMES),
    case("ReduceLogSum", positive(2, 3), ints(1), known=(1,)),
    case("ReduceSum", X, noop_with_empty_axes=1),
    case("ReduceSum", X, ints(1), known=(0, 1)),
    case("ReduceMax", whole(-9, 9, 2, 3, dtype=np.int32), ints(1), known=(1,)),
    case("ReduceMean", whole(0, 9, 2, 4, dtype=np.int32), ints(1), known=(1,)),
    *(case(name, X, axis=1) for name in ("ArgMax", "ArgMin")),
    case("ArgMax", np.asarray([[1, 3, 3, 0]], f32), axis=-1, select_last_index=1, keepdims=0),
    case("CumSum", X, np.asarray(1), known=(1,)),
    case("CumSum", X, np.asarray(-1), known=(1,), exclusive=1, reverse=1),
    case("CumSum", X, np.asarray(1), known=(1,), exclusive=1),
    case("CumProd", X, np.asarray(1), known=(1,), opset=26, oracle="reference"),
]
LAYERS = [
    case("Conv", X, normal(4, 3, 3), normal(4), known=(1, 2), pads=[1, 2], strides=[2]),
    case("Conv", IMAGE, normal(6, 2, 3, 2), group=2, dilations=[2, 1]),
    *(
        case("Conv", IMAGE, normal(5, 4, 3, 2), auto_pad=kind, strides=[2, 3])
        for kind in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    case("ConvTranspose", X, normal(3, 4, 3), normal(4), pads=[1, 0], strides=[2]),
    case("ConvTranspose", IMAGE, normal(4, 3, 3, 2), group=2, dilations=[2, 1], strides=[2, 3]),
    case("ConvTranspose", X, normal(3, 4, 3), strides=[3], output_padding=[2]),
    case("ConvTranspose", X, normal(3, 4, 5), strides=[3], output_shape=[25]),
    *(
        case("ConvTranspose", X, normal(3, 4, 5), strides=[2], auto_pad=kind)
        for kind in ("SAME_UPPER", "SAME_LOWER")
    ),
    case("MaxPool", X, kernel_shape=[3], strides=[2], pads=[1, 1]),
    case("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, dilations=[1, 2]),
    case("MaxPool", IMAGE, kernel_shape=[3, 2], outputs=2, pads=[1, 0, 1, 1], strides=[2, 2]),
    case("MaxPool", IMAGE, kernel_shape=[3, 2], outputs=2, storage_order=1),
    case("MaxPool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
    *(
        case("AveragePool", X, kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=c)
        for c in (0, 1)
    ),
    *(
        case("AveragePool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, opset=19)
        for _ in range(1)
    ),
    case("AveragePool", IMAGE, kernel_shape=[2, 2], dilations=[2, 2], opset=19),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
    *(case("LpPool", IMAGE, kernel_shape=[2, 3], strides=[2, 1], p=p) for p in (1, 2, 3)),
    case(
        "MaxUnpool",
        np.asarray([[[[5, 6], [7, 8]]]], f32),
        np.asarray([[[[5, 7], [13, 15]]]]),
        kernel_shape=[2, 2],
        strides=[2, 2],
    ),
    case(
        "MaxUnpool",
        np.asarray([[[[5, 6], [7, 8]]]], f32),
        np.asarray([[[[5, 7], [13, 15]]]]),
        ints(1, 1, 4, 5),
        known=(2,),
        kernel_shape=[2, 2],
        strides=[2, 2],
    ),
    *(case(f"Global{name}Pool", IMAGE) for name in ("Max", "Average", "Lp")),
    case("BatchNormalization", X, normal(3), normal(3), normal(3), positive(3), known=(1, 2, 3, 4)),
    case("BatchNormalization", X, *(positive(3) for _ in range(4)), epsilon=0.1),
    case("LayerNormalization", X, normal(8), normal(8), known=(1, 2)),
    case("LayerNormalization", X, normal(3, 8), axis=1, epsilon=0.01, outputs=3),
    case("RMSNormalization", X, normal(8), opset=23, oracle="reference"),
    case("InstanceNormalization", X, normal(3), normal(3), known=(1, 2)),
    case("GroupNormalization", IMAGE, normal(2), normal(2), num_groups=2, opset=18),
    case("GroupNormalization", IMAGE, normal(4), normal(4), num_groups=2, opset=21),
    case("MeanVarianceNormalization", IMAGE),
    case("MeanVarianceNormalization", X, axes=[0, 2]),
    *(case("LpNormalization", X, axis=1, p=p) for p in (1, 2)),
    case("LRN", IMAGE, size=3, alpha=0.3, beta=0.6, bias=1.2),
    case("LRN", normal(4, 4, 3, 2), size=2, alpha=0.3, oracle="reference"),
    case("MatMul", normal(2, 3, 4), normal(4, 5), known=(1,)),
    case("MatMul", normal(2, 1, 3, 4), normal(5, 4, 2)),
    case("MatMul", normal(4), normal(4)),
    case("Gemm", normal(3, 4), normal(5, 4), normal(5), transB=1, alpha=0.7, beta=1.3),
    case("Gemm", normal(4, 3), normal(4, 5), transA=1),
    case("Einsum", normal(2, 3, 4), normal(4, 5), equation="bij,jk->bik"),
    case("Einsum", normal(3, 4), equation="ij->j"),
    case("Det", normal(2, 3, 3), tolerance=1e-5),
]
