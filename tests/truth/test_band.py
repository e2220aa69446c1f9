"""Band: one of four tones decides among others."""

import jax
import numpy as np
import pytest

import audioxai_jax as ax
from audioxai_jax.truth import band
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores


@pytest.fixture(scope="module")
def drawn():
    return band.draw(300, seed=3)


def test_a_seed_gives_the_same_bytes(drawn):
    assert band.draw(300, seed=3).audio.tobytes() == drawn.audio.tobytes()
    assert band.draw(300, seed=4).audio.tobytes() != drawn.audio.tobytes()


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_clips_can_be_drawn(count):
    drawn = band.draw(count, seed=0)
    assert drawn.audio.shape == (count, SAMPLES) and drawn.audio.dtype == np.float32


def test_one_of_the_four_sounds_and_10_to_49_in_all_at_one_amplitude(drawn):
    sounding = drawn.tones != 0
    np.testing.assert_allclose(np.abs(drawn.tones[sounding]), band.LEVEL)
    four = sounding[:, band.DECIDING - 1]
    assert (four.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(four.argmax(axis=1), drawn.labels)
    number = sounding.sum(axis=1)
    assert (number.min(), number.max()) == (band.FEWEST, band.MOST)


def test_tones_are_heard_where_they_are_said_to_be():
    tones = np.zeros((1, band.TONES), complex)
    tones[0, 15] = 0.3j
    sound = band.heard(tones, np.zeros((1, SAMPLES)))[0]
    time = np.arange(SAMPLES) / RATE
    np.testing.assert_allclose(sound, -0.3 * np.sin(2 * np.pi * 1_550 * time), atol=1e-6)
    assert band.CLASSES == ("450 Hz", "1550 Hz", "3150 Hz", "5250 Hz")


def test_a_box_is_100_hz_about_its_tone_and_holds_no_other(drawn):
    ends = band.boxes(np.arange(4))[:, 0]
    assert (ends[:, 0] == -np.inf).all() and (ends[:, 1] == np.inf).all()
    np.testing.assert_allclose(ends[:, 2:].mean(axis=1), [450, 1_550, 3_150, 5_250])
    hertz = band.HERTZ * np.arange(1, band.TONES + 1) - band.HERTZ / 2
    for low, high in ends[:, 2:]:
        assert np.sum((hertz >= low) & (hertz < high)) == 1


def test_a_network_of_this_kind_that_hears_one_tone_alone_exists():
    config = band.config()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / config.window)
    time = np.arange(config.window) / RATE
    response = lambda hertz, tone: np.abs(
        np.sum(window * np.exp(2j * np.pi * (hertz - tone) * time))
    )
    for number in band.DECIDING:
        tone = band.HERTZ * (number - 0.5)
        others = [tone + band.HERTZ * k for k in range(-number + 1, band.TONES - number + 1) if k]
        most = max(response(tone, other) for other in others)
        assert most < 1e-9 * response(tone, tone)


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_a_method_finds_what_decides_and_energy_does_not():
    trial = band.build(2)
    (bar,) = band.BARS
    assert trial.proven and len(trial.targets) == 24
    relevance, _ = explained(trial, ax.integrated_gradients(steps=16), key=jax.random.key(0))
    assert bar.passes(np.mean(scores(trial, relevance)[bar.score]))
    assert np.mean(scores(trial, energy(trial))[bar.score]) <= bar.energy
