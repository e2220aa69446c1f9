"""A small classifier as a file of ONNX, and the same in NumPy."""

import numpy as np

NAMES = ("net.0.weight", "net.0.bias", "head.weight", "head.bias")


def weights(seed: int = 0, dtype=np.float32) -> dict[str, np.ndarray]:
    """Of a convolution `[4, 1, 5]` and a dense layer `[3, 4]`."""
    random = np.random.default_rng(seed)
    shapes = ((4, 1, 5), (4,), (3, 4), (3,))
    return {
        name: random.standard_normal(shape).astype(dtype)
        for name, shape in zip(NAMES, shapes, strict=True)
    }


def network(
    values: dict[str, np.ndarray] | None = None,
    *,
    end: str = "Softmax",
    shape: tuple[str | int, ...] = ("N", "T"),
    metadata: dict[str, str] | None = None,
    dtype=np.float32,
) -> bytes:
    """Waveform, convolution, ReLU, mean over time, dense layer, and an ending operator or none."""
    from onnx import helper, numpy_helper

    values = weights(dtype=dtype) if values is None else values
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    sizes = np.asarray([0, 1, -1]) if len(shape) == 2 else np.asarray([0, 0, 0])
    constants = {"sizes": sizes, "axes": np.asarray([2])}
    kept = [numpy_helper.from_array(v, k) for k, v in {**values, **constants}.items()]
    nodes = [
        helper.make_node("Reshape", ["audio", "sizes"], ["channels"], "reshape"),
        helper.make_node("Conv", ["channels", *NAMES[:2]], ["hidden"], "conv", strides=[2]),
        helper.make_node("Relu", ["hidden"], ["active"], "relu"),
        helper.make_node("ReduceMean", ["active", "axes"], ["pooled"], "mean", keepdims=0),
        helper.make_node("Gemm", ["pooled", *NAMES[2:]], ["scores"], "head", transB=1),
    ]
    if end:
        nodes.append(helper.make_node(end, ["scores"], ["probabilities"], "end"))
    last = "probabilities" if end else "scores"
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("audio", kind, shape)],
        [helper.make_tensor_value_info(last, kind, ("N", 3))],
        kept,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, metadata or {})
    return model.SerializeToString()


def scores(values: dict[str, np.ndarray], audio: np.ndarray) -> np.ndarray:
    """What the network's dense layer returns for a waveform `[T]`, in float64."""
    w, b, head, bias = (values[name].astype(np.float64) for name in NAMES)
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), 5)[::2]
    active = np.maximum(frames @ w[:, 0].T + b, 0)
    return head @ active.mean(axis=0) + bias


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum()
