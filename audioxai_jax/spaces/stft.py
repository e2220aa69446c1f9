"""Short-time Fourier magnitudes."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def magnitude_spectrogram(audio: Array, *, window: int, hop: int) -> Array:
    """Magnitudes of the STFT of a waveform `[T]`: `[ceil(T / hop), window // 2 + 1]`.

    Periodic Hann window, not normalised. Frame i is centred on sample (i + 1/2) * hop;
    the signal counts as zero outside.
    """
    frames = -(-audio.shape[0] // hop)
    before = (window - hop) // 2
    padded = jnp.pad(audio, (before, max(0, (frames - 1) * hop + window - before - audio.shape[0])))
    index = np.arange(frames)[:, None] * hop + np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = jnp.fft.rfft(padded[index] * jnp.asarray(hann, audio.dtype))
    return safe_magnitude(spectrum)


def safe_magnitude(spectrum: Array) -> Array:
    """`|spectrum|` whose gradient at 0 is 0 rather than NaN."""
    square = spectrum.real**2 + spectrum.imag**2
    zero = square == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, square)))
