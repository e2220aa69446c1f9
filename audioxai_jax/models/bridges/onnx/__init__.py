"""ONNX graphs as JAX functions: `read_onnx` for any of them, `from_onnx` for classifiers."""

from audioxai_jax.models.bridges.onnx.classify import from_onnx
from audioxai_jax.models.bridges.onnx.interpret import OnnxModel
from audioxai_jax.models.bridges.onnx.loading import read_onnx

__all__ = ["OnnxModel", "from_onnx", "read_onnx"]
