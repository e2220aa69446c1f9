"""Domains: where parts of an input are deleted, and how one gets there and back."""

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.contracts import check_latent, check_sound
from audioxai_jax.core.records import record
from audioxai_jax.transforms import istft
from audioxai_jax.types import Codec


@runtime_checkable
class Domain(Protocol):
    """A frozen pytree: an invertible view of an input.

    Attributes:
      fill: the value of a coefficient that is deleted.
    """

    @property
    def fill(self) -> float | Array: ...

    def analyse(self, x: Array) -> Array:
        """The coefficients of an input."""
        ...

    def synthesise(self, coefficients: Array, x: Array) -> Array:
        """The input of the shape of `x` that has these coefficients; inverts `analyse`."""
        ...

    def size(self, coefficients: Array) -> Array:
        """How large, or how loud, each coefficient is: the order of the amplitude control."""
        ...


def samples(fill: float = 0.0) -> Domain:
    """The input as it is, of any shape; what is large has a large absolute value."""
    return Samples(fill=fill)


def cells(floor: float = -80.0) -> Domain:
    """The cells of a spectrogram in dB, of any shape; deleted ones fall to the floor."""
    return Cells(fill=floor)


def frequencies() -> Domain:
    """The `T // 2 + 1` bins of the Fourier transform of a waveform `[T]`, whole clip."""
    return Frequencies(fill=0.0)


def time_frequency(window: tuple[str, int], hop: int, before: int | None = None) -> Domain:
    """The cells of a short-time Fourier transform of a waveform `[T]`, see `transforms.istft`.

    Where windows overlap, a deleted cell is not quite empty when the sound is analysed
    again: its neighbours share a part of what it held. A rectangle with a hop of one window
    has no such neighbours.
    """
    return TimeFrequency(window=window, hop=hop, before=before, fill=0.0)


def latents(codec: Codec, fill: float | Array = 0.0) -> Domain:
    """The latent `[F, C]` of a waveform `[T]`; what was edited is heard, after the decoder.

    No exact inverse: with nothing deleted, the sound is the codec's reconstruction.
    """
    return Latents(codec=codec, fill=fill)


@record()
class Samples:
    fill: float | Array

    def analyse(self, x: Array) -> Array:
        return x

    def synthesise(self, coefficients: Array, x: Array) -> Array:
        del x
        return coefficients

    def size(self, coefficients: Array) -> Array:
        return jnp.abs(coefficients)


@record()
class Cells(Samples):
    def size(self, coefficients: Array) -> Array:
        return coefficients


@record()
class Frequencies:
    fill: float | Array

    def analyse(self, x: Array) -> Array:
        return jnp.fft.rfft(as_audio(x, "a waveform, of whose frequencies is asked,"))

    def synthesise(self, coefficients: Array, x: Array) -> Array:
        return jnp.fft.irfft(coefficients, n=x.shape[0]).astype(x.dtype)

    def size(self, coefficients: Array) -> Array:
        return jnp.abs(coefficients)


@record(static=("window", "hop", "before"))
class TimeFrequency:
    window: tuple[str, int]
    hop: int
    before: int | None
    fill: float | Array

    def analyse(self, x: Array) -> Array:
        return istft.analyse(x, window=self.window, hop=self.hop, before=self.before)

    def synthesise(self, coefficients: Array, x: Array) -> Array:
        frames = {"window": self.window, "hop": self.hop, "before": self.before}
        return istft.synthesise(coefficients, x.shape[0], **frames).astype(x.dtype)

    def size(self, coefficients: Array) -> Array:
        return jnp.abs(coefficients)


@record()
class Latents:
    codec: Codec
    fill: float | Array

    def analyse(self, x: Array) -> Array:
        latent = self.codec.encode(as_audio(x))
        check_latent(latent)
        return latent

    def synthesise(self, coefficients: Array, x: Array) -> Array:
        return check_sound(self.codec.decode(coefficients), x.shape[0]).astype(x.dtype)

    def size(self, coefficients: Array) -> Array:
        return jnp.abs(coefficients)
