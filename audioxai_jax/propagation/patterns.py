"""Patterns: which operations a line of a composite is for."""

import dataclasses
from fnmatch import fnmatchcase
from typing import Protocol

from audioxai_jax.propagation.lowering.operations import PARAMETRIC, Operation


class Pattern(Protocol):
    """`operation -> bool`, hashable, with a readable `repr`."""

    def __call__(self, operation: Operation) -> bool: ...


@dataclasses.dataclass(frozen=True)
class kind:
    """Operations of a kind, such as `kind("conv", "dense")`; also by name: `kind("relu")`."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def __call__(self, operation: Operation) -> bool:
        return operation.kind in self.names or operation.name in self.names

    def __repr__(self) -> str:
        return f"kind({', '.join(map(repr, self.names))})"


@dataclasses.dataclass(frozen=True, repr=False)
class rectifier:
    """ReLUs, and those that end somewhere, as ReLU6, however they are written."""

    def __call__(self, operation: Operation) -> bool:
        return operation.rectifies

    def __repr__(self) -> str:
        return "rectifier()"


@dataclasses.dataclass(frozen=True, repr=False)
class path:
    """Operations whose weight has such a path in the model: `path("encoder/*")`.

    `*` stands for any text, slashes included.
    """

    glob: str

    def __call__(self, operation: Operation) -> bool:
        return bool(operation.path) and fnmatchcase(operation.path, self.glob)

    def __repr__(self) -> str:
        return f"path({self.glob!r})"


@dataclasses.dataclass(frozen=True, repr=False)
class scope:
    """Operations with such a name stack: Linen modules and `jax.named_scope` make them."""

    glob: str

    def __call__(self, operation: Operation) -> bool:
        return bool(operation.scope) and fnmatchcase(operation.scope, self.glob)

    def __repr__(self) -> str:
        return f"scope({self.glob!r})"


@dataclasses.dataclass(frozen=True, repr=False)
class first:
    """Convolutions and dense layers that no other comes before.

    Inside a scan over stacked layers there is one body for all steps, and so no first layer.
    """

    kinds: tuple[str, ...] = tuple(sorted(PARAMETRIC))

    def __call__(self, operation: Operation) -> bool:
        return operation.first and operation.kind in self.kinds

    def __repr__(self) -> str:
        return f"first({self.kinds})"


@dataclasses.dataclass(frozen=True, repr=False)
class last:
    """Convolutions and dense layers that no other comes after."""

    kinds: tuple[str, ...] = tuple(sorted(PARAMETRIC))

    def __call__(self, operation: Operation) -> bool:
        return operation.last and operation.kind in self.kinds

    def __repr__(self) -> str:
        return f"last({self.kinds})"


@dataclasses.dataclass(frozen=True, repr=False)
class both:
    """Operations that match both patterns."""

    one: Pattern
    other: Pattern

    def __call__(self, operation: Operation) -> bool:
        return self.one(operation) and self.other(operation)

    def __repr__(self) -> str:
        return f"both({self.one}, {self.other})"


@dataclasses.dataclass(frozen=True, repr=False)
class anything:
    """All operations."""

    def __call__(self, operation: Operation) -> bool:
        return True

    def __repr__(self) -> str:
        return "anything()"
