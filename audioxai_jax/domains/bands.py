"""Bands of frequencies over time: a filter bank that gives the sound back."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import check_shape, labels, stretches
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.transforms import filter_bank

SEGMENT_SECONDS = 0.02


def bands(sample_rate: int, *, count: int = 16) -> Domain:
    """What the bands of `transforms.filter_bank` hear, `[T, count]` at the full sample rate.

    A part of a band is heard within its band alone, however it is cut: synthesis filters again.

    Args:
      sample_rate: Hz.
      count: bands, evenly spaced on the mel scale up to half the sample rate.

    Units are a "segment" (the default: 20 ms of one band), a "band" and a "frame" (20 ms of all).
    """
    return Bands(whole(sample_rate, "sample_rate"), whole(count, "count"))


@record(static=("sample_rate", "count"))
class Bands:
    """See `bands`."""

    sample_rate: int
    count: int
    name = "bands"
    hop = 1
    exact = True
    linear = True

    @property
    def centres(self) -> np.ndarray:
        """Of the bands, Hz."""
        return filter_bank.centres(self.count, self.sample_rate)

    def analyse(self, audio: Array) -> Array:
        return filter_bank.analyse(audio, sample_rate=self.sample_rate, centres=self.centres)

    def synthesise(self, features: Array, audio: Array) -> Array:
        samples = audio.shape[0]
        check_shape(features, (samples, self.count), self.name, samples)
        bank = {"sample_rate": self.sample_rate, "centres": self.centres}
        return filter_bank.synthesise(features, **bank).astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        frames = stretches(shape[0], SEGMENT_SECONDS, self.sample_rate)[:, None]
        return {
            "segment": frames * np.int32(self.count) + labels(1, self.count),
            "band": labels(1, self.count),
            "frame": frames,
        }

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        times = Axis("time", "s", np.arange(shape[0]) / self.sample_rate)
        return times, Axis("frequency", "Hz", self.centres)
