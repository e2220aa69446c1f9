"""How loud a cell of a spectrogram is, as the number that a model reads, and back.

A level is a frozen record of `values(magnitudes) -> features`, `above(features)`: the magnitude
above that of the floor, up to a factor that all cells share, `floor`: the feature of silence, and
`rest`: a magnitude far below the floor's, of the same scale as `above`.
"""

import math
from typing import Protocol

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.transforms import stft

REST = 0.01
"""`rest`, relative to the floor's magnitude: -40 dB."""


class Level(Protocol):
    """See the module."""

    @property
    def floor(self) -> float: ...

    @property
    def rest(self) -> float: ...

    def values(self, magnitudes: Array) -> Array: ...

    def above(self, features: Array) -> Array: ...


def decibels(
    *, range_db: float = 80.0, gain: float = 1.0, silence: float = 0.0, scale: float = 1.0
) -> Level:
    """`(dB - silence) / scale`: dB relative to the loudest cell of all, `-range_db` to 0.

    Args:
      range_db: the floor is this far below the loudest.
      gain: gain of magnitudes, before those below 1e-5 count as this; see
        `transforms.stft.decibels`.
      silence: dB that become the feature 0.
      scale: dB that become a step of 1.
    """
    if not range_db > 0 or not scale > 0:
        raise ValueError(f"decibels: range_db {range_db} and scale {scale} must be above 0")
    return Decibels(float(range_db), float(gain), float(silence), float(scale))


def logarithm(*, floor: float = 1e-3) -> Level:
    """`log(magnitude + floor)`, the natural logarithm, as `transforms.mel.log_mel` has it."""
    if not floor > 0:
        raise ValueError(f"logarithm: floor is {floor}, expected a magnitude above 0")
    return Logarithm(float(floor))


@record(static=("range_db", "gain", "silence", "scale"))
class Decibels:
    """See `decibels`."""

    range_db: float
    gain: float
    silence: float
    scale: float

    @property
    def floor(self) -> float:
        return (-self.range_db - self.silence) / self.scale

    @property
    def rest(self) -> float:
        return REST * 10 ** (-self.range_db / 20)

    def values(self, magnitudes: Array) -> Array:
        level = stft.decibels(magnitudes * self.gain, range_db=self.range_db)
        return (level - self.silence) / self.scale

    def above(self, features: Array) -> Array:
        level = features * self.scale + self.silence
        return jnp.exp(level * (math.log(10) / 20)) - 10 ** (-self.range_db / 20)


@record(static=("least",))
class Logarithm:
    """See `logarithm`."""

    least: float

    @property
    def floor(self) -> float:
        return math.log(self.least)

    @property
    def rest(self) -> float:
        return REST * self.least

    def values(self, magnitudes: Array) -> Array:
        return jnp.log(magnitudes + self.least)

    def above(self, features: Array) -> Array:
        return jnp.exp(features) - self.least
