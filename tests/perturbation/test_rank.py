"""Which units come first: by relevance, by magnitude, at random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.perturbation.rank import (
    drawn_scores,
    find_units,
    magnitude_scores,
    order_positions,
    random_scores,
    rank_positions,
    top_mask,
    unit_mask,
    unit_scores,
)

PAIRS = np.arange(3)[:, None]
RELEVANCE = jnp.array([[3.0, -3.0], [1.0, 1.0], [-4.0, -1.0]])


def test_ties_go_to_the_lowest_index_and_least_relevant_first_is_the_reverse():
    score = jnp.array([0.0, 1.0, -0.0, 1.0, 0.0])
    np.testing.assert_array_equal(rank_positions(score), [2, 0, 3, 1, 4])
    np.testing.assert_array_equal(order_positions(score, "morf"), [2, 0, 3, 1, 4])
    np.testing.assert_array_equal(order_positions(score, "lerf"), [2, 4, 1, 3, 0])
    with pytest.raises(ValueError, match="unknown order 'most': choose one of morf, lerf"):
        order_positions(score, "most")


def test_those_that_take_no_part_come_last_in_order():
    among = jnp.array([False, True, True, False])
    np.testing.assert_array_equal(rank_positions(jnp.array([9.0, 1, 2, 10]), among), [3, 1, 0, 2])


def test_units_are_ranked_by_sums():
    np.testing.assert_array_equal(unit_scores(RELEVANCE, PAIRS, rank="signed"), [0, 2, -5])
    np.testing.assert_array_equal(unit_scores(RELEVANCE, PAIRS, rank="absolute"), [6, 2, 5])
    halves = np.array([[0, 1], [0, 1], [1, 1]])  # not along an axis
    np.testing.assert_array_equal(unit_scores(RELEVANCE, halves, rank="signed"), [4, -7])
    np.testing.assert_array_equal(top_mask(jnp.array([1.0, 2]), 1, RELEVANCE, halves), halves)


def test_the_largest_has_the_largest_pair():
    features = jnp.array([[3.0, 4.0], [0.0, 6.0], [1.0, 0.0]])
    size = jnp.broadcast_to(jnp.linalg.norm(features, axis=1, keepdims=True), features.shape)
    positions = rank_positions(magnitude_scores(size, PAIRS))
    np.testing.assert_array_equal(positions, [1, 0, 2])
    np.testing.assert_array_equal(unit_mask(positions, 1, (3, 2), PAIRS)[:, 0], [0, 1, 0])


def test_at_random_each_unit_is_as_likely_to_come_first():
    draw = jax.vmap(lambda key: rank_positions(random_scores(key, 5)))
    first = np.asarray(draw(jax.random.split(jax.random.key(0), 2000)) == 0).mean(axis=0)
    np.testing.assert_allclose(first, 0.2, atol=0.04)  # four and a half standard errors


def test_values_drawn_for_features_make_units_of_any_size_as_likely():
    """Of ten units one has nine features: a plain sum of theirs would come first far too often."""
    units = np.minimum(np.arange(18), 9)
    drawn = jax.random.normal(jax.random.key(0), (4000, 18))
    first = np.asarray(jax.vmap(lambda d: jnp.argmax(drawn_scores(d, units, rank="signed")))(drawn))
    share = np.bincount(first, minlength=10) / 4000
    np.testing.assert_allclose(share, 0.1, atol=0.019)  # four standard errors
    for rank in ("signed", "absolute"):  # of one size, as relevance is ranked
        wanted = unit_scores(RELEVANCE, PAIRS, rank=rank)
        np.testing.assert_array_equal(drawn_scores(RELEVANCE, PAIRS, rank=rank), wanted)


def test_relevance_may_be_that_of_units():
    assert find_units((3, 2), (3, 2)) is None
    np.testing.assert_array_equal(find_units((3, 1), (3, 2)), PAIRS)
    np.testing.assert_array_equal(find_units((3, 2), (3, 2), PAIRS), PAIRS)
    with pytest.raises(ValueError, match=r"relevance is \[3\], the features are \[3, 2\]"):
        find_units((3,), (3, 2))
