"""Rank correlation: scipy's numbers, ties and maps that rank nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from audioxai_jax.metrics.correlation import rank_correlation


@pytest.mark.parametrize("ties", [False, True])
def test_equals_scipys(ties, x64):
    random = np.random.default_rng(0)
    a = random.normal(size=(20, 15))
    b = a + random.normal(size=(20, 15))
    if ties:
        a, b = np.round(a), np.maximum(b, 0)
    wanted = scipy.stats.spearmanr(a.ravel(), b.ravel()).statistic
    assert float(jax.jit(rank_correlation)(a, b)) == pytest.approx(wanted, abs=1e-12)


def test_only_the_order_counts():
    a = jnp.arange(50.0)
    assert float(rank_correlation(a, jnp.exp(a / 10))) == pytest.approx(1, abs=1e-6)
    assert float(rank_correlation(a, -(a**3))) == pytest.approx(-1, abs=1e-6)


def test_a_constant_map_ranks_nothing():
    for size in (5, 7, 30):  # of some, the mean rank rounds
        assert jnp.isnan(jax.jit(rank_correlation)(jnp.zeros(size), jnp.arange(1.0 * size)))
    assert jnp.isnan(rank_correlation(jnp.array([0, jnp.nan, 1]), jnp.arange(3.0)))


def test_maps_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="carry them to a common domain first"):
        rank_correlation(jnp.zeros((3, 2)), jnp.zeros((2, 3)))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_ranks_are_whole_numbers_in_half_precision_too(kind):
    """3,200 of them, whose squares are beyond float16."""
    a, b = np.random.default_rng(0).normal(size=(2, 3200))
    given = [jnp.asarray(values, kind) for values in (a, a + b)]
    wanted = scipy.stats.spearmanr(*(np.asarray(values, float) for values in given)).statistic
    assert float(rank_correlation(*given)) == pytest.approx(wanted, abs=1e-5)
