"""Orthonormal wavelets: short details, long ones and what is left."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import check_shape, labels
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.transforms import wavelet


def wavelets(sample_rate: int, *, kind: str = "daubechies_4", levels: int = 8) -> Domain:
    """The wavelet coefficients of a clip, `[T]`, as `transforms.wavelet` orders them.

    Each level of details has half the coefficients of the one below it and the octave of
    frequencies below its own: level 1 is sample_rate / 4 to sample_rate / 2. Coefficients are
    orthonormal coordinates: the sum of their squares is that of the samples.

    Args:
      sample_rate: Hz.
      kind: "haar" or "daubechies_4", see `transforms.wavelet.FILTERS`.
      levels: levels of details; a short clip has those that its length allows.

    Units are each "coefficient" (the default) and each "level": what is smooth is 0, details
    follow from coarse to fine.

    Raises:
      ValueError: for an unknown wavelet.
    """
    if kind not in wavelet.FILTERS:
        raise ValueError(f"no wavelet {kind!r}: there are {', '.join(wavelet.FILTERS)}")
    return Wavelets(whole(sample_rate, "sample_rate"), kind, whole(levels, "levels"))


@record(static=("sample_rate", "kind", "levels"))
class Wavelets:
    """See `wavelets`."""

    sample_rate: int
    kind: str
    levels: int
    name = "wavelets"
    hop = 1
    exact = True
    linear = True

    def analyse(self, audio: Array) -> Array:
        return wavelet.analyse(audio, wavelet=self.kind, levels=self.levels)

    def synthesise(self, features: Array, audio: Array) -> Array:
        check_shape(features, audio.shape, self.name, audio.shape[0])
        sound = wavelet.synthesise(features, wavelet=self.kind, levels=self.levels)
        return sound.astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        sizes = wavelet.band_sizes(shape[0], self.levels)
        level = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return {"coefficient": labels(*shape), "level": level}

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        return (Axis("coefficient", "", np.arange(float(shape[0]))),)
