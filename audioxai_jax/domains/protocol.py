"""What a domain is: a view of a sound that one can come back from.

Relevance, masks, bases, metrics and reports need no more of a domain than this page says. A new
domain is one file and one row of `DOMAINS`; `tests/domains/test_conformance.py` covers it then.
"""

import dataclasses
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jax import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a domain's features, for plots and tables.

    Attributes:
      name: such as "time", "frequency", "channel".
      unit: such as "s", "Hz"; "" for numbers.
      values: values of each index along the axis, float64 `[n]`.
    """

    name: str
    unit: str
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Grid:
    """How the units of one name lie, and what tells how large they are.

    Attributes:
      seconds: distance of neighbours along each axis of the features that is time; None for
        another axis.
      ordered: axes, time aside, along which neighbouring units sound alike, such as frequency.
      counted: True for features whose size is that of their unit, of a shape that broadcasts to
        that of the features; None for all.
    """

    seconds: tuple[float | None, ...]
    ordered: tuple[int, ...] = ()
    counted: np.ndarray | None = None


@runtime_checkable
class Domain(Protocol):
    """A frozen pytree that describes one sound.

    It may also have `grid(shape, unit) -> Grid` for units whose order its axes do not tell; see
    `domains.grid.unit_grid`, which reads off the axes what it does not have.

    Attributes:
      name: name, as in `DOMAINS`, for reports.
      sample_rate: rate of the audio that it analyses, Hz.
      hop: samples per step along the first axis of the features; 1 without a time axis.
      exact: whether `synthesise(analyse(audio), audio)` is the audio, to rounding.
      linear: whether `synthesise` is linear in the features, the audio given.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def hop(self) -> int: ...

    @property
    def exact(self) -> bool: ...

    @property
    def linear(self) -> bool: ...

    def analyse(self, audio: Array) -> Array:
        """Features of a sound `[T]`, floating point.

        Complex values have a last axis of 2: their real and imaginary parts.
        """
        ...

    def synthesise(self, features: Array, audio: Array) -> Array:
        """The sound `[T]` that has these features.

        Args:
          features: features from `analyse`, perhaps edited.
          audio: sound that was analysed, `[T]`. Most domains need its length and dtype alone; those
            that keep no phase filter it.
        """
        ...

    def base(self, features: Array) -> Array:
        """What stands for absent features, of their shape."""
        ...

    def size(self, features: Array) -> Array:
        """How large each feature is, of their shape: the order of the magnitude control."""
        ...

    def units(self, shape: tuple[int, ...]) -> Mapping[str, np.ndarray]:
        """What may be ranked and edited as one, by name; the first is the default.

        Returns:
          Whole numbers from 0 to n - 1, of a shape that broadcasts to that of the features.
        """
        ...

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        """Name, unit and values of each axis of the features."""
        ...
