"""Vowels whose fundamental and formants are known: the first moves, the others stay."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.manipulation import vocoder
from audioxai_jax.manipulation.pitch import shift_fundamental, shift_fundamental_db

RATE = 8000
FORMANTS = ((700, 80), (1220, 90), (2600, 120))  # frequency and bandwidth, Hz
SHIFT = jax.jit(shift_fundamental, static_argnums=2)
SHIFT_DB = jax.jit(functools.partial(shift_fundamental_db, bin_hz=RATE / 455))
STEADY = slice(800, 5200)


def vowel(fundamental, samples=6000):
    """A pulse train without aliasing through three resonances."""
    time = np.arange(samples) / RATE
    sound = np.zeros(samples)
    for harmonic in np.arange(1, int((RATE / 2 - 1) / fundamental) + 1):
        z = np.exp(-2j * np.pi * harmonic * fundamental / RATE)
        gain = 1.0
        for centre, width in FORMANTS:
            radius, angle = np.exp(-np.pi * width / RATE), 2 * np.pi * centre / RATE
            gain = gain / (1 - 2 * radius * np.cos(angle) * z + radius**2 * z**2)
        sound += np.real(gain * np.exp(2j * np.pi * harmonic * fundamental * time))
    return 0.5 * sound / np.abs(sound).max()


def fundamental_of(sound):
    """From the first high peak of the autocorrelation, 70 to 450 Hz."""
    sound = sound[STEADY]
    power = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
    correlation = np.fft.irfft(power)[: len(sound)]
    correlation /= np.arange(len(sound), 0, -1)
    lags = np.arange(int(RATE / 450), int(RATE / 70))
    inner = correlation[lags]
    peaks = lags[(inner >= correlation[lags - 1]) & (inner >= correlation[lags + 1])]
    lag = peaks[correlation[peaks] > 0.85 * correlation[peaks].max()][0]
    a, b, c = correlation[lag - 1 : lag + 2]
    return RATE / (lag + (a - c) / (2 * (a - 2 * b + c)))


def formants_of(sound, order=8):
    """Angles of the narrow poles of linear prediction, Hz."""
    sound = sound[STEADY] * np.hanning(STEADY.stop - STEADY.start)
    lags = [sound[: len(sound) - lag] @ sound[lag:] for lag in range(order + 1)]
    rows = np.array(lags)[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
    roots = np.roots([1, *-np.linalg.solve(rows, lags[1:])])
    narrow = roots[(roots.imag > 0) & (-np.log(np.abs(roots)) * RATE / np.pi < 300)]
    return np.sort(np.angle(narrow)) * RATE / (2 * np.pi)


def harmonics_of(sound, fundamental, highest):
    """Levels of the harmonics, dB."""
    window = np.hanning(STEADY.stop - STEADY.start)
    time = np.arange(len(window)) / RATE
    numbers = np.arange(1, int(highest / fundamental) + 1)
    waves = np.exp(-2j * np.pi * numbers[:, None] * fundamental * time)
    return 20 * np.log10(np.abs(waves @ (window * sound[STEADY])) / np.sum(window))


@pytest.mark.parametrize("fundamental, factor", [(120, 1.5), (150, 1.25), (210, 0.66), (100, 2.0)])
def test_the_fundamental_moves_and_the_formants_stay(fundamental, factor):
    """Two bins of the vocoder are 31 Hz; scaled frequencies would be hundreds of Hz off."""
    sound = vowel(fundamental)
    found = np.asarray(SHIFT(jnp.asarray(sound), jnp.float32(factor), RATE), float)
    assert found.shape == sound.shape
    assert fundamental_of(found) == pytest.approx(factor * fundamental_of(sound), rel=0.01)
    centres = [centre for centre, _ in FORMANTS]
    np.testing.assert_allclose(formants_of(found), centres, atol=31)
    assert np.sum(found**2) == pytest.approx(np.sum(sound**2), rel=1e-4)
    # harmonic by harmonic, it is what the vocal tract makes of the other fundamental
    highest = min(factor, 1) * RATE / 2 - 250
    wanted = harmonics_of(vowel(factor * fundamental), factor * fundamental, highest)
    difference = harmonics_of(found, factor * fundamental, highest) - wanted
    assert np.std(difference[wanted > wanted.max() - 40]) < 3


@jax.jit
def scale(audio, factor):
    return vocoder.synthesise(vocoder.analyse(audio, 512), factor, len(audio))


def test_a_vocoder_alone_moves_the_formants_too():
    sound = vowel(120)

    found = np.asarray(scale(jnp.asarray(sound), 1.4), float)
    assert fundamental_of(found) == pytest.approx(1.4 * 120, rel=0.01)
    np.testing.assert_allclose(formants_of(found)[:2], [980, 1708], atol=31)


@pytest.mark.parametrize("factor", [1.4, 0.7])
def test_a_glide_stays_one_tone(factor):
    """It crosses from bin to bin; with phases of their own, these would cancel each other."""
    time = np.arange(6000) / RATE
    glide = np.sin(2 * np.pi * (300 + 200 * time) * time)  # 300 to 600 Hz
    found = np.fft.fft(np.asarray(scale(jnp.asarray(glide), factor), float))
    found[3000:] = 0
    analytic = 2 * np.fft.ifft(found)[STEADY]
    np.testing.assert_allclose(np.abs(analytic), 1, atol=0.02)
    frequency = np.diff(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi)
    wanted = factor * (300 + 400 * time[STEADY][:-1])
    np.testing.assert_allclose(frequency, wanted, rtol=0.02)


def test_a_factor_of_one_is_the_clip(x64):
    sound = np.random.default_rng(0).normal(size=6000) * np.linspace(0, 1, 6000)
    found = SHIFT(jnp.asarray(sound), 1.0, RATE)
    np.testing.assert_allclose(found, sound, atol=1e-10)


def test_a_tone_keeps_its_loudness_over_time():
    """A clip that fades stays a clip that fades."""
    fade = np.linspace(1, 0.2, 6000)
    found = np.asarray(SHIFT(jnp.asarray(vowel(120) * fade), jnp.float32(1.5), RATE))
    parts = np.sqrt(np.mean(np.square(found.reshape(10, 600)), axis=1))[1:-1]
    level = 20 * np.log10(parts / fade.reshape(10, 600).mean(axis=1)[1:-1])
    assert np.ptp(level) < 3


def test_images_fill_the_top_when_frequencies_go_down():
    """White noise stays white: its envelope is flat, and stays up to the top."""
    noise = np.random.default_rng(0).normal(size=6000).astype(np.float32)
    found = SHIFT(noise, jnp.float32(0.5), RATE)
    power = np.abs(np.fft.rfft(found)) ** 2
    low, high = power[500:1400].mean(), power[1600:2800].mean()
    assert 10 * np.log10(high / low) == pytest.approx(0, abs=1.5)


def test_silence_is_silent_and_factors_are_traced():
    np.testing.assert_array_equal(SHIFT(jnp.zeros(6000), jnp.float32(1.5), RATE), 0)
    assert np.all(np.isnan(SHIFT(jnp.ones(6000), jnp.float32(2.1), RATE)))
    traces = []

    def counted(audio, factor):
        traces.append(1)
        return shift_fundamental(audio, factor, RATE)

    sounds = jnp.asarray([vowel(120), vowel(210)], jnp.float32)
    compiled = jax.jit(jax.vmap(counted))
    for factors in ([1.5, 0.66], [0.9, 1.1]):
        many = compiled(sounds, jnp.asarray(factors))
        for sound, factor, found in zip(sounds, factors, many):
            np.testing.assert_allclose(found, SHIFT(sound, jnp.float32(factor), RATE), atol=2e-3)
    assert len(traces) == 1


POSITION = np.arange(227) / 226
ENVELOPE = -30 + 15 * np.cos(np.pi * POSITION) + 2 * np.cos(2 * np.pi * POSITION)


def ripple(period):
    return 10 * (np.cos(2 * np.pi * np.arange(227) / period) - 1)


@pytest.mark.parametrize("factor", [1.0, 1.5, 0.75])
def test_ripples_of_a_spectrogram_widen_under_their_envelope(factor):
    spectrogram = jnp.asarray((ENVELOPE + ripple(8.0))[:, None] * np.ones(2), jnp.float32)
    found = SHIFT_DB(spectrogram, jnp.float32(factor))
    wanted = ENVELOPE + ripple(8.0 * factor)
    inside = slice(16, 160)
    tops = np.abs(wanted - ENVELOPE)[inside] < 8
    for column in range(2):
        np.testing.assert_allclose(found[inside, column][tops], wanted[inside][tops], atol=1.5)
    if factor == 1:
        np.testing.assert_allclose(found, spectrogram, atol=1e-4)


def test_the_floor_of_a_spectrogram_stays():
    empty = jnp.full((227, 2), -80.0)
    np.testing.assert_allclose(SHIFT_DB(empty, jnp.float32(1.5)), empty, atol=1e-4)
    deep = jnp.asarray((ENVELOPE + 5 * ripple(8.0))[:, None])
    assert SHIFT_DB(jnp.maximum(deep, -80), jnp.float32(1.5)).min() == -80
    assert np.all(np.isnan(SHIFT_DB(empty, jnp.float32(0.4))))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: shift_fundamental(jnp.ones(800), 2.5, RATE), "between 0.5 and 2.0, got 2.5"),
        (lambda: shift_fundamental(jnp.ones(800), float("nan"), RATE), "got nan"),
        (lambda: shift_fundamental(jnp.ones((2, 800)), 1.5, RATE), r"\(2, 800\)"),
        (lambda: shift_fundamental(jnp.arange(800), 1.5, RATE), "int32"),
        (lambda: shift_fundamental_db(jnp.ones((227, 3)), 0.1, bin_hz=17.6), "got 0.1"),
        (lambda: shift_fundamental_db(jnp.ones(227), 1.5, bin_hz=17.6), r"\[227\]"),
        (lambda: shift_fundamental_db(jnp.ones((227, 3)), 1.5, bin_hz=0.1), "at least one"),
    ],
)
def test_what_cannot_be_shifted_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
