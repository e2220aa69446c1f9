"""Localisation: hand values, slow recomputation, and what is undefined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from audioxai_jax.metrics.localisation import (
    attribution_localisation,
    pointing_game,
    relevance_mass_accuracy,
    relevance_rank_accuracy,
    weighted_attribution_localisation,
)
from audioxai_jax.metrics.segments import roc_auc, segment_auc, segment_sums

ALL = (pointing_game, relevance_rank_accuracy, relevance_mass_accuracy, attribution_localisation)
RELEVANCE = jnp.array([[4.0, 1.0], [3.0, 0.0], [-2.0, 2.0]])
TRUTH = jnp.array([[1, 0], [0, 0], [1, 1]], bool)


def test_hand_values():
    assert pointing_game(RELEVANCE, TRUTH) == 1
    assert pointing_game(RELEVANCE, ~TRUTH) == 0
    assert relevance_rank_accuracy(RELEVANCE, TRUTH) == pytest.approx(2 / 3)  # 4, 3, 2
    assert relevance_mass_accuracy(jnp.abs(RELEVANCE), TRUTH) == pytest.approx(8 / 12)
    assert attribution_localisation(RELEVANCE, TRUTH) == pytest.approx(6 / 10)
    assert weighted_attribution_localisation(RELEVANCE, TRUTH) == pytest.approx(6 / 10 * 6 / 3)


@pytest.mark.parametrize("measure", ALL)
def test_the_truth_itself_is_best_and_its_contrary_worst(measure):
    assert measure(TRUTH * 1.0, TRUTH) == 1
    assert measure(1.0 - TRUTH, TRUTH) == 0


@pytest.mark.parametrize("measure", ALL)
def test_undefined(measure):
    assert jnp.isnan(measure(RELEVANCE**2, jnp.zeros_like(TRUTH)))
    assert jnp.isnan(measure(RELEVANCE.at[1, 1].set(jnp.nan), TRUTH))
    with pytest.raises(ValueError, match="broadcast"):
        measure(RELEVANCE, TRUTH[:, :1])


def test_maps_without_mass():
    assert jnp.isnan(relevance_mass_accuracy(RELEVANCE, TRUTH))  # -2 is not a mass
    assert jnp.isnan(relevance_mass_accuracy(jnp.zeros((3, 2)), TRUTH))
    assert jnp.isnan(attribution_localisation(-jnp.abs(RELEVANCE), TRUTH))


def test_a_constant_map_points_as_chance_does():
    assert pointing_game(jnp.ones((3, 2)), TRUTH) == 0.5


def test_ranks_over_batches():
    random = np.random.default_rng(0)
    relevance, truth = random.normal(size=(20, 6, 5)), random.random((20, 6, 5)) < 0.3
    found = jax.jit(jax.vmap(relevance_rank_accuracy))(relevance, truth)
    for one, inside, value in zip(relevance, truth, found, strict=True):
        best = np.argsort(-one.ravel())[: inside.sum()]
        assert value == pytest.approx(inside.ravel()[best].mean())


def slow_auc(scores, labels):
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    return np.mean(wins)


def test_auc_is_the_share_of_pairs(x64):
    random = np.random.default_rng(0)
    for ties in (False, True):
        scores, labels = random.normal(size=60), random.integers(-1, 2, 60)
        scores = np.round(scores) if ties else scores
        found = jax.jit(roc_auc)(jnp.asarray(scores), jnp.asarray(labels))
        assert found == pytest.approx(slow_auc(scores, labels), abs=1e-12)
        used = labels >= 0
        u = scipy.stats.mannwhitneyu(scores[used][labels[used] == 1], scores[labels == 0]).statistic
        assert found == pytest.approx(u / (sum(labels == 1) * sum(labels == 0)), abs=1e-12)
    extreme = jnp.array([jnp.inf, 1.0, jnp.inf, -jnp.inf])
    assert roc_auc(extreme, jnp.array([1, 1, 0, 0])) == (0.5 + 1 + 0 + 1) / 4


def test_auc_of_more_pairs_than_whole_numbers():
    """1e10 pairs; in int32 their number wraps around."""
    labels = jnp.arange(200_000) % 2
    assert roc_auc(labels.astype(jnp.float32), labels) == 1
    assert roc_auc(jnp.zeros(200_000), labels) == 0.5


def test_auc_undefined():
    scores = jnp.array([1.0, 2.0, jnp.nan])
    assert jnp.isnan(roc_auc(scores, jnp.array([1, 1, -1])))
    assert jnp.isnan(roc_auc(scores, jnp.array([0, 1, 1])))
    assert roc_auc(scores, jnp.array([0, 1, -1])) == 1


def test_segments():
    relevance = jnp.arange(14.0).reshape(7, 2)
    np.testing.assert_array_equal(segment_sums(relevance, length=3), [15, 51, 25])
    labels = jnp.array([0, 1, -1])
    assert segment_auc(relevance, labels, length=3) == 1
    assert segment_auc(-relevance, labels, length=3) == 0
    with pytest.raises(ValueError, match="3 segments of 3"):
        segment_auc(relevance, labels[:2], length=3)
    with pytest.raises(ValueError, match="1 or more"):
        segment_sums(relevance, length=0)
