"""Shares of positive relevance along an axis."""

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics.relevance_shares import shares


def test_shares_by_hand():
    relevance = jnp.array([[1.0, -5.0, 2.0], [3.0, 0.0, 4.0]])
    along = shares(relevance, np.array([0, 10, 20]), [0, 10, 30])
    assert along.tolist() == pytest.approx([0.4, 0.6])
    rows = shares(relevance, np.array([0.0, 1.0]), [0, 1, 2], axis=0)
    assert rows.tolist() == pytest.approx([0.3, 0.7])


def test_what_lies_outside_counts_in_the_sum():
    assert float(shares(jnp.ones(4), np.arange(4), [1, 2])[0]) == 0.25


def test_nothing_positive_has_no_shares():
    assert jnp.isnan(shares(-jnp.ones(3), np.arange(3), [0, 3])).all()


def test_mistakes_are_said():
    with pytest.raises(ValueError, match="\\[4\\] places for an axis of 3 entries"):
        shares(jnp.ones(3), np.arange(4), [0, 1])
    with pytest.raises(ValueError, match="edges must rise"):
        shares(jnp.ones(3), np.arange(3), [1, 1])
