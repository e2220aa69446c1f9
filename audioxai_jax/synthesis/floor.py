"""A faint noise floor for sounds that people hear.

What an edit leaves out is digital silence, which no recording has: gaps click and draw attention
to themselves. Faint noise with the spectrum of speech, equal in all sounds of a clip, hides the
gaps and favours none of the sounds. Models hear the sounds without it.

The noise has a long-term average speech spectrum in broad strokes: flat up to 500 Hz, then falling
by 9 dB per octave, as D. Byrne et al., "An international comparison of long-term average speech
spectra", J. Acoust. Soc. Am. 96 (4), 2108-2120, 1994, measured it in 12 languages.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checks import as_audio, check_number, whole
from audioxai_jax.core.programs import compiled
from audioxai_jax.synthesis.levels import rms

LOWEST_HZ = 80.0
"""The noise has nothing below."""
CORNER_HZ = 500.0
"""Its spectrum is flat up to here."""
SLOPE_DB = 9.0
"""Fall per octave above, dB."""
LEAST_RATE = 200
"""Lowest sample rate, Hz: below it, nothing of the spectrum is left."""


def speech_noise(samples: int, sample_rate: int, key: Array) -> Array:
    """Noise with the spectrum of speech, of unit RMS.

    White Gaussian noise, shaped in the frequency domain: with `LOWEST_HZ`, `CORNER_HZ` and
    `SLOPE_DB`, the gain at f Hz is 0 below 80 Hz, 1 up to 500 Hz, and then `-9 log2(f / 500)` dB.
    It is made in whole seconds and cut, so that a clip shorter than a period of 80 Hz has a floor,
    too.

    Args:
      samples: length T, from 1 up; static under `jit`.
      sample_rate: Hz, from 200 up; static under `jit`.
      key: random key.

    Returns:
      Noise, float32 `[T]`; over the whole of it the RMS is 1.

    Raises:
      TypeError (also a ValueError): for a length or rate that is not a whole number.
      ValueError: for a length below 1 or a rate below 200 Hz.
    """
    samples = whole(samples, "samples")
    rate = whole(sample_rate, "sample_rate", LEAST_RATE)
    length = math.ceil(samples / rate) * rate
    gain = speech_gain(np.fft.rfftfreq(length, 1 / rate)).astype(np.float32)
    return _shaped_noise(key, gain, length, samples)


def speech_gain(hertz: np.ndarray) -> np.ndarray:
    """Gain of the spectrum of `speech_noise` at frequencies in Hz, float64; 1 where it is flat."""
    octaves = np.log2(np.maximum(hertz, CORNER_HZ) / CORNER_HZ)
    return np.where(hertz < LOWEST_HZ, 0, 10 ** (-SLOPE_DB * octaves / 20))


def floor(audio: Any, level_db: float | Array, sample_rate: int, key: Array) -> Array:
    """The noise floor of a clip: `speech_noise`, so and so far below the clip.

    One floor serves all sounds of the clip: it is made from the original and added to each.

    Args:
      audio: original clip `[T]`.
      level_db: RMS of the noise relative to that of the clip, dB; at most 0, such as -30.
      sample_rate: Hz, from 200 up; static under `jit`.
      key: random key.

    Returns:
      Noise `[T]`, dtype of the clip; silence if the clip is silent.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point, or a level that is not
        a number.
      ValueError: for anything but one waveform, a rate below 200 Hz, or a known level that is not
        finite or above 0 dB.
    """
    audio = as_audio(audio)
    check_number(level_db, "level_db", "a level in dB")
    if not isinstance(level_db, Tracer) and not -math.inf < float(level_db) <= 0:
        raise ValueError(f"level_db must be a finite level of at most 0 dB, got {level_db}")
    noise = speech_noise(audio.shape[0], sample_rate, key)
    return _below(audio, noise, level_db)


def _noise(key: Array, gain: Array, length: int, samples: int) -> Array:
    """White noise of some length, with gains of its bins, cut to its first samples."""
    white = jnp.fft.rfft(jax.random.normal(key, (length,), jnp.float32))
    noise = jnp.fft.irfft(white * gain, n=length)[:samples]
    return noise / rms(noise)


def _scaled(audio: Array, noise: Array, level_db: float | Array) -> Array:
    """Noise of unit RMS, at a level relative to the audio."""
    ratio = 10 ** (jnp.asarray(level_db, jnp.float32) / 20)
    return (rms(audio).astype(jnp.float32) * ratio * noise).astype(audio.dtype)


_shaped_noise = compiled(_noise, static_argnums=(2, 3))
_below = compiled(_scaled)
