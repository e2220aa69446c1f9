"""Spectra of frames of a waveform that is padded already, for the front ends of subjects."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def power_spectra(padded: Array, *, window: int, hop: int) -> Array:
    """Squared magnitudes of Hann-windowed frames, `[F, window // 2 + 1]`.

    Periodic window, no normalisation. Frame f starts at sample f * hop; a frame that would go
    beyond the end is left out.
    """
    count = (padded.shape[0] - window) // hop + 1
    index = np.arange(count)[:, None] * hop + np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = jnp.fft.rfft(padded[index] * jnp.asarray(hann, padded.dtype)[None])
    return spectrum.real**2 + spectrum.imag**2
