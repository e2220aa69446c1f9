"""Bootstrap intervals against theory."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.metrics.bootstrap import bootstrap_interval, median_interval


def test_interval_of_a_mean_is_about_1_96_standard_errors():
    values = jax.random.normal(jax.random.key(0), (400, 2)) * jnp.array([1.0, 3.0])
    low, high = bootstrap_interval(values, jax.random.key(1), samples=4000)
    wanted = 2 * 1.96 * np.asarray(values).std(0) / np.sqrt(400)
    np.testing.assert_allclose(high - low, wanted, rtol=0.08)
    np.testing.assert_allclose((high + low) / 2, values.mean(0), atol=0.1 * wanted.max())


def test_groups_are_drawn_whole():
    """Ten clips of a speaker who always scores the same are one observation, not ten."""
    scores = jax.random.normal(jax.random.key(0), (40,))
    values, groups = jnp.repeat(scores, 10), jnp.repeat(jnp.arange(40), 10)
    low, high = bootstrap_interval(values, jax.random.key(1), groups=groups)
    naive_low, naive_high = bootstrap_interval(values, jax.random.key(1))
    ratio = (high - low) / (naive_high - naive_low)
    np.testing.assert_allclose(ratio, np.sqrt(10), rtol=0.15)


def test_clips_of_nobody_are_in_every_resample():
    """They shift the mean, and add nothing to the spread over speakers."""
    scores = jax.random.normal(jax.random.key(0), (50,))
    low, high = bootstrap_interval(scores, jax.random.key(1), groups=jnp.arange(50))
    values = jnp.concatenate([scores, jnp.full(50, 2.0)])
    groups = jnp.concatenate([jnp.arange(50), jnp.full(50, -1)])
    with_low, with_high = bootstrap_interval(values, jax.random.key(1), groups=groups)
    np.testing.assert_allclose([with_low, with_high], [low / 2 + 1, high / 2 + 1], atol=1e-5)


def test_constant_values_have_no_spread():
    low, high = bootstrap_interval(jnp.full((20,), 0.25), jax.random.key(0))
    assert low == high == 0.25


def test_interval_of_a_median_is_that_of_its_order_statistics():
    """Between which ranks the median of 100 lies with 95 %: binomial, 40 to 61."""
    values = jax.random.permutation(jax.random.key(0), jnp.arange(1.0, 101.0))
    low, high = median_interval(values, jax.random.key(1), samples=4000)
    assert abs(low - 40.5) <= 1.5 and abs(high - 60.5) <= 1.5


def test_intervals_of_medians_cover_them():
    """Of 400 samples of 25 from a known distribution, about 95 % hold its median."""
    values = jax.random.exponential(jax.random.key(0), (400, 25))
    low, high = jax.vmap(median_interval)(values, jax.random.split(jax.random.key(1), 400))
    hits = np.sum((low <= np.log(2)) & (np.log(2) <= high))
    assert 365 <= hits <= 395


def test_medians_of_what_is_never_found_are_infinite():
    never = jnp.inf
    low, high = median_interval(jnp.array([1.0, 2.0, never, never]), jax.random.key(0))
    assert low == 1 and high == never
    for some in ([never], [never, never]):
        assert all(end == never for end in median_interval(jnp.array(some), jax.random.key(0)))
    assert median_interval(jnp.array([3.0]), jax.random.key(0)) == (3, 3)
