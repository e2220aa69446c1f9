"""Short-time Fourier magnitudes."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats


def magnitude_spectrogram(audio: Array, *, window: int, hop: int) -> Array:
    """Magnitudes of the STFT of a waveform `[T]`: `[ceil(T / hop), window // 2 + 1]`.

    Periodic Hann window, not normalised. Frame i is centred on sample (i + 1/2) * hop;
    the signal counts as zero outside.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point.
      ValueError: for audio that is no `[T]`, or without samples.
    """
    audio = as_audio(audio)
    frames = -(-audio.shape[0] // hop)
    before = (window - hop) // 2
    padded = jnp.pad(audio, (before, max(0, (frames - 1) * hop + window - before - audio.shape[0])))
    index = np.arange(frames)[:, None] * hop + np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = jnp.fft.rfft(padded[index] * jnp.asarray(hann, audio.dtype)[None])
    return safe_magnitude(spectrum)


def padded_spectrogram(audio: Array, *, window: int, hop: int) -> Array:
    """Magnitudes of the STFT as `scipy.signal.stft` has it, `[F, window // 2 + 1]`.

    Periodic Hann window, divided by its sum, so that a sinusoid has half its amplitude. Frame
    i is centred on sample i * hop; zeros at both ends make the last frame whole. Raises as
    `magnitude_spectrogram`.
    """
    audio = as_audio(audio)
    before, length = window // 2, audio.shape[0] + 2 * (window // 2)
    missing = -(length - window) % hop
    padded = jnp.pad(audio, (before, before + missing))
    frames = (length + missing - window) // hop + 1
    index = np.arange(frames)[:, None] * hop + np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return safe_magnitude(
        jnp.fft.rfft(padded[index] * jnp.asarray(hann / hann.sum(), audio.dtype)[None])
    )


def decibels(magnitude: Array, *, range_db: float = 80.0, least: float = 1e-5) -> Array:
    """Level relative to the loudest entry, `-range_db` to 0, as `librosa.amplitude_to_db` has it.

    Args:
      magnitude: amplitudes, any shape.
      range_db: floor relative to the loudest value, dB; quieter values are raised to it.
      least: amplitudes below count as this. So silence is 0 dB everywhere.
    """
    level = 20 * jnp.log10(jnp.maximum(as_floats(magnitude, "magnitude"), least))
    return jnp.maximum(level - jnp.max(level), -range_db)


def safe_magnitude(spectrum: Array) -> Array:
    """`|spectrum|` whose gradient at 0 is 0 rather than NaN."""
    square = spectrum.real**2 + spectrum.imag**2
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))
