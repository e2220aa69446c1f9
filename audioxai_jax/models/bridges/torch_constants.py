"""Numbers of PyTorch's code in the precision that it computes in: the exporter has them in single.

`x + 1e-5` of a module in double precision would add 9.9999997e-06, and a decibel be 4e-9 off.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir
import torch
from onnxscript import opset20 as op


def scalar_tensor(
    s: Any, dtype: int = 1, layout: str = "", device: str = "", pin_memory: bool = False
) -> Any:
    """`aten.scalar_tensor`: a number of that type."""
    dtype = onnx_ir.DataType.FLOAT if dtype == -1 else onnx_ir.DataType(dtype)
    if isinstance(s, bool | int | float):
        return op.Constant(value=onnx_ir.tensor(np.array(s, dtype.numpy())))
    return op.Cast(s, to=int(dtype))


def log10(self: Any) -> Any:
    """`aten.log10`: the natural logarithm over that of 10."""
    ten = op.Constant(value=onnx_ir.tensor(np.array(math.log(10.0), np.float64)))
    return op.Div(op.Log(self), op.CastLike(ten, self))


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Translations that `torch.onnx.export` takes instead of its own."""
    aten = torch.ops.aten
    return {aten.scalar_tensor.default: scalar_tensor, aten.log10.default: log10}
