"""Time: ten stretches of one energy, one of which decides."""

import jax
import numpy as np
import pytest

import audioxai_jax as ax
from audioxai_jax.truth import time
from audioxai_jax.truth.events import DISTRACTORS, KINDS
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores

LENGTH = SAMPLES // time.STRETCHES


@pytest.fixture(scope="module")
def drawn():
    return time.draw(60, seed=3, variants=8)


def test_a_seed_gives_the_same_bytes(drawn):
    again = time.draw(60, seed=3, variants=8)
    assert again.audio.tobytes() == drawn.audio.tobytes()
    assert time.draw(60, seed=4, variants=8).audio.tobytes() != drawn.audio.tobytes()


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_clips_can_be_drawn(count):
    drawn = time.draw(count, seed=0, variants=2)
    assert drawn.audio.shape == (count, SAMPLES) and drawn.audio.dtype == np.float32
    assert drawn.labels.shape == drawn.place.shape == (count,)


def test_all_stretches_have_one_energy(drawn):
    parts = drawn.audio.reshape(-1, time.STRETCHES, LENGTH)
    np.testing.assert_allclose((parts**2).mean(axis=-1), time.LEVEL**2, rtol=1e-5)


def test_the_stretch_that_decides_holds_a_sound_of_its_class_and_no_other_does(drawn):
    kinds = kinds_of(drawn, seed=3)
    rows = np.arange(len(kinds))
    np.testing.assert_array_equal(kinds[rows, drawn.place], drawn.labels)
    assert (np.sum(kinds < len(KINDS), axis=1) == 1).all()


def test_without_what_decides_all_are_distractors():
    without = time.draw(20, seed=3, decide=False, variants=8)
    assert (kinds_of(without, seed=3) >= len(KINDS)).all()


def test_training_clips_hold_one_to_several_sounds_of_one_class():
    many = time.draw(60, seed=3, several=4, variants=8)
    kinds = kinds_of(many, seed=3)
    counts = np.sum(kinds == many.labels[:, None], axis=1)
    assert set(counts) == {1, 2, 3, 4}
    np.testing.assert_array_equal(np.sum(kinds < len(KINDS), axis=1), counts)


def kinds_of(drawn, *, seed):
    """Which kind each stretch holds, found again among the sounds that the seed begins with."""
    random = np.random.default_rng([seed, 1])
    bank = [
        [kind(random, LENGTH, RATE) for _ in range(8)] for kind in (*KINDS.values(), *DISTRACTORS)
    ]
    flat = np.reshape(bank, (-1, LENGTH))
    parts = drawn.audio.reshape(-1, LENGTH) / (time.LEVEL * LENGTH**0.5)
    alike = parts @ flat.T
    assert np.allclose(alike.max(axis=1), 1, atol=1e-4)
    return (alike.argmax(axis=1) // 8).reshape(-1, time.STRETCHES)


def test_its_box_is_the_stretch_from_end_to_end():
    ends = time.boxes(np.array([0, 9]))
    assert ends.shape == (2, 1, 4)
    np.testing.assert_allclose(ends[:, 0, :2], [[0, 0.05], [0.45, 0.5]])
    assert (ends[:, 0, 2] == -np.inf).all() and (ends[:, 0, 3] == np.inf).all()


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_lrp_points_at_the_stretch_that_decides_and_energy_does_not():
    trial = time.build(2)
    assert trial.proven and len(trial.targets) == 24
    relevance, _ = explained(trial, ax.lrp(), key=jax.random.key(0))
    told = scores(trial, relevance)
    for bar in time.BARS:
        assert bar.passes(np.mean(told[bar.score]))
    stretches = energy(trial).astype(np.float64).reshape(len(relevance), time.STRETCHES, -1).sum(2)
    np.testing.assert_allclose(stretches, stretches[:, :1] * np.ones(time.STRETCHES), rtol=1e-5)
