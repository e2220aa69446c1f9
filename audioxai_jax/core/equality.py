"""Equality that a cache of compiled programs can rely on.

For Python `1 == 1.0 == True` and `0.0 == -0.0`, with equal hashes, and NaN differs from itself.
A program that was compiled for one must not run for another, and must be found again.
"""

import dataclasses
import functools
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np


class Same:
    """Holds what cannot be hashed, and is called as it; equal if it holds the same object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, *args, **keywords):
        return self.value(*args, **keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def exact(value: Any) -> Hashable:
    """What two values have in common exactly if they are of one type and of one content.

    Containers, dataclasses, slices, NumPy's arrays and `functools.partial` are compared
    by what they hold; all others by their own `==`, besides the type. What cannot be hashed
    gives a key that cannot.
    """
    kind = type(value)
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return kind, repr(value)
    if isinstance(value, np.generic) or kind is np.ndarray and value.dtype != object:
        return kind, value.dtype, np.shape(value), value.tobytes()
    if kind is np.ndarray:
        return kind, value.shape, exact(value.ravel().tolist())
    if isinstance(value, (tuple, list)):
        return kind, tuple(map(exact, value))
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(map(exact, value))
    if isinstance(value, Mapping):
        return kind, tuple((exact(name), exact(part)) for name, part in value.items())
    if kind is slice:
        return kind, exact((value.start, value.stop, value.step))
    if kind is functools.partial:
        return kind, exact((value.func, value.args, value.keywords))
    if _compared_by_fields(kind):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return kind, tuple(exact(getattr(value, name, None)) for name in fields)
    return kind, value


def _compared_by_fields(kind: type) -> bool:
    """Whether a dataclass is compared by the `==` that was generated for it, and no other."""
    code = getattr(vars(kind).get("__eq__"), "__code__", None)
    return dataclasses.is_dataclass(kind) and code is not None and code.co_filename == "<string>"
