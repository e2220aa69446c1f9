"""Mel bands and log-mel spectrograms."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.transforms.stft import magnitude_spectrogram


def mel_bands(
    centres: np.ndarray, bands: int, *, lowest: float = 20.0, highest: float = 8000.0
) -> np.ndarray:
    """Triangular bands of height 1, evenly spaced on the mel scale 2595 log10(1 + f/700).

    Args:
      centres: frequency of each bin, Hz, `[bins]`.
      bands: how many.
      lowest, highest: outer feet of the first and the last triangle, Hz.

    Returns:
      Weights `[bins, bands]`. A band narrower than the bins' spacing may be empty.
    """

    feet = _evenly(bands + 2, lowest, highest)
    low, middle, high = feet[:-2], feet[1:-1], feet[2:]
    f = np.asarray(centres)[:, None]
    rising, falling = (f - low) / (middle - low), (high - f) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))


def mel_centres(bands: int, *, lowest: float = 20.0, highest: float = 8000.0) -> np.ndarray:
    """Where the triangles of `mel_bands` are highest, Hz, `[bands]`."""
    return _evenly(bands + 2, lowest, highest)[1:-1]


def to_mel(frequency: np.ndarray | float) -> np.ndarray:
    """`2595 log10(1 + f / 700)` of Hz."""
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


def log_mel(
    audio: Array,
    *,
    sample_rate: int,
    bands: int = 64,
    window: int = 512,
    hop: int = 128,
    floor: float = 1e-3,
) -> Array:
    """`log(mel + floor)` of a waveform `[T]`: `[ceil(T / hop), bands]`, natural logarithm.

    Mel bands of the magnitudes of a Hann-windowed STFT, 20 Hz to half the sample rate. Raises
    as `magnitude_spectrogram`.
    """
    audio = as_audio(audio)
    magnitude = magnitude_spectrogram(audio, window=window, hop=hop)
    centres = np.arange(window // 2 + 1) * sample_rate / window
    weights = mel_bands(centres, bands, highest=sample_rate / 2)
    return jnp.log(magnitude @ jnp.asarray(weights, audio.dtype) + floor)


def _evenly(count: int, lowest: float, highest: float) -> np.ndarray:
    """Frequencies evenly spaced on the mel scale, Hz, both ends included."""
    return 700 * (10 ** (np.linspace(to_mel(lowest), to_mel(highest), count) / 2595) - 1)
