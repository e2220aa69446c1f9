"""Windows that slide over an input: kernel, strides, padding, dilation, as ONNX tells them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call


@dataclasses.dataclass(frozen=True)
class Windows:
    """Numbers of each axis over which windows slide.

    Attributes:
      pads: values before and after.
      more: values after the end that only complete a last window (`ceil_mode`).
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    more: tuple[int, ...]

    @property
    def padding(self) -> list[tuple[int, int]]:
        """Values before and after, those that complete a window included."""
        return [(a, b + more) for (a, b), more in zip(self.pads, self.more, strict=True)]


def windows(call: Call, sizes: Sequence[int], kernel: Sequence[int]) -> Windows:
    """The windows over axes of these sizes."""
    count = len(kernel)
    strides = tuple(call.get("strides", (1,) * count))
    dilations = tuple(call.get("dilations", (1,) * count))
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    kind = call.get("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        totals = [
            max((-(-size // stride) - 1) * stride + extent - size, 0)
            for size, stride, extent in zip(sizes, strides, extents, strict=True)
        ]
        halves = [
            (t // 2, t - t // 2) if kind == "SAME_UPPER" else (t - t // 2, t // 2) for t in totals
        ]
    elif kind == "VALID":
        halves = [(0, 0)] * count
    else:
        told = tuple(call.get("pads", (0,) * (2 * count)))
        halves = list(zip(told[:count], told[count:], strict=True))
    more = (0,) * count
    if call.get("ceil_mode", 0):
        more = tuple(map(_completing, sizes, halves, extents, strides))
    return Windows(tuple(kernel), strides, dilations, tuple(halves), more)


def filled(call: Call, sizes: Sequence[int], kernel: Sequence[int]) -> Windows:
    """The windows, of which there must be one at least along each axis.

    Raises:
      BridgeError: if the input is shorter than a window.
    """
    over = windows(call, sizes, kernel)
    for size, k, dilation, pads in zip(sizes, kernel, over.dilations, over.padding, strict=True):
        if size + sum(pads) < (k - 1) * dilation + 1:
            raise call.refusal(
                f"an axis of {size} values is shorter than the window of {(k - 1) * dilation + 1}",
                "give the model a longer input",
            )
    return over


def _completing(size: int, pads: tuple[int, int], extent: int, stride: int) -> int:
    """Values that complete a last window which begins within the input or the padding before."""
    room = size + sum(pads) - extent
    count = -(-room // stride) + 1
    if (count - 1) * stride >= size + pads[0]:
        count -= 1
    return max((count - 1) * stride - room, 0)


def counts(shape: Sequence[int], over: Windows, include_pads: bool) -> np.ndarray:
    """Number of values in each window, `[1, 1, ..]`, of an average."""
    found = np.ones((1,) * (2 + len(shape)))
    for axis, size in enumerate(shape):
        (before, after), more = over.pads[axis], over.more[axis]
        inside = np.ones(before + size + after + more)
        if not include_pads:
            inside[:before] = 0
            inside[before + size :] = 0
        inside[before + size + after :] = 0
        kernel, dilation, stride = over.kernel[axis], over.dilations[axis], over.strides[axis]
        extent = (kernel - 1) * dilation + 1
        starts = np.arange(0, len(inside) - extent + 1, stride)
        number = inside[starts[:, None] + np.arange(kernel) * dilation].sum(1)
        found = found * number.reshape([-1 if i == axis + 2 else 1 for i in range(found.ndim)])
    return found
