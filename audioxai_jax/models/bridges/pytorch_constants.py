"""Numbers of PyTorch's code in the precision that it computes in: the exporter has them in single.

`x + 1e-5` of a module in double precision would add 9.9999997e-06, and a decibel be 4e-9 off.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def scalar_tensor(
    s: Any, dtype: int = 1, layout: str = "", device: str = "", pin_memory: bool = False
) -> Any:
    """`aten.scalar_tensor`: a number of that type."""
    import onnx_ir  # pyright: ignore[reportMissingImports]
    from onnxscript import opset20 as op  # pyright: ignore[reportMissingImports]

    kind = onnx_ir.DataType.FLOAT if dtype == -1 else onnx_ir.DataType(dtype)
    if isinstance(s, bool | int | float):
        return op.Constant(value=onnx_ir.tensor(np.array(s, kind.numpy())))
    return op.Cast(s, to=int(kind))


def log10(self: Any) -> Any:
    """`aten.log10`: the natural logarithm over that of 10."""
    from onnxscript import opset20 as op  # pyright: ignore[reportMissingImports]

    return op.Div(op.Log(self), _number(math.log(10.0), self))


def sinc(self: Any) -> Any:
    """`aten.sinc`: sin(pi x) / (pi x), and 1 at 0, where nothing is divided by 0."""
    from onnxscript import opset20 as op  # pyright: ignore[reportMissingImports]

    one, zero = _number(1.0, self), op.Equal(self, _number(0.0, self))
    turn = op.Where(zero, one, op.Mul(self, _number(math.pi, self)))
    return op.Where(zero, one, op.Div(op.Sin(turn), turn))


def _number(value: float, like: Any) -> Any:
    """A number in the type of a tensor."""
    import onnx_ir  # pyright: ignore[reportMissingImports]
    from onnxscript import opset20 as op  # pyright: ignore[reportMissingImports]

    return op.CastLike(op.Constant(value=onnx_ir.tensor(np.array(value, np.float64))), like)


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Translations that `torch.onnx.export` takes instead of its own."""
    import torch  # pyright: ignore[reportMissingImports]

    aten = torch.ops.aten
    return {
        aten.scalar_tensor.default: scalar_tensor,
        aten.log10.default: log10,
        aten.sinc.default: sinc,
    }
