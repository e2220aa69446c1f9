"""Sizes of windows and blocks along the axes of an input.

One number is for all axes; several are for the last ones, and the axes before them stay whole;
None or -1 is a whole axis.
"""

from typing import Any

import numpy as np

Shape = tuple[int, ...]


def sizes(given: Any, name: str) -> int | None | tuple[int | None, ...]:
    """Sizes along axes, checked, with None for -1, in hashable form.

    Raises:
      ValueError: if one is not an integer above 0, None or -1.
    """
    if isinstance(given, (tuple, list)):
        return tuple(_size(value, name) for value in given)
    return _size(given, name)


def sizes_of_axes(given: Any, shape: Shape, name: str) -> Shape:
    """A size for each axis of a shape: those not given, and None, are all of it.

    Raises:
      ValueError: if there are more sizes than axes.
    """
    if not isinstance(given, tuple):
        given = (given,) * len(shape)
    if len(given) > len(shape):
        raise ValueError(
            f"{name}: {len(given)} sizes {given} for an input {list(shape)} of {len(shape)} axes"
        )
    given = (None,) * (len(shape) - len(given)) + given
    return tuple(
        length if size is None else size for size, length in zip(given, shape, strict=True)
    )


def _size(value: Any, name: str) -> int | None:
    if value is None or (_whole(value) and value == -1):
        return None
    if not _whole(value) or value < 1:
        raise ValueError(f"{name}: sizes are whole numbers above 0, None or -1, got {value!r}")
    return int(value)


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def few_sizes(shape: Shape, count: int) -> Shape:
    """Sizes of at most `count` blocks, with the last axis in one, see `segments.few`."""
    cut = [axis for axis, length in enumerate(shape) if length > 1]
    if len(cut) > 1 and cut[-1] == len(shape) - 1:
        cut = cut[:-1]
    each = int(count ** (1 / max(1, len(cut))) + 1e-9)
    return tuple(-(-length // each) if axis in cut else length for axis, length in enumerate(shape))
