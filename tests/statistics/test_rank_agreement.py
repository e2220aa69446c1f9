"""Kendall's tau-b: closed forms, counting by hand, SciPy's value, and its interval."""

import itertools
import math

import jax
import numpy as np
import pytest

from audioxai_jax.statistics.rank_agreement import kendall_tau, tau_interval

KEY = jax.random.key(0)


def counted(a, b):
    """Pair by pair, as the paper defines it."""
    concordant = discordant = only_a = only_b = 0
    for i, j in itertools.combinations(range(len(a)), 2):
        over_a, over_b = a[i] - a[j], b[i] - b[j]
        concordant += over_a * over_b > 0
        discordant += over_a * over_b < 0
        only_a += over_a == 0 and over_b != 0
        only_b += over_b == 0 and over_a != 0
    untied = concordant + discordant
    return (concordant - discordant) / math.sqrt((untied + only_a) * (untied + only_b))


def test_one_order_its_reverse_and_one_exchange():
    a = np.arange(5.0)
    assert kendall_tau(a, 10 * a**3) == 1
    assert kendall_tau(a, -a) == -1
    exchanged = a[[1, 0, 2, 3, 4]]
    np.testing.assert_allclose(kendall_tau(a, exchanged), 1 - 2 / 10, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_ties_count_as_in_the_definition_and_as_scipy_has_it(seed):
    a, b = np.random.default_rng(seed).integers(0, 4, (2, 12)).astype(float)
    tau = kendall_tau(a, b)
    np.testing.assert_allclose(tau, counted(a, b), rtol=1e-5)
    stats = pytest.importorskip("scipy.stats")
    np.testing.assert_allclose(tau, stats.kendalltau(a, b).statistic, rtol=1e-5)


def test_what_ranks_nothing_has_no_tau():
    assert np.isnan(kendall_tau(np.ones(4), np.arange(4.0)))
    assert np.isnan(kendall_tau(np.array([0, np.nan, 1]), np.arange(3.0)))


def test_the_interval_is_a_point_where_all_clips_agree():
    values = np.arange(6.0)[None] + np.linspace(0, 100, 9)[:, None]
    ends = tau_interval(values, -values, KEY, samples=50)
    assert {name: float(value) for name, value in ends.items()} == {
        "tau": -1,
        "low": -1,
        "high": -1,
    }


def test_the_interval_widens_with_the_spread_over_clips():
    random = np.random.default_rng(0)
    quality = np.arange(5.0)
    draw = lambda spread: quality + spread * random.standard_normal((20, 5))
    tight = tau_interval(draw(0.1), draw(0.1), KEY, samples=200)
    loose = tau_interval(draw(8), draw(8), KEY, samples=200)
    assert tight["low"] == tight["tau"] == 1
    assert loose["low"] < 0.5 and loose["low"] <= loose["tau"] <= loose["high"]


def test_a_single_clip_says_nothing_of_the_spread():
    ends = tau_interval(np.arange(4.0)[None], np.arange(4.0)[None], KEY, samples=10)
    assert ends["tau"] == 1 and np.isnan(ends["low"]) and np.isnan(ends["high"])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected \[M\] both"):
        kendall_tau(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match=r"expected \[N, M\] both"):
        tau_interval(np.ones(3), np.ones(3), KEY)
    with pytest.raises(ValueError, match="0 samples"):
        tau_interval(np.ones((2, 3)), np.ones((2, 3)), KEY, samples=0)
