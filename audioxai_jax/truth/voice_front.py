"""What networks read of a voice: level, bands, and estimates of its pitch, syllables and breath.

The estimates are those of least squares, found in steps, each of which is differentiable:

    pitch      f maximises sum_k |<x, w exp(2 pi i k f t)>|^2, by Newton's steps from the peak of an
               autocorrelation, first of few harmonics, then of more;
    syllables  x times its own harmonics has their gain, 1 and a sinusoid: the rate is where
               these two explain most of it;
    breath     share of the energy that is not in gain times harmonics.

(B. Quinn, P. Thomson, "Estimating the frequency of a periodic function", 1991, for the first.)
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.transforms.mel import mel_bands
from audioxai_jax.transforms.stft import magnitude_spectrogram
from audioxai_jax.truth.recipe import RATE

WINDOW, HOP, BANDS = 512, 160, 40
RATES = np.arange(4.0, 14.6, 0.25)
"""Syllables a second that are tried."""
PITCHES = np.exp(np.arange(np.log(94.0), np.log(242.0), 0.003))
"""Pitches that are tried, Hz."""
TEETH = 16
"""Harmonics that are looked for at each of them."""
STEADY = 0.03
"""Seconds of the lags that make them out: standard deviation of a Gaussian; 5 Hz in frequency."""
SMOOTH = 15.0
"""Lags that make the envelope, samples: standard deviation of a Gaussian; 170 Hz in frequency."""
SHARPNESS, SHARPER = 40.0, 120.0
"""Of the soft maxima of rates and of pitches: one over the relative difference that counts."""
HARMONICS, BLOCK, STRIDE = 80, 100, 20
"""Harmonics that are measured, samples at once, and samples of one gain."""
REACH = (2, 2, 4, 8, 16, 32)
"""Harmonics that count in each step towards the pitch: standard deviations of Gaussians."""


def front(audio: Array) -> Array:
    """Features of a sound `[T]`, `[44]`.

    The level of all, those of 40 bands, logarithms of pitch and rate, and the share of the breath.

    Raises:
      ValueError: unless T is a multiple of 100.
    """
    if audio.shape[0] % BLOCK:
        raise ValueError(f"{audio.shape[0]} samples: give a multiple of {BLOCK}")
    power = magnitude_spectrogram(audio, window=WINDOW, hop=HOP) ** 2
    level = jnp.log(jnp.mean(audio**2) + 1e-8)[None]
    flat = flattened(audio)
    hertz = pitch(flat, comb(flat))
    rate, gain = syllables(flat, hertz)
    share = breath(audio, hertz, gain)
    return jnp.concatenate([level, _bands(power), jnp.stack([jnp.log(hertz), rate, share])])


def harmonics(audio: Array, hertz: Array) -> tuple[Array, Array]:
    """Inner products of a sound `[T]` with cosines and sines of a pitch, 2 of `[80]`.

    Time 0 is the middle.
    """
    cosines, sines = _by_block(audio, hertz, HARMONICS)
    return jnp.sum(cosines, axis=1), jnp.sum(sines, axis=1)


def voice_of(cosines: Array, sines: Array, hertz: Array, samples: int) -> Array:
    """The sum of harmonics of given amplitudes `[80]`, `[T]`."""
    (near_cos, near_sin), (far_cos, far_sin) = _turns(hertz, samples, HARMONICS)
    column = lambda amplitudes: amplitudes[:, None]
    along = column(cosines) * near_cos + column(sines) * near_sin
    across = column(sines) * near_cos - column(cosines) * near_sin
    return (far_cos.T @ along + far_sin.T @ across).reshape(-1)


def _by_block(audio: Array, hertz: Array, count: int) -> tuple[Array, Array]:
    """As `harmonics`, of each block of the sound, 2 of `[K, T / B]`."""
    rows = audio.reshape(-1, BLOCK)
    (near_cos, near_sin), (far_cos, far_sin) = _turns(hertz, audio.shape[0], count)
    along, across = near_cos @ rows.T, near_sin @ rows.T
    return far_cos * along - far_sin * across, far_sin * along + far_cos * across


def _turns(
    hertz: Array, samples: int, count: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Cosines and sines of harmonics at times in a block, `[K, B]`, and of blocks, `[K, T / B]`."""
    cycles = jnp.arange(1, count + 1, dtype=hertz.dtype)[:, None] * hertz / RATE
    near = 2 * jnp.pi * cycles * np.arange(BLOCK)
    far = cycles * (np.arange(samples // BLOCK) * BLOCK - samples // 2)
    far = 2 * jnp.pi * (far - jax.lax.stop_gradient(jnp.round(far)))
    return (jnp.cos(near), jnp.sin(near)), (jnp.cos(far), jnp.sin(far))


def pitch(audio: Array, start: Array) -> Array:
    """Pitch of a sound `[T]`, Hz, from one that is nearly right.

    Newton's steps turn blocks as a whole: where the pitch is right, all are in phase.
    """
    samples = audio.shape[0]
    windowed = jnp.asarray(np.hanning(samples), audio.dtype) * audio
    middles = (np.arange(samples // BLOCK) + 0.5) * BLOCK - samples / 2
    time = jnp.asarray(2 * np.pi * middles / RATE, audio.dtype)
    hertz = start
    for reach in REACH:
        count = min(4 * reach, HARMONICS)
        numbers = jnp.arange(1, count + 1, dtype=audio.dtype)
        cosines, sines = _by_block(windowed, hertz, count)
        c, ct, ctt = (jnp.sum(cosines * time**power, axis=1) for power in range(3))
        s, st, stt = (jnp.sum(sines * time**power, axis=1) for power in range(3))
        weight = np.exp(-0.5 * (np.arange(1, count + 1) / reach) ** 2)
        weight = weight * (numbers * hertz < 0.45 * RATE)
        slope = jnp.sum(weight * numbers * (s * ct - c * st))
        bend = jnp.sum(weight * numbers**2 * (ct**2 + st**2 - c * ctt - s * stt))
        hertz = hertz + jnp.clip(slope / (jnp.abs(bend) + 1e-12), -1.0, 1.0)
    return hertz


def syllables(audio: Array, hertz: Array) -> tuple[Array, Array]:
    """Logarithm of the rate of syllables, and the gain `[T]`, of a sound `[T]` of a pitch."""
    samples = audio.shape[0]
    cosines, sines = harmonics(audio, hertz)
    heard = jnp.arange(1, HARMONICS + 1) * hertz < 0.45 * RATE
    own = voice_of(heard * cosines, heard * sines, hertz, samples)
    along = jnp.mean((audio * own).reshape(-1, STRIDE), axis=1)
    points = samples // STRIDE
    taper, curves = _curves(points)
    parts = jnp.asarray(curves, audio.dtype) @ (jnp.asarray(taper, audio.dtype) * along)
    swings = jnp.sum(parts[:, 1:] ** 2, axis=1)
    weights = jax.nn.softmax(SHARPNESS * swings / jnp.max(swings))
    gain = jnp.einsum("r,rc,rct->t", weights, parts, jnp.asarray(curves / taper, audio.dtype))
    rate = jnp.sum(weights * jnp.asarray(np.log(RATES), audio.dtype))
    return rate, jnp.repeat(gain / jnp.mean(gain), STRIDE)


def _curves(points: int) -> tuple[np.ndarray, np.ndarray]:
    """A taper `[P]`; 1, cosine and sine of each rate under it, orthonormal, `[R, 3, P]`."""
    place = (np.arange(points) + 0.5) / points
    taper = np.sin(np.pi * place)
    angles = 2 * np.pi * RATES[:, None] * (place - 0.5) * points * STRIDE / RATE
    waves = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=-1)
    return taper, np.swapaxes(np.linalg.qr(taper[:, None] * waves)[0], 1, 2)


def breath(audio: Array, hertz: Array, gain: Array) -> Array:
    """Share of the energy of a sound `[T]` that is not in gain times harmonics."""
    cosines, sines = harmonics(audio * gain, hertz)
    heard = jnp.arange(1, HARMONICS + 1) * hertz < 0.5 * RATE
    tonal = 2 * jnp.sum(heard * (cosines**2 + sines**2)) / jnp.sum(gain**2)
    return 1 - tonal / (jnp.sum(audio**2) + 1e-8)


def _bands(power: Array) -> Array:
    """Logarithm of the mean power in mel bands."""
    weights = mel_bands(np.arange(WINDOW // 2 + 1) * RATE / WINDOW, BANDS)
    return jnp.log(jnp.mean(power, axis=0) @ jnp.asarray(weights, power.dtype) + 1e-6)


def flattened(audio: Array) -> Array:
    """The sound `[T]` with its spectrum over the smooth envelope of that."""
    samples = audio.shape[0]
    transform = jnp.fft.rfft(audio, n=2 * samples)
    power = jnp.real(transform) ** 2 + jnp.imag(transform) ** 2 + 1e-8
    envelope = jnp.real(jnp.fft.rfft(_lags(samples, SMOOTH, audio.dtype) * jnp.fft.irfft(power)))
    return jnp.fft.irfft(transform / jnp.sqrt(jnp.maximum(envelope, 0) + 1e-6))[:samples]


def comb(audio: Array) -> Array:
    """Pitch of a sound `[T]` with a flat spectrum, Hz, nearly: the power of its harmonics is most
    above that half-way between them."""
    samples = audio.shape[0]
    transform = jnp.fft.rfft(audio, n=2 * samples)
    correlation = jnp.fft.irfft(jnp.real(transform) ** 2 + jnp.imag(transform) ** 2)
    power = jnp.real(jnp.fft.rfft(_lags(samples, STEADY * RATE, audio.dtype) * correlation))
    teeth = np.arange(1, TEETH + 1)
    at = lambda numbers: np.round(np.outer(PITCHES, numbers) * 2 * samples / RATE).astype(int)
    heights = jnp.sum(power[at(teeth)] - power[at(teeth - 0.5)], axis=1)
    weights = jax.nn.softmax(SHARPER * heights / jnp.max(heights))
    return jnp.exp(jnp.sum(weights * jnp.asarray(np.log(PITCHES), audio.dtype)))


def _lags(samples: int, width: float, dtype: jnp.dtype) -> Array:
    """A Gaussian of lags around 0, `[2 T]`."""
    lags = np.minimum(np.arange(2 * samples), 2 * samples - np.arange(2 * samples))
    return jnp.asarray(np.exp(-0.5 * (lags / width) ** 2), dtype)
