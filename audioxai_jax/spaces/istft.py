"""A complex short-time Fourier transform and its inverse.

The inverse is the least-squares one of D. Griffin, J. Lim, "Signal Estimation from Modified
Short-Time Fourier Transform", IEEE Transactions on Acoustics, Speech, and Signal Processing,
1984, equation 6: x(n) = sum_i w(n - i hop) y_i(n) / sum_i w(n - i hop)^2. It inverts `analyse`
exactly, whatever the window, as long as the windows leave no sample out.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

SHAPES = ("hann", "rectangle")


def analyse(audio: Array, *, window: int, hop: int, shape: str = "hann") -> Array:
    """STFT of a waveform `[T]`, complex `[ceil(T / hop), window // 2 + 1]`.

    Frame i is centred on sample (i + 1/2) * hop, as in `spaces.stft`; the signal counts as
    zero outside. With a rectangle and a hop of one window, frames are blocks side by side.

    Args:
      window, hop: samples.
      shape: "hann", a periodic Hann window, or "rectangle".

    Raises:
      ValueError: for audio that is no `[T]`, an unknown shape, or windows that leave samples out.
    """
    if audio.ndim != 1:
        raise ValueError(f"audio must be a waveform [T], got {list(audio.shape)}")
    overlap(audio.shape[0], window, hop, shape)
    index, before, total = _layout(audio.shape[0], window, hop)
    padded = jnp.pad(audio, (before, total - before - audio.shape[0]))
    return jnp.fft.rfft(padded[index] * jnp.asarray(_window(window, shape), audio.dtype))


def synthesise(
    spectrum: Array, samples: int, *, window: int, hop: int, shape: str = "hann"
) -> Array:
    """The waveform `[samples]` of an STFT `[F, K]`; inverts `analyse` of the same settings.

    Of a spectrum that was edited, and is no sound's STFT any more, it is the waveform whose
    STFT is nearest in squares.

    Raises:
      ValueError: if the spectrum's shape is not that of such a waveform, or as `analyse`.
    """
    square = overlap(samples, window, hop, shape)
    index, before, total = _layout(samples, window, hop)
    if spectrum.shape != (len(index), window // 2 + 1):
        raise ValueError(
            f"the spectrum is {list(spectrum.shape)}, expected {[len(index), window // 2 + 1]} "
            f"for {samples} samples, window {window} and hop {hop}"
        )
    frames = jnp.fft.irfft(spectrum, n=window)
    frames = frames * jnp.asarray(_window(window, shape), frames.dtype)
    added = jnp.zeros(total, frames.dtype).at[index].add(frames)
    return added[before : before + samples] / jnp.asarray(square, frames.dtype)


def overlap(samples: int, window: int, hop: int, shape: str) -> np.ndarray:
    """Sum of the squared windows at each sample, `[samples]`; errors as in `analyse`."""
    if shape not in SHAPES:
        raise ValueError(f"unknown window {shape!r}: choose one of {', '.join(SHAPES)}")
    if window < 1 or hop < 1 or samples < 1:
        raise ValueError(f"window, hop and samples are above 0, got {window}, {hop}, {samples}")
    index, before, total = _layout(samples, window, hop)
    weights = np.tile(_window(window, shape) ** 2, len(index))
    square = np.bincount(index.ravel(), weights, minlength=total)[before : before + samples]
    if np.min(square) < 1e-3 * np.max(square):
        raise ValueError(
            f"{shape} windows of {window} samples at every {hop} leave samples out, so they "
            "cannot be inverted: choose a smaller hop, half the window or less for hann"
        )
    return square


def _layout(samples: int, window: int, hop: int) -> tuple[np.ndarray, int, int]:
    """Sample of each frame's entries `[F, window]` in the padded signal, zeros before, length."""
    frames = -(-samples // hop)
    before = max(0, window - hop) // 2
    total = max((frames - 1) * hop + window, before + samples)
    return np.arange(frames)[:, None] * hop + np.arange(window), before, total


def _window(window: int, shape: str) -> np.ndarray:
    if shape == "rectangle":
        return np.ones(window)
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
