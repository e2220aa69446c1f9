"""Vowels: formants are where they are said to be, and nothing else depends on the vowel."""

import jax
import numpy as np
import pytest

from audioxai_jax.truth import vowel
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores


@pytest.fixture(scope="module")
def drawn():
    return vowel.draw(8, seed=3)


def test_a_seed_gives_the_same_bytes(drawn):
    again = vowel.draw(8, seed=3)
    assert again.audio.tobytes() == drawn.audio.tobytes()
    assert vowel.draw(8, seed=4).audio.tobytes() != drawn.audio.tobytes()
    assert drawn.audio.shape == (8, SAMPLES) and drawn.audio.dtype == np.float32


def test_every_vowel_has_a_formant_pair_of_its_own_and_shares_each_with_another():
    pairs = vowel.grid(np.arange(4))
    assert len({tuple(pair) for pair in pairs}) == 4
    np.testing.assert_array_equal(pairs[np.arange(4) ^ 1, 0], pairs[:, 0])
    np.testing.assert_array_equal(pairs[np.arange(4) ^ 2, 1], pairs[:, 1])
    assert vowel.VOWELS == tuple(f"{first:.0f}-{second:.0f}" for first, second in pairs)


def test_what_else_a_voice_is_does_not_depend_on_its_vowel():
    voice, labels = vowel.voices(np.random.default_rng(0), 600)
    others = {
        "pitch": voice.pitch.mean(axis=1),
        "tilt": voice.tilt,
        "breath": voice.aperiodicity,
        "level": voice.level,
        "floor": voice.floor,
        **{f"gain {i}": voice.gains[:, i] for i in range(5)},
        **{f"formant {i}": voice.formants[:, i] for i in (2, 3, 4)},
    }
    for name, values in others.items():
        values = (values - values.mean()) / values.std()
        means = [values[labels == number].mean() for number in range(4)]
        assert np.abs(means).max() < 4 / np.sqrt(150), name
    assert voice.pitch.min() >= 90 and voice.pitch.max() <= 300


def test_levels_are_exact(drawn):
    level = np.sqrt(np.mean(drawn.audio.astype(np.float64) ** 2, axis=1))
    np.testing.assert_allclose(level, drawn.voice.level, rtol=1e-5)


def test_moving_the_second_formant_moves_energy_from_one_place_to_the_other(drawn):
    """Of breath alone, with the same noise, around both places."""
    flat = drawn.voice._replace(
        aperiodicity=np.ones(8, np.float32), floor=np.full(8, 1e-3, np.float32)
    )
    place = np.arange(SAMPLES // 2 + 1) * RATE / SAMPLES

    def around(second, centre):
        formants = flat.formants.copy()
        formants[:, 1] = second
        power = np.abs(np.fft.rfft(vowel.sounds(flat._replace(formants=formants)))) ** 2
        return (power * (np.abs(place - centre) < 150)).sum(axis=1) / power.sum(axis=1)

    low, high = vowel.SECOND
    assert (around(low, low) > 3 * around(high, low)).all()
    assert (around(high, high) > 3 * around(low, high)).all()


def test_boxes_reach_one_bandwidth_to_each_side():
    first = vowel.boxes(np.array([[500.0, 1500.0]]))[0, 0]
    width = 24.7 * (4.37 * 0.5 + 1)
    np.testing.assert_allclose(first[2:], [500 - width, 500 + width])
    assert np.isinf(first[:2]).all()


def test_the_network_does_not_hear_the_level(drawn):
    quiet, loud = (vowel.spectrum(gain * drawn.audio[0]) for gain in (0.5, 2.0))
    np.testing.assert_allclose(quiet, loud, rtol=1e-3)


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_relevance_lies_on_the_formants():
    from audioxai_jax import input_x_gradient

    trial = vowel.build(0)
    assert trial.proven, trial.checks
    relevance, _ = explained(trial, input_x_gradient(), key=jax.random.key(0))
    assert np.mean(scores(trial, relevance)["share"]) >= 0.8
    assert np.mean(scores(trial, energy(trial))["share"]) < 0.4
