"""The frequencies of the whole clip: its discrete Fourier transform, orthonormal."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import (
    PARTS,
    as_complex,
    as_pairs,
    check_shape,
    labels,
    pair_size,
)
from audioxai_jax.domains.protocol import Axis, Domain


def frequencies(sample_rate: int) -> Domain:
    """The Fourier transform of a clip `[T]` as pairs `[T // 2 + 1, 2]`.

    X_k = s_k sum_t x_t exp(-2 pi i k t / T), with s = sqrt(2 / T), and sqrt(1 / T) for the mean
    (k = 0) and, of an even T, for the highest frequency (k = T / 2). So the sum of all squared
    features is that of all squared samples (Parseval): the features are orthonormal coordinates.
    Imaginary parts of the mean and of an even T's highest frequency are 0 and are not heard.

    The unit is a "frequency": both parts of a pair.

    >>> frequencies(8).analyse(jnp.array([1.0, 0, -1, 0, 1, 0, -1, 0]))[:, 0].tolist()
    [0.0, 0.0, 2.0, 0.0, 0.0]
    """
    return Frequencies(whole(sample_rate, "sample_rate"))


@record(static=("sample_rate",))
class Frequencies:
    """See `frequencies`."""

    sample_rate: int
    name = "frequencies"
    hop = 1
    exact = True
    linear = True

    def analyse(self, audio: Array) -> Array:
        audio = as_audio(audio)
        scale = _scale(audio.shape[0])[:, None]
        return as_pairs(jnp.fft.rfft(audio)) * jnp.asarray(scale, audio.dtype)

    def synthesise(self, features: Array, audio: Array) -> Array:
        count = audio.shape[0]
        check_shape(features, (count // 2 + 1, 2), self.name, count)
        scale = jnp.asarray(1 / _scale(count)[:, None], features.dtype)
        return jnp.fft.irfft(as_complex(features * scale), n=count).astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return pair_size(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        return {"frequency": labels(shape[0], 1)}

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        """Those of an even T; the shape is that of T + 1 samples too, which are lower by 1 / T."""
        highest = max(1, 2 * (shape[0] - 1))
        values = np.arange(shape[0]) * self.sample_rate / highest
        return Axis("frequency", "Hz", values), PARTS


def _scale(count: int) -> np.ndarray:
    scale = np.full(count // 2 + 1, np.sqrt(2 / count))
    scale[0] = np.sqrt(1 / count)
    if count % 2 == 0:
        scale[-1] = np.sqrt(1 / count)
    return scale
