"""The noise floor: speech-shaped, of an exact level, the same whenever it is asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.synthesis.floor import floor, speech_noise
from tests.helpers.refusals import refusal

KEY = jax.random.key(0)
RATE = 16_000


def level(sound):
    return float(np.sqrt(np.mean(np.square(np.asarray(sound, np.float64)))))


def expected_power(hertz):
    """Flat from 80 to 500 Hz, then a factor of 10^-0.9 for each doubling of the frequency."""
    slope = 10.0 ** (-0.9 * np.log2(np.maximum(hertz, 500) / 500))
    return np.where(hertz < 80, 0, slope)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_the_spectrum_is_that_of_speech(rate):
    """Shares of the power in bands of a third of an octave, of 48 seconds: each within 0.8 dB.

    The narrowest band has 18 bins a second: its power has a standard deviation of 0.15 dB.
    """
    keys = jax.random.split(KEY, 48)
    noise = np.asarray(jax.vmap(lambda key: speech_noise(rate, rate, key))(keys), np.float64)
    power = np.mean(np.abs(np.fft.rfft(noise)) ** 2, axis=0)
    hertz = np.arange(rate // 2 + 1.0)
    wanted = expected_power(hertz)
    assert power[hertz < 80].sum() < 1e-9 * power.sum()
    edges = 80 * 2 ** (np.arange(0, 20) / 3)
    for low, high in zip(edges, edges[1:]):
        band = (hertz >= low) & (hertz < high)
        if high < rate / 2:
            shares = power[band].sum() / power.sum(), wanted[band].sum() / wanted.sum()
            assert abs(10 * np.log10(shares[0] / shares[1])) < 0.8, (low, high)


def test_from_500_hz_on_it_falls_by_9_db_per_octave():
    noise = np.asarray(speech_noise(60 * RATE, RATE, KEY), np.float64)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    mean = lambda octave: (
        10 * np.log10(power[(hertz >= 500 * 2**octave) & (hertz < 500 * 2 ** (octave + 1))].mean())
    )
    np.testing.assert_allclose(np.diff([mean(octave) for octave in range(4)]), -9, atol=0.3)


@pytest.mark.parametrize(
    "samples, rate", [(1, RATE), (2, RATE), (150, RATE), (RATE + 1, RATE), (7, 200), (999, 44_100)]
)
def test_any_length_and_rate_has_noise_of_unit_rms(samples, rate):
    noise = speech_noise(samples, rate, KEY)
    assert noise.shape == (samples,) and noise.dtype == jnp.float32
    assert level(noise) == pytest.approx(1, rel=1e-6)


def test_a_key_gives_one_noise_and_another_key_another():
    noise, other = speech_noise(RATE, RATE, KEY), speech_noise(RATE, RATE, jax.random.key(1))
    np.testing.assert_array_equal(noise, speech_noise(RATE, RATE, KEY))
    assert abs(float(jnp.mean(noise * other))) < 0.1


@pytest.mark.parametrize("level_db", [0, -20.0, -30, np.float32(-60)])
def test_the_level_is_relative_to_the_clip(level_db):
    clip = 0.2 * jax.random.normal(jax.random.key(2), (5_000,)).at[2_000:].set(0)
    noise = floor(clip, level_db, RATE, KEY)
    assert 20 * np.log10(level(noise) / level(clip)) == pytest.approx(float(level_db), abs=1e-5)
    np.testing.assert_allclose(floor(clip / 8, level_db, RATE, KEY), noise / 8, rtol=1e-5)


def test_a_silent_clip_has_a_silent_floor():
    np.testing.assert_array_equal(floor(jnp.zeros(9), -30, RATE, KEY), np.zeros(9))


def test_a_batch_of_clips_has_the_floors_of_each():
    clips = jax.random.normal(KEY, (3, 400)) * jnp.asarray([[0.1], [0.0], [2.0]])
    levels, keys = jnp.asarray([-30.0, -20.0, -40.0]), jax.random.split(KEY, 3)
    together = jax.jit(jax.vmap(lambda clip, db, key: floor(clip, db, RATE, key)))
    for number, noise in enumerate(together(clips, levels, keys)):
        alone = floor(clips[number], float(levels[number]), RATE, keys[number])
        np.testing.assert_allclose(noise, alone, rtol=1e-4, atol=1e-7)


def test_the_floor_has_the_dtype_of_the_clip():
    assert floor(jnp.ones(8, jnp.float16), -30, RATE, KEY).dtype == jnp.float16


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: speech_noise(0, RATE, KEY), "samples must be a whole number from 1 up, got 0"),
        (lambda: speech_noise(9.0, RATE, KEY), "samples must be a whole number from 1 up"),
        (lambda: speech_noise(9, 199, KEY), "sample_rate must be a whole number from 200 up"),
        (lambda: floor(jnp.ones(9), 5, RATE, KEY), "finite level of at most 0 dB, got 5"),
        (lambda: floor(jnp.ones(9), float("nan"), RATE, KEY), "at most 0 dB, got nan"),
        (lambda: floor(jnp.ones(9), -np.inf, RATE, KEY), "at most 0 dB, got -inf"),
        (lambda: floor(jnp.ones(9), "-30", RATE, KEY), "level_db must be a level in dB"),
        (lambda: floor(jnp.ones((2, 9)), -30, RATE, KEY), "must be one mono waveform"),
        (lambda: floor(np.ones(9, np.int16), -30, RATE, KEY), "divide 16-bit samples"),
    ],
)
def test_what_makes_no_floor_is_refused(call, said):
    assert said in refusal(ValueError, call)
