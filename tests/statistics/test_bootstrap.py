"""Bootstrap intervals against theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.statistics.bootstrap import bootstrap_interval, median_interval


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


@pytest.mark.full_size
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
    assert median_interval(jnp.array([never, never]), jax.random.key(0)) == (never, never)
    assert np.isnan(median_interval(jnp.array([3.0]), jax.random.key(0))).all()
    assert np.isnan(median_interval(jnp.array([3.0, 1.0, jnp.nan]), jax.random.key(0))).all()


def test_medians_over_speakers_draw_them_whole_and_nobodys_clips_always():
    """Twelve speakers who always need the same are twelve observations, not 240."""
    needs, random = np.random.default_rng(0).random(12), np.random.default_rng(1)
    speakers = np.repeat(np.arange(12), 20)
    drawn = random.choice(needs, (20_000, 12))
    wanted = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    found = median_interval(needs[speakers], jax.random.key(1), groups=speakers)
    np.testing.assert_allclose(found, wanted, atol=0.1)
    nobody = np.where(np.arange(240) < 120, np.arange(240) % 12, -1)
    values = np.where(nobody < 0, 0.5, needs[nobody])
    found = median_interval(values, jax.random.key(1), groups=nobody)
    np.testing.assert_allclose(found, 0.5, atol=0.1)


def test_only_who_is_the_same_matters_not_the_numbers():
    """Numbers between those of the groups are no groups: nobody would be drawn for them."""
    scores, groups = np.random.default_rng(0).random(60), np.arange(60) % 12
    ends = bootstrap_interval(scores, jax.random.key(1), groups=groups)
    sparse = bootstrap_interval(scores, jax.random.key(1), groups=5 * groups + 7)
    np.testing.assert_array_equal(sparse, ends)


def test_one_clip_or_group_has_no_interval():
    """An interval of no width would pass for certainty."""
    assert np.isnan(bootstrap_interval(jnp.ones((1, 3)), jax.random.key(0))).all()
    one = jnp.asarray([4, 4, -1])
    assert np.isnan(bootstrap_interval(jnp.arange(3.0), jax.random.key(0), groups=one)).all()


def test_yes_and_no_are_counted_and_half_precision_is_not_summed_in():
    right = np.random.default_rng(0).random(5000) < 0.7
    wanted = bootstrap_interval(jnp.asarray(right, jnp.float32), jax.random.key(0), samples=200)
    for kind in (bool, jnp.float16):
        found = bootstrap_interval(jnp.asarray(right, kind), jax.random.key(0), samples=200)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "values, settings, said",
    [
        (np.zeros((0, 2)), {}, r"the values are \[0, 2\]"),
        (np.float32(1), {}, r"the values are \[\]"),
        (np.zeros(3), {"level": 95}, "level of 95"),
        (np.zeros(3), {"samples": 0}, "0 samples"),
        (np.zeros(3), {"groups": np.array([-1, -1, -1])}, "all clips are nobody's"),
        (np.zeros(3), {"groups": np.zeros(1, int)}, r"expected integers \[3\]"),
    ],
)
def test_what_has_no_interval_is_refused(values, settings, said):
    with pytest.raises(ValueError, match=said):
        bootstrap_interval(values, jax.random.key(0), **settings)
