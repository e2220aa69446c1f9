"""How a module of PyTorch is called: its tensors by name, and everything else as it is."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Call:
    """The arguments of one call.

    Attributes:
      tensors: tensors by the names of their arguments, on the CPU.
      values: other arguments by name, such as switches.
      positions: names of arguments that are given by position, in order.
    """

    tensors: Mapping[str, Any]
    values: Mapping[str, Any]
    positions: tuple[str, ...]

    def arguments(self, tensors: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments by position and by name, with other tensors."""
        given = {**self.values, **tensors}
        by_name = {name: value for name, value in given.items() if name not in self.positions}
        return [given[name] for name in self.positions], by_name


def flattened(result: Any, prefix: str = "") -> dict[str, Any]:
    """The tensors of a module's result by field, key or number, without None and plain values.

    A single tensor is "output", entries of a tuple are "output_0" and on, and those within an
    entry are joined by a dot.
    """
    if hasattr(result, "detach"):
        return {prefix or "output": result}
    if isinstance(result, Mapping):
        parts = {str(key): value for key, value in result.items()}
    elif isinstance(result, tuple) and hasattr(result, "_fields"):
        parts = dict(zip(result._fields, result))  # type: ignore[attr-defined]
    elif isinstance(result, (tuple, list)):
        name = "{}" if prefix else "output_{}"
        parts = {name.format(index): value for index, value in enumerate(result)}
    else:
        return {}
    tensors: dict[str, Any] = {}
    for name, value in parts.items():
        tensors |= flattened(value, f"{prefix}.{name}" if prefix else name)
    return tensors
