"""The estimates of a voice are right where the answer is known: pitch, rate, gain and share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.truth import voice_front
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.voice_front import HARMONICS

TIME = (np.arange(SAMPLES) - SAMPLES // 2) / RATE
PITCHES = (101.3, 149.9, 223.7)


def waves(hertz):
    """Cosines and sines of all harmonics below half the rate, `[K, T]`."""
    numbers = np.arange(1, HARMONICS + 1)[:, None]
    angles = 2 * np.pi * numbers * hertz * TIME
    below = numbers * hertz < 0.45 * RATE
    return below * np.cos(angles), below * np.sin(angles)


def buzz(hertz, seed=0):
    """Harmonics of one amplitude and random phases."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, HARMONICS)
    cosines, sines = waves(hertz)
    return np.cos(phases) @ cosines - np.sin(phases) @ sines


def gain_of(rate, start=0.3):
    return 1 + 0.5 * np.cos(2 * np.pi * (rate * TIME + start))


@pytest.fixture
def double():
    with jax.enable_x64():
        yield


@pytest.mark.parametrize("hertz", PITCHES[::2])
def test_harmonics_are_inner_products_and_their_sum(double, hertz):
    sound = np.random.default_rng(1).normal(size=SAMPLES)
    cosines, sines = waves(hertz)
    given = voice_front.harmonics(jnp.asarray(sound), jnp.asarray(hertz))
    for along, expected in zip(given, (cosines @ sound, sines @ sound), strict=True):
        below = np.arange(1, HARMONICS + 1) * hertz < 0.45 * RATE
        np.testing.assert_allclose(below * along, expected, atol=1e-8)
    drawn = np.random.default_rng(2).normal(size=(2, HARMONICS)) * below
    made = voice_front.voice_of(*map(jnp.asarray, drawn), jnp.asarray(hertz), SAMPLES)
    np.testing.assert_allclose(made, drawn[0] @ cosines + drawn[1] @ sines, atol=1e-9)


@pytest.mark.full_size
def test_the_pitch_is_that_of_the_harmonics_whatever_the_syllables():
    sounds = jnp.asarray([gain_of(9.0) * buzz(hertz) for hertz in PITCHES], jnp.float32)
    nearly = jax.vmap(voice_front.comb)(sounds)
    np.testing.assert_allclose(nearly, PITCHES, atol=1)
    np.testing.assert_allclose(jax.vmap(voice_front.pitch)(sounds, nearly), PITCHES, atol=2e-3)


@pytest.mark.full_size
def test_the_syllables_are_those_of_the_gain():
    rates, hertz = (5.1, 8.1, 12.9), jnp.asarray(PITCHES[1], jnp.float32)
    sounds = jnp.asarray([gain_of(rate) * buzz(PITCHES[1]) for rate in rates], jnp.float32)
    heard, gains = jax.vmap(voice_front.syllables, (0, None))(sounds, hertz)
    np.testing.assert_allclose(np.exp(heard), rates, rtol=0.02)
    for gain, rate in zip(gains, rates, strict=True):
        assert np.corrcoef(gain, gain_of(rate))[0, 1] > 0.998


def test_the_share_of_the_breath_is_what_lies_beside_the_harmonics(double):
    """Noise at right angles to gain times harmonics has all of its energy outside of them."""
    hertz, gain = PITCHES[1], gain_of(8.0)
    rows = gain * np.concatenate(waves(hertz))
    rows = rows[np.any(rows != 0, axis=1)]
    noise = np.random.default_rng(3).normal(size=SAMPLES)
    noise -= rows.T @ np.linalg.solve(rows @ rows.T, rows @ noise)
    tone = gain * buzz(hertz)
    unit = lambda sound: sound / np.linalg.norm(sound)
    for share in (0.0, 0.2, 0.6):
        both = np.sqrt(1 - share) * unit(tone) + np.sqrt(share) * unit(noise)
        given = voice_front.breath(*map(jnp.asarray, (both, hertz, gain)))
        assert float(given) == pytest.approx(share, abs=5e-3)


def test_a_flattened_buzz_of_any_tilt_is_the_same():
    """The envelope is taken away: harmonics that fell by 20 dB are of one level again."""
    cosines, _ = waves(PITCHES[2])
    below = int(0.45 * RATE / PITCHES[2])
    slope = np.where(np.arange(HARMONICS) < below, 10 ** (-np.arange(HARMONICS) / below), 0)
    flat = np.asarray(voice_front.flattened(jnp.asarray(slope @ cosines, jnp.float32)))
    levels = np.abs(cosines[2 : below - 2] @ flat)
    assert np.abs(20 * np.log10(levels / np.median(levels))).max() < 2


def test_a_sound_that_is_not_cut_into_whole_blocks_is_refused():
    with pytest.raises(ValueError, match="8050 samples: give a multiple of 100"):
        jax.eval_shape(voice_front.front, jax.ShapeDtypeStruct((8050,), jnp.float32))
