"""What networks read of a voice: levels of bands, their swing in time, and periods."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.transforms.mel import mel_bands
from audioxai_jax.transforms.stft import magnitude_spectrogram
from audioxai_jax.truth.recipe import RATE

WINDOW, HOP, BANDS = 512, 160, 40
SWINGS = np.arange(2.0, 24.0, 0.5)
"""Rates at which the level may swing, Hz."""
LAGS = np.arange(60, 180)
"""Of the autocorrelation, samples: pitches of 90 to 267 Hz."""
SMOOTH = 15.0
"""Lags that make the envelope, samples: standard deviation of a Gaussian; 170 Hz in frequency."""
HIGHEST = 4_000.0
"""Frequency up to which periods are looked for, Hz: peaks are wider than a sample."""
SHORTER = 0.3
"""How much less the longest lag counts: a period is not taken for two."""
SHARPNESS = 40.0
"""Of the soft maximum: one over the relative difference that counts."""
COMPRESSION = 0.3
"""Power of the power spectrum whose inverse transform is the autocorrelation: it flattens formants
(T. Tolonen, M. Karjalainen, "A computationally efficient multipitch analysis model", 2000)."""


def front(audio: Array) -> Array:
    """Features of a sound `[T]`, `[210]`.

    The level, those of 40 bands, 44 swings and 120 lags; and of swings and lags where the largest
    is, and how large; and the share of the harmonics.
    """
    power = magnitude_spectrogram(audio, window=WINDOW, hop=HOP) ** 2
    level = jnp.log(jnp.mean(audio**2) + 1e-8)[None]
    swings, (periods, even) = _swings(power), _periods(audio)
    taper = 1 - SHORTER * (LAGS - LAGS[0]) / (LAGS[-1] - LAGS[0])
    rate = _largest(swings, swings, np.log(SWINGS))
    order = periods * jnp.asarray(taper, audio.dtype)
    pitch, tonal = _largest(periods, order, np.log(LAGS)), _largest(even, order, np.log(LAGS))
    return jnp.concatenate([level, _bands(power), swings, periods, rate, pitch, tonal[1:]])


def _largest(values: Array, order: Array, places: np.ndarray) -> Array:
    """Place of the largest and its value, `[2]`: means weighted by the softmax of an order."""
    weights = jax.nn.softmax(SHARPNESS * order / jnp.max(order))
    place = jnp.sum(weights * jnp.asarray(places, values.dtype))
    return jnp.stack([place, jnp.sum(weights * values)])


def _bands(power: Array) -> Array:
    """Logarithm of the mean power in mel bands."""
    weights = mel_bands(np.arange(WINDOW // 2 + 1) * RATE / WINDOW, BANDS)
    return jnp.log(jnp.mean(power, axis=0) @ jnp.asarray(weights, power.dtype) + 1e-6)


def _swings(power: Array) -> Array:
    """How much the logarithm of the power swings at each rate."""
    level = jnp.log(jnp.sum(power, axis=1) + 1e-6)
    frames = level.shape[0]
    seconds = (np.arange(frames) - (frames - 1) / 2) * HOP / RATE
    waves = np.hanning(frames) * np.exp(-2j * np.pi * SWINGS[:, None] * seconds)
    parts = jnp.asarray(np.stack([waves.real, waves.imag]), power.dtype) @ (level - level.mean())
    return jnp.sqrt(jnp.sum(parts**2, axis=0) + 1e-6)


def _periods(audio: Array) -> tuple[Array, Array]:
    """Autocorrelations of the sound with a flatter spectrum, each over that at lag 0.

    The first has the compressed spectrum, which shows the period best; the second the spectrum
    over its smooth envelope: at the period, it is the share of the harmonics in the energy.
    """
    samples = audio.shape[0]
    transform = jnp.fft.rfft(audio, n=2 * samples)
    power = jnp.real(transform) ** 2 + jnp.imag(transform) ** 2 + 1e-8
    place = np.arange(samples + 1) / samples * RATE / 2 / HIGHEST
    taper = np.where(place < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(place, 1)), 0)
    lags = np.minimum(np.arange(2 * samples), 2 * samples - np.arange(2 * samples))
    smooth = jnp.asarray(np.exp(-0.5 * (lags / SMOOTH) ** 2), audio.dtype)
    envelope = jnp.real(jnp.fft.rfft(smooth * jnp.fft.irfft(power)))
    spectra = jnp.stack([power**COMPRESSION, power / (envelope + 1e-6)])
    correlation = jnp.fft.irfft(jnp.asarray(taper, audio.dtype) * spectra)
    compressed, even = correlation[:, LAGS] / correlation[:, :1]
    return compressed, even
