"""Small graphs of ONNX, one operator each, for comparisons with its runtimes."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """One operator with inputs.

    Attributes:
      operator: name in its domain.
      inputs: arrays; None for one that is left out.
      known: places of inputs that are initialisers of the graph, such as a shape.
      outputs: number of outputs, or places of those that are wanted.
      attributes: attributes of the node.
      oracle: "runtime" (onnxruntime), or "reference" (onnx.reference) where that has no kernel.
    """

    operator: str
    inputs: tuple[Any, ...]
    known: tuple[int, ...] = ()
    outputs: int = 1
    opset: int = 20
    domain: str = ""
    oracle: str = "runtime"
    tolerance: float = 2e-6
    attributes: Any = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        told = [f"{k}={v}" for k, v in self.attributes.items() if not hasattr(v, "node")]
        given = [str(list(np.shape(x))) for x in self.inputs if x is not None]
        return f"{self.operator}-{self.opset}({' '.join([*given, *told])})"


_random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return _random.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return (np.abs(normal(*shape)) + 0.1).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


def whole(low: int, high: int, *shape: int, dtype: Any = np.int64) -> np.ndarray:
    return _random.integers(low, high, shape).astype(dtype)


def case(
    operator: str,
    *inputs: Any,
    known: tuple[int, ...] = (),
    outputs: int = 1,
    opset: int = 20,
    domain: str = "",
    oracle: str = "runtime",
    tolerance: float = 2e-6,
    **attributes: Any,
) -> Case:
    made = tuple(None if x is None else np.asarray(x) for x in inputs)
    return Case(operator, made, known, outputs, opset, domain, oracle, tolerance, attributes)


def build(one: Case) -> bytes:
    """The model of one node."""
    from onnx import TensorProto, helper, numpy_helper

    names = [f"in{i}" if x is not None else "" for i, x in enumerate(one.inputs)]
    data = [i for i, x in enumerate(one.inputs) if x is not None and i not in one.known]
    outs = [f"out{i}" for i in range(one.outputs)]
    node = helper.make_node(one.operator, names, outs, "the_node", domain=one.domain)
    for name, value in one.attributes.items():
        array = numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        node.attribute.append(helper.make_attribute(name, array))
    ports = [
        helper.make_tensor_value_info(
            names[i], helper.np_dtype_to_tensor_dtype(one.inputs[i].dtype), one.inputs[i].shape
        )
        for i in data
    ]
    kept = [numpy_helper.from_array(one.inputs[i], names[i]) for i in one.known]
    outputs = [helper.make_empty_tensor_value_info(name) for name in outs]
    graph = helper.make_graph([node], "one", ports, outputs, kept)
    opsets = [helper.make_opsetid("", one.opset)]
    if one.domain:
        opsets.append(helper.make_opsetid(one.domain, 1))
    assert TensorProto
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return model.SerializeToString()


def data_of(one: Case) -> dict[str, np.ndarray]:
    """Values of the graph's inputs by name."""
    return {f"in{i}": x for i, x in enumerate(one.inputs) if x is not None and i not in one.known}


def oracle_outputs(one: Case, model: bytes) -> list[np.ndarray]:
    """What ONNX's own runtime or reference makes of the inputs."""
    if one.oracle == "reference":
        import onnx
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(onnx.load_model_from_string(model)).run(None, data_of(one))
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    return session.run(None, data_of(one))
