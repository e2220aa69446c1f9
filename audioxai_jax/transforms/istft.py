"""A complex short-time Fourier transform and its inverse.

The inverse is the least-squares one of D. Griffin, J. Lim, "Signal Estimation from Modified
Short-Time Fourier Transform", IEEE Transactions on Acoustics, Speech, and Signal Processing,
1984, equation 6: x(n) = sum_f w(n - f hop) y_f(n) / sum_f w(n - f hop)^2. It inverts `analyse`
exactly, whatever the window, as long as the windows leave no sample out.
"""

import dataclasses

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.transforms.frames import Window, place


@relaxed()
def analyse(audio: Array, *, window: Window, hop: int, before: int | None = None) -> Array:
    """STFT of a waveform `[T]`, complex `[F, L // 2 + 1]` for windows `[L]`.

    With a rectangle and a hop of one window, frames are blocks side by side.

    Args:
      window, hop, before: see `frames.place`, such as `window=("hann", 512), hop=128`.

    Raises:
      ValueError: for audio that is no `[T]`, or frames that leave samples out.
    """
    audio = as_audio(audio)
    frames = place(audio.shape[0], window=window, hop=hop, before=before)
    return jnp.fft.rfft(frames.cut(audio) * jnp.asarray(frames.window, audio.dtype))


@relaxed()
def synthesise(
    spectrum: Array, samples: int, *, window: Window, hop: int, before: int | None = None
) -> Array:
    """The waveform `[samples]` of an STFT `[F, L // 2 + 1]`; inverts `analyse`.

    Of an edited spectrum, which need not be the STFT of any sound, it is the waveform whose
    STFT is nearest in squares.

    Raises:
      ValueError: if the spectrum's shape is not that of such a waveform, or as `analyse`.
    """
    frames = place(samples, window=window, hop=hop, before=before)
    width = frames.window.size
    if spectrum.shape != (frames.count, width // 2 + 1):
        raise ValueError(
            f"the spectrum is {list(spectrum.shape)}, expected {[frames.count, width // 2 + 1]} "
            f"for {samples} samples, window {width} and hop {hop}"
        )
    pieces = jnp.fft.irfft(spectrum, n=width)
    added = frames.add(pieces * jnp.asarray(frames.window, pieces.dtype))
    squares = dataclasses.replace(frames, window=frames.window**2).cover()
    if squares.min() < 1e-3 * squares.max():
        raise ValueError(
            f"windows of {width} samples at every {hop} hardly see some samples, so they cannot be "
            "inverted: choose a smaller hop, or more zeros before"
        )
    return added / jnp.asarray(squares, added.dtype)
