"""A bank of filters whose bands add up to the sound again.

Band b of a waveform is its Fourier transform times w_b(f), all in one go over the clip. From one
centre to the next, w_b falls as a cosine and w_(b+1) rises as a sine over the mel scale, so that
sum_b w_b^2 = 1. Synthesis filters each band by its own w_b again and adds: exact, and the
transpose of the analysis (a tight frame: the squares of all bands sum to those of the samples).
The clip counts as periodic: what a filter spreads beyond one end comes in at the other.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.transforms.mel import mel_centres, to_mel


def centres(bands: int, sample_rate: int) -> np.ndarray:
    """Centre frequencies, Hz, at equal steps of the mel scale from 0 to half the sample rate.

    The first is half a step from the lower end, the last half a step from the upper one.
    """
    return mel_centres(2 * bands - 1, lowest=0.0, highest=sample_rate / 2)[::2]


def windows(frequencies: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """w_b of each frequency, `[K, B]`: below the first centre and above the last it stays 1."""
    place = np.interp(to_mel(frequencies), to_mel(centres), np.arange(centres.size))
    distance = np.abs(place[:, None] - np.arange(centres.size))
    return np.cos(np.pi / 2 * np.minimum(distance, 1)) * (distance < 1)


def analyse(audio: Array, *, sample_rate: int, centres: np.ndarray) -> Array:
    """Bands `[T, B]` of a waveform `[T]`.

    Raises:
      ValueError: for audio that is no `[T]`, or without samples.
    """
    audio = as_audio(audio)
    spectrum = jnp.fft.rfft(audio)[:, None] * _weights(audio, sample_rate, centres)
    return jnp.fft.irfft(spectrum, n=audio.shape[0], axis=0)


def synthesise(bands: Array, *, sample_rate: int, centres: np.ndarray) -> Array:
    """The waveform `[T]` of bands `[T, B]`; inverts `analyse`."""
    spectrum = jnp.fft.rfft(bands, axis=0) * _weights(bands, sample_rate, centres)
    return jnp.fft.irfft(jnp.sum(spectrum, axis=1), n=bands.shape[0])


def _weights(like: Array, sample_rate: int, centres: np.ndarray) -> Array:
    count = like.shape[0]
    frequencies = np.arange(count // 2 + 1) * sample_rate / count
    return jnp.asarray(windows(frequencies, centres), like.dtype)
