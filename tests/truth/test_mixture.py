"""Mixtures are at 0 dB, and their masks say which of the two sounds is louder."""

import jax
import numpy as np
import pytest

from audioxai_jax import lrp
from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.truth import TRUTHS, mixture, speech
from audioxai_jax.truth.answers import cut
from audioxai_jax.truth.score import explained


@pytest.fixture
def source(monkeypatch) -> speech.Words:
    """Made-up words: noise of any level, two of each class."""
    random = np.random.default_rng(0)
    audio = random.uniform(0.01, 0.2, (20, 1)) * random.standard_normal((20, speech.SAMPLES))
    words = speech.Words(audio.astype(np.float32), np.repeat(np.arange(2, 12), 2), np.arange(20))
    monkeypatch.setattr(mixture, "words", lambda data, part: words)
    return words


@pytest.mark.parametrize("contaminant", mixture.CONTAMINANTS)
def test_both_sounds_have_the_same_energy(source, tmp_path, contaminant):
    drawn = mixture.draw(6, seed=1, data=tmp_path, contaminant=contaminant)
    energy = lambda audio: np.sum(np.square(audio, dtype=np.float64), axis=1)
    decibels = 10 * np.log10(energy(drawn.word) / energy(drawn.other))
    np.testing.assert_allclose(decibels, 0, atol=1e-5)
    again = mixture.draw(6, seed=1, data=tmp_path, contaminant=contaminant)
    assert drawn.audio.tobytes() == again.audio.tobytes()
    other = mixture.draw(6, seed=2, data=tmp_path, contaminant=contaminant)
    assert drawn.audio.tobytes() != other.audio.tobytes()


def test_the_other_word_is_of_another_class(source, tmp_path):
    drawn = mixture.draw(30, seed=1, data=tmp_path)
    shape = lambda audio: (audio / np.linalg.norm(audio, axis=-1, keepdims=True)).astype(np.float64)
    rows = np.argmax(np.abs(shape(drawn.other) @ shape(source.audio).T), axis=1)
    assert np.all(source.target[rows] != drawn.target)
    assert set(drawn.target) <= set(range(2, 12))


def test_a_contaminant_that_is_not_known_is_refused(source, tmp_path):
    with pytest.raises(ValueError, match="unknown contaminant 'rain': known are speech, noise"):
        mixture.draw(1, seed=0, data=tmp_path, contaminant="rain")


def test_masks_say_which_of_two_tones_is_where():
    """A word of 1 kHz in the first half, another sound of 3 kHz in the second."""
    time = np.arange(speech.SAMPLES) / speech.RATE
    word = np.sin(2 * np.pi * 1_250 * time) * (time < 0.5)
    other = np.sin(2 * np.pi * 3_250 * time) * (time >= 0.5)
    drawn = mixture.Drawn(*(x[None].astype(np.float32) for x in (word, other)), np.array([2]))
    mask = mixture.masks(drawn)[0]
    seconds, hertz, _ = (axis.values for axis in time_frequency(speech.RATE).axes((*mask.shape, 2)))
    at = lambda s, f: mask[np.argmin(np.abs(seconds - s)), np.argmin(np.abs(hertz - f))]
    assert at(0.2, 1_250) == 1 and at(0.8, 3_250) == 0
    assert at(0.8, 1_250) == -1 and at(0.2, 3_250) == -1 and at(0.3, 6_000) == -1
    segments = cut(time_frequency(speech.RATE), (*mask.shape, 2), *mixture.GRID)
    assert all(len(np.unique(mask[segments == label])) == 1 for label in np.unique(segments))


def test_sounds_of_one_level_everywhere_are_left_out():
    """Neither is louder than itself by 3 dB."""
    noise = np.random.default_rng(0).standard_normal((1, speech.SAMPLES)).astype(np.float32)
    assert np.all(mixture.masks(mixture.Drawn(noise, -noise, np.array([2]))) == -1)
    louder = mixture.masks(mixture.Drawn(2 * noise, noise, np.array([2])))
    assert np.all(louder == 1)


@pytest.mark.full_size
def test_the_flat_rule_is_finite_through_a_spectrogram(data_root, optimised):
    """Fused products of matrices on a CPU gave NaN, see `core.programs.OPTIONS`."""
    trial = TRUTHS["mixture_speech"].make(0, clips=4, data=data_root)
    relevance, _ = explained(trial, lrp("epsilon_plus_flat"), key=jax.random.key(0))
    assert np.isfinite(relevance).all()
