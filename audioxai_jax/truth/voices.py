"""Voices of five factors that are independent by construction, at coordinates around a neutral one.

A coordinate is how far a factor is from the neutral voice, in halves of its range: 0 is neutral,
-1 and 1 are the ends. See `source_filter` for why none of them changes another.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.truth import source_filter
from audioxai_jax.truth.recipe import RATE, SAMPLES

FACTORS = ("pitch", "envelope", "aperiodicity", "level", "rate")
"""Coordinates, in their order."""
NEUTRAL_PITCH, PITCH_OCTAVES = 150.0, 0.6
TUBE = (500.0, 1500.0, 2500.0, 3500.0, 4500.0)
"""Formants of a neutral tube of 17 cm, Hz."""
BANDWIDTHS = (80.0, 100.0, 130.0, 170.0, 220.0)
TUBE_OCTAVES = 0.25
"""Formants all rise as the tube gets shorter."""
NEUTRAL_SHARE, SHARE = 0.3, 0.28
"""Share of the breath in the energy."""
NEUTRAL_LEVEL_DB, LEVEL_DB = -26.0, 10.0
NEUTRAL_RATE, RATE_OCTAVES = 8.0, 0.7
"""Syllables a second."""
TILT, DEPTH, HARMONICS = 6.0, 0.7, 80


class Source(NamedTuple):
    """What no factor is of a clip: phases `[K]`, noise `[T]`, start of its syllables `[]`."""

    phases: Array
    noise: Array
    start: Array


def sources(random: np.random.Generator, count: int) -> Source:
    """Sources of clips, with a leading axis N; the noise has a flat spectrum and random phases."""
    phases = random.uniform(0, 2 * np.pi, (count, HARMONICS)).astype(np.float32)
    turns = np.exp(1j * random.uniform(0, 2 * np.pi, (count, SAMPLES // 2 + 1)))
    noise = (np.fft.irfft(turns, n=SAMPLES) * SAMPLES**0.5).astype(np.float32)
    start = random.uniform(0, 1, count).astype(np.float32)
    return Source(jnp.asarray(phases), jnp.asarray(noise), jnp.asarray(start))


def pitch(coordinates: Array) -> Array:
    """Fundamental frequency, Hz."""
    return NEUTRAL_PITCH * 2 ** (PITCH_OCTAVES * coordinates[0])


def formants(coordinates: Array) -> Array:
    """Centres of the formants, Hz, `[5]`."""
    return jnp.asarray(TUBE, coordinates.dtype) * 2 ** (TUBE_OCTAVES * coordinates[1])


def aperiodicity(coordinates: Array) -> Array:
    """Share of the breath in the energy."""
    return NEUTRAL_SHARE + SHARE * coordinates[2]


def level(coordinates: Array) -> Array:
    """RMS."""
    return 10 ** ((NEUTRAL_LEVEL_DB + LEVEL_DB * coordinates[3]) / 20)


def rate(coordinates: Array) -> Array:
    """Syllables a second."""
    return NEUTRAL_RATE * 2 ** (RATE_OCTAVES * coordinates[4])


def synthesise(coordinates: Array, source: Source) -> Array:
    """The voice of coordinates `[5]`, `[T]`; differentiable.

    Args:
      coordinates: how far each of `FACTORS` is from the neutral voice, in halves of its range.
      source: all else of the clip.
    """
    centres = formants(coordinates)
    widths = jnp.asarray(BANDWIDTHS, centres.dtype)

    def envelope(frequencies: Array) -> Array:
        filtered = source_filter.all_pole(frequencies, centres, widths, RATE)
        return filtered * source_filter.tilt(frequencies, jnp.asarray(TILT, centres.dtype))

    samples = source.noise.shape[-1]
    steady = pitch(coordinates)[None]
    gain = source_filter.syllables(rate(coordinates), source.start, samples, RATE, depth=DEPTH)
    harmonics = gain * source_filter.voiced(steady, envelope, source.phases, samples, RATE)
    noise = gain * source_filter.breath(source.noise, envelope, RATE)
    return source_filter.mixed(harmonics, noise, aperiodicity(coordinates), level(coordinates))
