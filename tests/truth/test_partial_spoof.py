"""Spoofed stretches lie where the answer says, and detectors of them are measured rightly."""

import numpy as np
import pytest

from audioxai_jax.truth import TRUTHS, partial_spoof, round_trips, speech
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.score import explained, scores
from audioxai_jax.truth.spoof_training import equal_error

CHEAP = ("transform",)


@pytest.fixture
def source(monkeypatch) -> speech.Words:
    """Made-up words of four speakers: stacks of harmonics in noise, with an offset."""
    random = np.random.default_rng(0)
    time = np.arange(speech.SAMPLES) / speech.RATE
    made = []
    for pitch in random.uniform(90, 220, 12):
        stack = sum(np.cos(2 * np.pi * pitch * k * time + k**2) / k for k in range(1, 20))
        made.append(stack * (time > 0.3) + 0.1 * random.standard_normal(len(time)) + 0.05)
    audio = 0.1 * np.stack(made).astype(np.float32)
    words = speech.Words(audio, np.full(12, 2), np.repeat(list("abcd"), 3))
    monkeypatch.setattr(partial_spoof, "words", lambda data, part: words)
    return words


def test_a_drawn_clip_is_bona_fide_but_for_the_stretch(source, tmp_path):
    drawn = partial_spoof.draw(8, seed=3, data=tmp_path, generators=CHEAP)
    inside = partial_spoof.within(drawn.span)
    assert np.array_equal(drawn.audio[~inside], drawn.original[~inside])
    assert np.mean(drawn.audio[inside] != drawn.original[inside]) > 0.9
    seconds = inside.sum(axis=1) / speech.RATE
    slack = 0.04  # by which ends move to zero crossings
    assert np.all((seconds > 0.2 - slack) & (seconds < 0.6 + slack))
    level = lambda audio: np.array([np.linalg.norm(a[i]) for a, i in zip(audio, inside)])
    np.testing.assert_allclose(level(drawn.audio), level(drawn.original), rtol=1e-3)


def test_the_same_seed_gives_the_same_bytes(source, tmp_path):
    first, again, other = (
        partial_spoof.draw(4, seed=seed, data=tmp_path, generators=CHEAP) for seed in (1, 1, 2)
    )
    assert first.audio.tobytes() == again.audio.tobytes()
    assert np.array_equal(first.span, again.span)
    assert first.audio.tobytes() != other.audio.tobytes()


def test_clips_are_two_words_of_one_speaker_equally_loud(source):
    random = np.random.default_rng(0)
    audio, speakers = speech.two_words(source, random, 6)
    halves = audio.reshape(6, 2, speech.HALF)
    np.testing.assert_allclose(np.sqrt(np.mean(halves**2, axis=2)), speech.LEVEL, rtol=1e-3)
    assert np.abs(halves.mean(axis=2)).max() < 0.02 * speech.LEVEL  # fades bring a little back
    assert set(speakers) <= set("abcd")
    assert np.array_equal(audio * 2**15, np.round(audio * 2**15))


def test_boxes_are_the_stretch():
    span = np.array([[1_600, 8_000], [0, 4_800]])
    sides = partial_spoof.boxes(span)
    np.testing.assert_allclose(sides[:, 0, :2], [[0.1, 0.5], [0, 0.3]])
    inside = partial_spoof.within(span)
    assert np.array_equal(np.flatnonzero(inside[0]), np.arange(1_600, 8_000))


def test_round_trips_keep_length_and_level(source):
    for name in ("lpc", "transform"):
        made = round_trips.spoken_again(name, source.audio[:2], seed=0)
        assert made.shape == source.audio[:2].shape and made.dtype == np.float32
        ratio = np.linalg.norm(made) / np.linalg.norm(source.audio[:2])
        assert 0.7 < ratio < 1.4
    with pytest.raises(ValueError, match="unknown generator 'none': known are gainshape"):
        round_trips.spoken_again("none", source.audio[:2], seed=0)


def test_a_transform_without_rounding_is_its_own_inverse(source, monkeypatch):
    monkeypatch.setattr(round_trips, "STEP", 1e-4)
    audio = source.audio[0]
    made = round_trips.transform_codec(None, audio, None)
    np.testing.assert_allclose(made, audio, atol=1e-4)


@pytest.mark.parametrize(
    "bona_fide, spoofed, rate, low, high",
    [
        ([0, 1, 2], [3, 4, 5], 0.0, 2, 3),
        ([0, 1, 2, 4], [3, 5, 6, 7], 0.25, 3, 4),
        ([5, 6], [1, 2], 1.0, 2, 5),
    ],
)
def test_equal_error_rates(bona_fide, spoofed, rate, low, high):
    values = np.array([*bona_fide, *spoofed], float)
    labels = np.arange(len(values)) >= len(bona_fide)
    error, threshold = equal_error(values, labels)
    assert error == pytest.approx(rate)
    assert low < threshold < high


@pytest.mark.full_size
def test_speakers_are_disjoint(data_root):
    learned, asked = (speech.words(data_root, part) for part in ("learned", "asked"))
    assert not set(learned.speaker) & set(asked.speaker)


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_stretches_that_are_spoofed_are_found(data_root):
    import jax

    import audioxai_jax as ax

    trial = TRUTHS["partial_spoof"].make(0, clips=12, data=data_root)
    assert isinstance(trial.answer, Boxes)
    method = ax.feature_ablation(segments=trial.segments)
    relevance, _ = explained(trial, method, key=jax.random.key(0))
    assert np.mean(scores(trial, relevance)["auc"]) >= 0.9
