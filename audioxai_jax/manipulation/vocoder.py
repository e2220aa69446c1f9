"""A phase vocoder that scales frequencies: time stays, and so does the length.

J. Laroche, M. Dolson, "Improved Phase Vocoder Time-Scale Modification of Audio", IEEE
Transactions on Speech and Audio Processing, 1999, with identity phase locking. Their stretched
sound, resampled to its old length, is

    y(n) = sum_m w(f u) sum_k A_mk exp(i (phi_mk + f omega_k u)),   u = n - m hop,

over the sum of the squared windows, with f the factor, omega_k = 2 pi k / window, and phases
that advance by f hop times each bin's instantaneous frequency from frame to frame. Sums over
frequencies above half the sample rate are left out, so nothing is aliased. Written like this,
the factor is an array as any other: one compilation serves all.

Where f < 1, the band above f times half the sample rate has no source. The mirror images of the
spectrum fill it, as in J. Makhoul, M. Berouti, "High-Frequency Regeneration in Speech Coding
Systems", ICASSP 1979 (spectral folding).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import record

OVERLAP = 8
"""Frames per window; factors up to 2 make the window shorter, and leave 4."""


@record()
class Frames:
    """Frames of a sound, centred on every `hop`th sample; W bins around the whole circle.

    Attributes:
      magnitude: `[M, W]`.
      phase: phase at the centre, radians, `[M, W]`.
      frequency: instantaneous, radians a sample, from 0 to 2 pi, `[M, W]`.
    """

    magnitude: Array
    phase: Array
    frequency: Array


def analyse(audio: Array, window: int) -> Frames:
    """Frames of a waveform `[T]`, every `window / OVERLAP` samples, Hann-windowed."""
    audio = as_audio(audio)
    hop = window // OVERLAP
    frames = -(-audio.shape[0] // hop) + 1
    after = (frames - 1) * hop + window - window // 2 - audio.shape[0]
    padded = jnp.pad(audio, (window // 2, after))
    index = np.arange(frames)[:, None] * hop + np.arange(window)
    pieces = padded[index] * jnp.asarray(_hann(np.arange(window) - window / 2, window), audio.dtype)
    spectrum = jnp.fft.fft(jnp.fft.ifftshift(pieces, axes=-1))
    phase = jnp.angle(spectrum)
    centre = jnp.asarray(_centres(window), audio.dtype)
    before = jnp.concatenate([phase[:1] - hop * centre, phase[:-1]])
    return Frames(
        magnitude=jnp.abs(spectrum),
        phase=phase,
        frequency=centre + _wrap(phase - before - hop * centre) / hop,
    )


def synthesise(frames: Frames, factor: Array, samples: int) -> Array:
    """The waveform `[samples]` of frames whose frequencies are scaled by a factor in [0.5, 2].

    With a factor of 1 and frames as they were analysed, it is the sound that was analysed.
    """
    number, window = frames.phase.shape
    hop = window // OVERLAP
    scaled = factor * jnp.asarray(_centres(window), frames.phase.dtype)
    share = jnp.where(scaled < np.pi, 2.0, jnp.where(scaled == np.pi, 1.0, 0.0)) / window
    share = jnp.where(scaled == 0, 1 / window, share)
    offset = np.arange(-window, window)
    waves = jnp.exp(1j * scaled[:, None] * offset)
    spectrum = share * frames.magnitude * jnp.exp(1j * locked_phases(frames, factor, hop))
    weight = _hann(factor * offset, window).astype(frames.phase.dtype)
    index = np.arange(number)[:, None] * hop + np.arange(2 * window)
    total = jnp.zeros((number - 1) * hop + 2 * window, frames.phase.dtype)
    pieces = jnp.matmul(spectrum, waves, precision="highest").real
    added = total.at[index].add(pieces * weight)
    square = total.at[index].add(weight**2)
    inside = slice(window, window + samples)
    return added[inside] / square[inside]


def locked_phases(frames: Frames, factor: Array, hop: int) -> Array:
    """Phases at the centres of frames whose frequencies are scaled, `[M, W]`.

    The phase of a peak advances by its scaled frequency; bins around it keep their phases
    relative to it, so that a harmonic stays one tone.
    """
    nearest = nearest_peaks(frames.magnitude)

    def advance(before: Array, frame: tuple[Array, Array, Array]):
        phase, frequency, nearest = frame
        turned = before + hop * factor * frequency - phase
        phase = _wrap(phase + turned[nearest])
        return phase, phase

    first = frames.phase[0] - hop * factor * frames.frequency[0]
    _, phases = jax.lax.scan(advance, first, (frames.phase, frames.frequency, nearest))
    return phases


def nearest_peaks(magnitude: Array) -> Array:
    """For each bin `[..., W]`, the nearest one that no bin up to two away exceeds."""
    number = magnitude.shape[-1]
    around = jnp.stack([jnp.roll(magnitude, shift, axis=-1) for shift in (-2, -1, 1, 2)])
    peak = magnitude >= jnp.max(around, axis=0)
    index = jnp.arange(number)
    axis = magnitude.ndim - 1
    left = jax.lax.cummax(jnp.where(peak, index, -number), axis=axis)
    right = jax.lax.cummin(jnp.where(peak, index, 2 * number), axis=axis, reverse=True)
    return jnp.clip(jnp.where(index - left <= right - index, left, right), 0, number - 1)


def _centres(window: int) -> np.ndarray:
    return 2 * np.pi * np.arange(window) / window


def _hann(offset, window: int):
    """A Hann window at offsets from its centre, 0 beyond half its length."""
    where = abs(offset) < window / 2
    numbers = jnp if isinstance(offset, Array) else np
    return numbers.where(where, 0.5 + 0.5 * numbers.cos(2 * np.pi * offset / window), 0.0)


def _wrap(phase: Array) -> Array:
    return phase - 2 * np.pi * jnp.round(phase / (2 * np.pi))
