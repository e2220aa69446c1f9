"""The short-time Fourier transform and its inverse, for spectra that are changed in between.

D. Griffin, J. Lim, "Signal Estimation from Modified Short-Time Fourier Transform", IEEE TASSP
1984, equation 6: blocks are windowed before and after, and their sum is divided by that of the
squared windows, which is the waveform closest to the spectra. Where nothing is changed it is the
waveform itself; where gains change, windows fade one block into the next.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array


def analyse(audio: Array, *, window: int, hop: int) -> Array:
    """Spectra of a waveform `[T]`, complex `[ceil(T / hop), window // 2 + 1]`.

    Frame i is centred on sample (i + 1/2) * hop; the signal counts as zero outside. The window
    is the square root of a periodic Hann window, shifted by half a sample.

    Raises:
      ValueError: for an odd window, or one that is shorter than two hops.
    """
    index, before, padded = _layout(audio.shape[0], window, hop)
    waveform = jnp.pad(audio, (before, padded - before - audio.shape[0]))
    return jnp.fft.rfft(waveform[index] * jnp.asarray(_sine(window), audio.dtype))


def synthesise(spectra: Array, *, hop: int, length: int) -> Array:
    """The waveform `[length]` of spectra `[F, window // 2 + 1]`; inverts `analyse`.

    Raises:
      ValueError: as `analyse`, or for a number of frames that does not fit the length.
    """
    window = 2 * (spectra.shape[1] - 1)
    index, before, padded = _layout(length, window, hop)
    if spectra.shape[0] != index.shape[0]:
        raise ValueError(
            f"{spectra.shape[0]} frames for {length} samples: with a hop of {hop} there are "
            f"{index.shape[0]}"
        )
    blocks = jnp.fft.irfft(spectra, n=window)
    blocks = blocks * jnp.asarray(_sine(window), blocks.dtype)
    squares = np.tile(_sine(window) ** 2, index.shape[0])
    total = np.bincount(index.ravel(), squares, minlength=padded)
    added = jnp.zeros(padded, blocks.dtype).at[index].add(blocks)[before : before + length]
    return added / jnp.asarray(total[before : before + length], blocks.dtype)


def _layout(length: int, window: int, hop: int) -> tuple[np.ndarray, int, int]:
    """Samples of each block `[F, window]`, zeros before the waveform, and samples in all."""
    if window % 2 or window < 2 * hop:
        raise ValueError(
            f"a window of {window} samples and a hop of {hop} do not invert: the window must be "
            "even, and two hops long or longer"
        )
    frames = -(-length // hop)
    before = (window - hop) // 2
    index = np.arange(frames)[:, None] * hop + np.arange(window)
    return index, before, max(before + length, (frames - 1) * hop + window)


def _sine(window: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(window) + 0.5) / window)
