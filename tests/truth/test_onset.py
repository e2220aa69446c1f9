"""Onset: a burst that goes with a class as often as rho says."""

import jax
import numpy as np
import pytest

import audioxai_jax as ax
from audioxai_jax.truth import onset
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores


@pytest.fixture(scope="module")
def drawn():
    return onset.draw(48, seed=3, variants=8)


def test_a_seed_gives_the_same_bytes(drawn):
    assert onset.draw(48, seed=3, variants=8).audio.tobytes() == drawn.audio.tobytes()
    assert onset.draw(48, seed=4, variants=8).audio.tobytes() != drawn.audio.tobytes()


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_clips_can_be_drawn(count):
    drawn = onset.draw(count, seed=0, rho=0.5, variants=2)
    assert drawn.audio.shape == (count, SAMPLES) and drawn.audio.dtype == np.float32


@pytest.mark.parametrize("rho", [-0.1, 1.1])
def test_a_rho_that_is_no_share_is_refused(rho):
    with pytest.raises(ValueError, match="between 0 and 1"):
        onset.draw(1, seed=0, rho=rho)


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_bursts_go_with_classes_as_rho_says(rho):
    labels = np.repeat([0, 1], 20_000)
    has = onset.planted(np.random.default_rng(0), labels, rho)
    for label, wanted in ((0, (1 - rho) / 2), (1, (1 + rho) / 2)):
        assert abs(has[labels == label].mean() - wanted) < 4 * 0.5 / 20_000**0.5


def test_only_which_clips_have_a_burst_depends_on_rho(drawn):
    other = onset.draw(48, seed=3, rho=0.0, variants=8)
    for name in ("grounds", "labels", "bursts", "spans"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(other, name))
    np.testing.assert_array_equal(drawn.has, drawn.labels == 1)
    assert not np.array_equal(other.has, drawn.has)


def test_a_burst_lies_in_its_span_alone_and_is_as_loud_as_the_clip(drawn):
    every = np.ones(48, bool)
    audio, without = onset.heard(drawn, every), onset.heard(drawn, ~every)
    np.testing.assert_array_equal(without, drawn.grounds)
    np.testing.assert_allclose((without**2).mean(axis=1), onset.LEVEL**2, rtol=1e-4)
    for clip, ground, (start, end) in zip(audio, without, drawn.spans, strict=True):
        assert 0 <= start < end <= SAMPLES
        assert 0.06 <= (end - start) / RATE <= 0.12
        np.testing.assert_allclose((clip[start:end] ** 2).mean(), onset.LEVEL**2, rtol=1e-4)
        outside = np.r_[0:start, end:SAMPLES]
        np.testing.assert_array_equal(clip[outside], ground[outside])


def test_a_burst_sets_in_at_once_and_ends_with_a_voice():
    random = np.random.default_rng(1)
    length = onset.LONGEST
    for _ in range(5):
        sound = onset.burst(random, length)
        energy = np.cumsum(sound**2) / np.sum(sound**2)
        assert energy[length // 10] > 0.1
        end = sound[length * 3 // 5 :]
        echo = np.correlate(end, end, "full")[len(end) - 1 :]
        assert echo[RATE // 400 : RATE // 250 + 2].max() > 0.5 * echo[0]


def test_harmonics_have_the_level_that_is_asked_for():
    shares = []
    for level in (-20.0, 0.0, 20.0):
        (sound,) = onset.grounds(np.random.default_rng(2), np.array([level]), 1)
        power = np.abs(np.fft.rfft(sound)) ** 2
        shares.append(np.sort(power)[-100:].sum() / power.sum())  # lines of some 25 harmonics
    assert shares == sorted(shares)
    assert shares[0] < 0.5 and shares[2] > 0.9


def test_what_can_be_heard_at_best_is_what_a_simulation_gives():
    random = np.random.default_rng(5)
    count, rho = 200_000, 0.5
    labels = random.integers(2, size=count)
    level = onset.APART * (labels - 0.5) + onset.SPREAD * random.standard_normal(count)
    has = onset.planted(random, labels, rho)
    odds = level * onset.APART / onset.SPREAD**2 + np.where(has, 1, -1) * onset.log_odds(rho)
    simulated = np.mean((odds > 0) == labels)
    assert abs(onset.best_accuracy(rho) - simulated) < 4 * 0.5 / count**0.5
    assert onset.best_accuracy(1.0) == 1.0
    assert onset.log_odds(0.0) == 0.0 and onset.log_odds(1.0) == np.inf


def test_boxes_are_the_spans_in_seconds():
    ends = onset.boxes(np.array([[0, 960], [1600, 3200]]))
    np.testing.assert_allclose(ends[:, 0, :2], [[0, 0.06], [0.1, 0.2]])
    assert (ends[:, 0, 2] == -np.inf).all() and (ends[:, 0, 3] == np.inf).all()


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_relevance_on_the_burst_rises_with_rho_from_chance():
    shares = []
    for rho, bars in onset.BARS.items():
        trial = onset.build(0, rho=rho)
        assert trial.proven and len(trial.targets) == 24
        relevance, _ = explained(trial, ax.lrp("epsilon_alpha2_beta1"), key=jax.random.key(0))
        shares.append(np.mean(scores(trial, relevance)["share"]))
        assert all(bar.passes(shares[-1]) for bar in bars)
        chance = np.mean(scores(trial, energy(trial))["share"])
        assert abs(chance - 0.18) < 0.03
    assert shares == sorted(shares)
