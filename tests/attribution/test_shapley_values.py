"""Exact Shapley values: known games, all orders, and the axioms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioxai_jax.attribution.shapley_values import shapley_values
from tests.helpers.games import (
    EACH,
    QUADRATIC,
    close,
    explain,
    largest,
    network,
    normal,
    product,
    quadratic,
    values_by_orders,
    values_of_largest,
)


def test_values_of_known_games(x64):
    x = np.array([2.0, -3.0, 0.5, 1.5])
    close(explain(shapley_values(segments=EACH), product, x).relevance, np.full(4, -4.5 / 4))
    x = np.array([0.3, 1.2, 0.0, 0.7, 0.7])
    close(explain(shapley_values(segments=EACH), largest, x).relevance, values_of_largest(x))
    x, base = normal(5), normal(5, seed=1)
    q, d = QUADRATIC[:5, :5], x - base
    found = explain(shapley_values(segments=EACH, baseline=jnp.asarray(base)), quadratic, x)
    close(found.relevance, 2 * d * (q @ base) + d * (q @ d))


def test_values_are_means_over_all_orders(x64):
    numbers = np.array([[0, 1, 2], [3, 1, 0]])
    x, base = normal(2, 3), normal(3, seed=1)
    found = explain(shapley_values(segments=numbers, baseline=jnp.asarray(base)), network, x)
    wanted = values_by_orders(network, x, base, numbers, 4)
    close(found.relevance, wanted[numbers])
    assert found.info["evaluations"] == 16


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.permutations(range(5)), st.floats(-1, 1))
def test_shapley_axioms_hold_for_random_games(seed, order, baseline):
    """Completeness; symmetry: renamed features carry their values along; dummies get nothing."""
    with jax.enable_x64(True):
        x, baseline = normal(5, seed=seed), jnp.float64(baseline)
        x[order[0]] = x[order[1]]
        method = shapley_values(segments=EACH, baseline=baseline)

        found = explain(method, _symmetric, x)
        renamed = explain(method, _symmetric, x[np.array(order)])
        close(renamed.relevance, found.relevance[np.array(order)])
        close(found.relevance[order[0]], found.relevance[order[1]])
        assert found.info["completeness_gap"] < 1e-9
        ignoring = explain(method, _ignores_the_first, x)
        close(ignoring.relevance[0], np.zeros(()))


def _symmetric(x):
    return jnp.stack([jnp.tanh(jnp.sum(x)) * jnp.sum(x**2) + jnp.max(x)])


def _ignores_the_first(x):
    return _symmetric(x[1:])


def test_too_many_groups_are_refused():
    with pytest.raises(ValueError, match=r"17 groups have 2\*\*17 coalitions; at most 16"):
        shapley_values(segments=EACH).milestones(jnp.zeros(17))
    assert shapley_values(segments=EACH).milestones(jnp.zeros(16)) == (2**16 - 2,)
