"""The fundamental moves, the formants stay: does a model hear the pitch, or the vocal tract?

Scaling the frequency axis, as arXiv 1807.03418 does, moves both. Here a spectrum is split into
its envelope (see `transforms.cepstrum`) and its fine structure, the harmonics; the fine structure
is scaled alone:

    log|Y(f)| = envelope(f) + fine(f / factor),    fine = log|X| - envelope

As in A. Roebel, X. Rodet, "Efficient Spectral Envelope Estimation and its Application to Pitch
Shifting and Envelope Preservation", DAFx 2005. Above `factor` times the highest frequency, if
the factor is below 1, the fine structure ends: its mirror image stands in.
"""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats
from audioxai_jax.manipulation import vocoder
from audioxai_jax.transforms.cepstrum import QUEFRENCY, envelope_at, true_envelope

WINDOW = 0.064
"""Seconds, rounded to a power of two of samples: tells harmonics 63 Hz and more apart."""

SMALLEST, LARGEST = 0.5, 2.0


def shift_fundamental(
    audio: Array, factor: float | Array, sample_rate: int, *, quefrency: float = QUEFRENCY
) -> Array:
    """A voice whose fundamental is `factor` times as high, with its formants where they were.

    A phase vocoder scales frequencies, and each frame gets its old envelope back.

    Args:
      audio: waveform `[T]`, floating point.
      factor: factor in [0.5, 2]; may be traced, so that each clip of a batch can have its own.
      sample_rate: Hz.
      quefrency: quefrency of the envelope, seconds; see `transforms.cepstrum`.

    Returns:
      A waveform `[T]` of the same energy; with a factor of 1 the clip itself, but for rounding.
      Silence stays silent. NaN throughout for a traced factor out of range. Phases between
      harmonics are not kept, so the waveform of a period changes.

    Raises:
      ValueError: for a factor out of range, audio that is not floating point `[T]`, or a sample
        rate so low that a lifter keeps nothing.
    """
    _check(factor)
    audio = as_audio(audio)
    factor = jnp.asarray(factor, audio.dtype)
    window = 2 ** round(math.log2(WINDOW * sample_rate))
    frames = vocoder.analyse(audio, window)
    half = frames.magnitude[:, : window // 2 + 1]
    floor = 1e-5 * jnp.max(half) + jnp.finfo(audio.dtype).tiny
    envelope = true_envelope(
        jnp.log(jnp.maximum(half, floor)), bin_hz=sample_rate / window, quefrency=quefrency
    )
    position = jnp.asarray(2 * np.arange(window) / window, audio.dtype)
    gain = jnp.exp(envelope_at(envelope, factor * position) - envelope_at(envelope, position))
    frames = dataclasses.replace(frames, magnitude=frames.magnitude * gain)
    moved = vocoder.synthesise(frames, factor, audio.shape[0])
    energy = jnp.sum(moved**2)
    level = jnp.sqrt(jnp.sum(audio**2) / jnp.where(energy > 0, energy, 1.0))
    return jnp.where(_in_range(factor), level * moved, jnp.nan)


def shift_fundamental_db(
    spectrogram: Array,
    factor: float | Array,
    *,
    bin_hz: float,
    floor: float = -80.0,
    quefrency: float = QUEFRENCY,
) -> Array:
    """`shift_fundamental` of a spectrogram in dB, without the trip through a sound.

    Args:
      spectrogram: `[K, F]`, frequency first, from 0 Hz in equal steps.
      factor: factor in [0.5, 2]; may be traced.
      bin_hz: the step, Hz.
      floor: values below are raised to it, dB.
      quefrency: quefrency of the envelope, seconds.

    Returns:
      `[K, F]`. Harmonics become wider or narrower with the factor. NaN throughout for a traced
      factor out of range.

    Raises:
      ValueError: as `shift_fundamental`.
    """
    _check(factor)
    spectrogram = as_floats(spectrogram, "the spectrogram")
    if spectrogram.ndim != 2:
        raise ValueError(f"the spectrogram must be [K, F], got {list(spectrogram.shape)}")
    factor = jnp.asarray(factor, spectrogram.dtype)
    last = spectrogram.shape[0] - 1
    columns = spectrogram.T
    coefficients = true_envelope(columns, bin_hz=bin_hz, quefrency=quefrency)
    envelope = envelope_at(coefficients, np.arange(last + 1) / last)
    fine = columns - envelope
    source = np.arange(last + 1) / factor
    source = jnp.where(source > last, 2 * last - source, source)
    low = jnp.clip(jnp.floor(source), 0, last).astype(jnp.int32)
    share = source - low
    moved = (1 - share) * fine[:, low] + share * fine[:, jnp.minimum(low + 1, last)]
    return jnp.where(_in_range(factor), jnp.maximum(envelope + moved, floor).T, jnp.nan)


def _check(factor: float | Array) -> None:
    if not isinstance(factor, Array) and not SMALLEST <= factor <= LARGEST:
        raise ValueError(f"the factor must be between {SMALLEST} and {LARGEST}, got {factor}")


def _in_range(factor: Array) -> Array:
    return (factor >= SMALLEST) & (factor <= LARGEST)
