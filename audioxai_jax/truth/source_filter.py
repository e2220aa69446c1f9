"""Voices of a source and a filter: harmonics and breath, both through one envelope of formants.

G. Fant, "Acoustic Theory of Speech Production", 1960; the resonators of D. Klatt, "Software for a
cascade/parallel formant synthesizer", JASA 1980. The k-th harmonic of a pitch f(t) has the
amplitude that the envelope has at k f(t), and white noise is filtered by the same envelope:

    x(t) = g (sqrt(1 - a) h(t) + sqrt(a) n(t)),   h(t) = sum_k E(k f(t)) cos(k phi(t) + phi_k)

with h and n of unit RMS and at right angles. So the level g and the share a of the breath in the
energy are exact, whatever the pitch, the formants and the timing are. All is differentiable.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Envelope = Callable[[Array], Array]
"""Frequencies in Hz to amplitudes, of any shape."""
BLOCK = 8
"""Harmonics that are made at once."""


def resonance(frequencies: Array, centre: Array, bandwidth: Array, rate: int) -> Array:
    """Magnitude of a pair of poles, 1 at 0 Hz.

    Args:
      frequencies: points of the spectrum, Hz, any shape.
      centre, bandwidth: place and width of the formant, Hz; they broadcast to `frequencies`.
      rate: sample rate, Hz.

    The poles are exp(-pi B / rate +- 2 pi i F / rate), as with Klatt.
    """
    radius = jnp.exp(-jnp.pi * bandwidth / rate)

    def distance(angle: Array) -> Array:
        """Squared distance of a point of the unit circle to a pole, safe next to it."""
        return (1 - radius) ** 2 + 4 * radius * jnp.sin(jnp.pi * angle / rate) ** 2

    both = distance(frequencies - centre) * distance(frequencies + centre)
    return distance(centre) / jnp.sqrt(both)


def all_pole(frequencies: Array, formants: Array, bandwidths: Array, rate: int) -> Array:
    """Magnitude of all formants one after the other, 1 at 0 Hz.

    Args:
      frequencies: Hz, any shape.
      formants, bandwidths: Hz, `[F]`.
      rate: sample rate, Hz.
    """
    one = jnp.asarray(frequencies)[..., None]
    return jnp.prod(resonance(one, formants, bandwidths, rate), axis=-1)


def side_by_side(
    frequencies: Array, formants: Array, bandwidths: Array, gains: Array, rate: int
) -> Array:
    """Magnitude of formants side by side, whose powers add: each peak has the height it is given.

    Where one formant is does not change the levels of the others, as it does in `all_pole`.

    Args:
      frequencies: Hz, any shape.
      formants, bandwidths: Hz, `[F]`.
      gains: magnitude of each at its own centre, `[F]`.
      rate: sample rate, Hz.
    """
    one = jnp.asarray(frequencies)[..., None]
    peaks = resonance(formants, formants, bandwidths, rate)
    shapes = resonance(one, formants, bandwidths, rate) / peaks
    return jnp.sqrt(jnp.sum((gains * shapes) ** 2, axis=-1))


def tilt(frequencies: Array, decibels: Array) -> Array:
    """Gain with a slope above 100 Hz, `decibels` an octave downwards, 1 at 1 kHz."""
    octaves = jnp.log2(jnp.maximum(frequencies, 100.0) / 1000.0)
    return 10.0 ** (-decibels * octaves / 20)


def contour(values: Array, samples: int) -> Array:
    """Straight lines through points that lie evenly from the first sample to the last.

    Args:
      values: value at each point, `[.., P]`; of a single point it stays.
      samples: number of samples T of the result, `[.., T]`.
    """
    points = values.shape[-1]
    if points == 1:
        return jnp.broadcast_to(values, (*values.shape[:-1], samples))
    place = np.linspace(0, points - 1, samples)
    hats = np.maximum(0, 1 - np.abs(place - np.arange(points)[:, None]))
    return jnp.matmul(values, jnp.asarray(hats, values.dtype), precision="highest")


def voiced(pitch: Array, envelope: Envelope, phases: Array, samples: int, rate: int) -> Array:
    """Harmonics of a pitch, `[T]`.

    Args:
      pitch: fundamental frequency at points as of `contour`, Hz, `[P]`.
      envelope: amplitude of a harmonic at its frequency; it is read at the points.
      phases: phase of each harmonic at the first sample, radians, `[K]`; harmonics above the
        K-th are left out.
      samples, rate: length T, and sample rate, Hz.

    Harmonics between 0.45 of the rate and half of it fade out: none is aliased.
    """
    dtype, number = pitch.dtype, -(-phases.shape[0] // BLOCK) * BLOCK
    cycles = jnp.cumsum(contour(pitch, samples) / rate)
    cycles = jnp.concatenate([jnp.zeros(1, dtype), cycles[:-1]])
    cycles = cycles - jax.lax.stop_gradient(jnp.floor(cycles))
    numbers = jnp.arange(1, number + 1, dtype=dtype)[:, None]
    frequencies = numbers * pitch
    heard = (numbers <= phases.shape[0]) * jnp.clip(10 - 20 * frequencies / rate, 0, 1)
    amplitudes = (heard * envelope(frequencies)).reshape(-1, BLOCK, pitch.shape[0])
    phases = jnp.pad(phases, (0, number - phases.shape[0])).reshape(-1, BLOCK, 1)

    @jax.checkpoint
    def block(total: Array, some: tuple[Array, Array, Array]):
        count, phase, amplitude = some
        waves = jnp.cos(2 * jnp.pi * count * cycles + phase)
        return total + jnp.sum(contour(amplitude, samples) * waves, axis=0), None

    blocks = (numbers.reshape(-1, BLOCK, 1), phases, amplitudes)
    return jax.lax.scan(block, jnp.zeros(samples, dtype), blocks)[0]


def breath(noise: Array, envelope: Envelope, rate: int) -> Array:
    """Noise `[T]` through an envelope, without delay."""
    samples = noise.shape[0]
    frequencies = jnp.asarray(np.arange(samples // 2 + 1) * rate / samples, noise.dtype)
    return jnp.fft.irfft(jnp.fft.rfft(noise) * envelope(frequencies), n=samples)


def mixed(harmonics: Array, noise: Array, aperiodicity: Array, level: Array) -> Array:
    """Harmonics and breath `[T]` of a share and a level, `[T]`.

    Args:
      harmonics, noise: both parts, at any level; of the noise, what is in line with the harmonics
        is taken away.
      aperiodicity: share of the breath in the energy, from 0 to 1.
      level: RMS of the result.
    """
    harmonics = _unit(harmonics)
    noise = _unit(noise - jnp.mean(noise * harmonics) * harmonics)
    both = jnp.sqrt(1 - aperiodicity) * harmonics + jnp.sqrt(aperiodicity) * noise
    return level * _unit(both)


def syllables(rate_hz: Array, start: Array, samples: int, rate: int, *, depth: float) -> Array:
    """Gain that rises and falls `rate_hz` times a second, `[samples]`, from 1 - depth to 1.

    Args:
      rate_hz: syllables a second.
      start: place of the middle of the clip in its syllable, from 0 to 1.
      samples, rate: length and sample rate, Hz.
      depth: how far it falls.
    """
    rate_hz = jnp.asarray(rate_hz)
    seconds = jnp.asarray((np.arange(samples) - samples / 2) / rate, rate_hz.dtype)
    swing = 0.5 - 0.5 * jnp.cos(2 * jnp.pi * (rate_hz * seconds + start))
    return 1 - depth * (1 - swing)


def _unit(sound: Array) -> Array:
    """Of RMS 1."""
    return sound / jnp.sqrt(jnp.mean(sound**2))
