"""Paired statistics: closed forms, enumeration, and what chance does."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.statistics.paired import (
    EXACT,
    area_between,
    mean_difference,
    sign_flip,
)

KEY = jax.random.key(0)


def test_areas_in_closed_form():
    """Between 1 and 1 - x, up to 1, lies 1/2; between them up to 0.4, a mean of 0.2."""
    fractions = np.array([0.0, 0.1, 0.4, 1.0])
    ones, falling = np.ones((2, 4)), np.tile(1 - fractions, (2, 1))
    np.testing.assert_allclose(area_between(ones, falling, fractions), 0.5, rtol=1e-6)
    np.testing.assert_allclose(area_between(falling, ones, fractions), -0.5, rtol=1e-6)
    found = area_between(ones[:, :3], falling[:, :3], fractions[:3])
    np.testing.assert_allclose(found, 0.2, rtol=1e-6)
    # they start at the same clip, so 0 may be left out
    found = area_between(ones[:, 1:], falling[:, 1:], fractions[1:])
    np.testing.assert_allclose(found, 0.5, rtol=1e-6)
    # one fraction: a triangle
    found = area_between(jnp.ones((1, 1)), jnp.zeros((1, 1)), [0.2])
    np.testing.assert_allclose(found, [0.5])


def test_areas_are_those_of_trapezoids_clip_by_clip():
    a, b = np.random.default_rng(0).random((2, 5, 6))
    fractions = np.array([0.01, 0.05, 0.1, 0.3, 0.5, 0.9])
    found = area_between(a, b, fractions)
    for row in range(5):
        difference = np.concatenate([[0], a[row] - b[row]])
        wanted = np.trapezoid(difference, np.concatenate([[0], fractions])) / 0.9
        assert found[row] == pytest.approx(wanted, abs=1e-6)
    a[2, 3] = np.nan
    np.testing.assert_array_equal(np.isnan(area_between(a, b, fractions)), np.arange(5) == 2)


@pytest.mark.parametrize(
    "shape_a, shape_b, fractions, message",
    [
        ((2, 3), (2, 2), [0.1, 0.2, 0.3], r"\[N, M\] both"),
        ((3,), (3,), [0.1, 0.2, 0.3], r"\[N, M\] both"),
        ((2, 3), (2, 3), [0.1, 0.2], "curves of 3 points"),
        ((2, 3), (2, 3), [0.1, 0.3, 0.2], "must rise"),
        ((2, 3), (2, 3), [-0.1, 0.2, 0.3], "must rise"),
        ((2, 3), (2, 3), [0.1, 0.2, np.nan], "must rise"),
        ((2, 1), (2, 1), [0.0], "to above 0"),
        ((2, 0), (2, 0), [], "must rise"),
    ],
)
def test_areas_that_mean_nothing_are_refused(shape_a, shape_b, fractions, message):
    with pytest.raises(ValueError, match=message):
        area_between(np.zeros(shape_a), np.zeros(shape_b), fractions)


def test_the_interval_is_of_paired_differences():
    """Clips differ far more than a and b do: an interval of two separate means would miss it."""
    draw = np.random.default_rng(0)
    clips = 10 * draw.normal(size=300)
    a, b = clips + 0.2 + 0.5 * draw.normal(size=300), clips
    found = mean_difference(a, b, KEY)
    assert found["mean"] == pytest.approx(np.mean(a - b), abs=1e-5)
    assert found["high"] - found["low"] == pytest.approx(
        2 * 1.96 * np.std(a - b) / math.sqrt(300), rel=0.1
    )
    assert 0 < found["low"] < found["mean"] < found["high"]


def test_the_interval_covers():
    """About 95 of 100 intervals hold the true difference."""
    differences = np.random.default_rng(1).normal(0.3, 1.0, size=(60, 100))
    found = mean_difference(differences, np.zeros((60, 100)), KEY)
    covered = np.sum((found["low"] < 0.3) & (found["high"] > 0.3))
    assert 88 <= covered <= 99


def test_over_speakers_the_interval_is_wider_and_their_numbers_do_not_matter():
    draw = np.random.default_rng(2)
    speakers = np.repeat(np.arange(12), 25)
    a = draw.normal(size=12)[speakers] + 0.1 * draw.normal(size=300)
    clips = mean_difference(a, 0 * a, KEY)
    found = mean_difference(a, 0 * a, KEY, groups=speakers)
    assert found["high"] - found["low"] > 3 * (clips["high"] - clips["low"])
    sparse = mean_difference(a, 0 * a, KEY, groups=5 * speakers + 7)
    np.testing.assert_array_equal(sparse["low"], found["low"])
    np.testing.assert_array_equal(sparse["high"], found["high"])
    nobody = mean_difference(a, 0 * a, KEY, groups=np.where(speakers < 3, -1, speakers))
    assert nobody["mean"] == found["mean"]


def enumerated(difference):
    sums = [
        abs(np.dot(signs, difference))
        for signs in itertools.product([1, -1], repeat=len(difference))
    ]
    return np.mean(np.asarray(sums) >= abs(np.sum(difference)) - 1e-6)


@pytest.mark.parametrize("difference", [[1.0, 2.0, 3.0], [1.0, -2.0, 0.5], [0.0, 0.0, 1.0]])
def test_few_are_enumerated(difference):
    found = sign_flip(jnp.asarray(difference), jnp.zeros(3), KEY)
    assert found == pytest.approx(enumerated(difference), abs=1e-6)


def test_sums_that_are_equal_but_for_rounding_count():
    """In tenths they are whole numbers: 28 of 128 sums are at least as far from 0 as 1.6."""
    tenths = np.array([7, 1, -2, 5, 3, -4, 6])
    assert enumerated(tenths) == 28 / 128
    assert sign_flip(tenths / 10, np.zeros(7), KEY) == 28 / 128


def test_by_hand_and_by_the_binomial():
    """Three of one sign: 2 of 8 ways. Of clips that differ by 1, it is McNemar's exact test."""
    assert sign_flip(jnp.array([0.1, 0.7, 0.3]), jnp.zeros(3), KEY) == 0.25
    right_a = np.array([1, 1, 1, 1, 1, 0, 1, 0, 1, 0])
    right_b = np.array([0, 0, 0, 0, 1, 1, 0, 0, 1, 0])
    # five are right in a alone, one in b alone
    wanted = 2 * sum(math.comb(6, k) for k in (0, 1)) / 2**6
    assert sign_flip(right_a, right_b, KEY) == pytest.approx(wanted)


def test_many_are_drawn_and_agree_with_the_normal_approximation():
    difference = np.random.default_rng(3).normal(0.2, 1.0, size=100)
    found = sign_flip(difference, np.zeros(100), KEY)
    z = abs(difference.sum()) / math.sqrt(np.sum(difference**2))
    assert found == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.02)
    far = sign_flip(np.ones(100), np.zeros(100), KEY)
    assert far == pytest.approx(1 / 10_000)  # never 0
    assert sign_flip(np.ones(100), np.ones(100), KEY) == 1


@pytest.mark.parametrize("clips", [8, 40])
def test_p_is_uniform_where_nothing_differs(clips):
    """At most a share of p has a p-value of p or less: 400 tries, four standard errors."""
    tries = np.random.default_rng(4).normal(size=(400, clips))
    zeros = np.zeros(clips)
    found = jax.jit(jax.vmap(lambda row: sign_flip(row, zeros, KEY, samples=199)))(tries)
    for level in (0.05, 0.25, 0.5):
        error = math.sqrt(level * (1 - level) / 400)
        assert np.mean(found <= level + 1e-6) == pytest.approx(level, abs=4 * error)


def test_groups_flip_together():
    """25 clips of each of three speakers who agree are three observations, not 75."""
    speakers = np.repeat([4, 9, 2], 25)
    difference = np.repeat([0.2, 0.3, 0.1], 25)
    assert sign_flip(difference, 0 * difference, KEY, groups=speakers) == 0.25
    assert sign_flip(difference, 0 * difference, KEY) < 0.001
    nobody = np.array([-1, 5, 5, -1])
    found = sign_flip(np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4), KEY, groups=nobody)
    assert found == pytest.approx(enumerated([1.0, 5.0, 4.0]))


def test_what_is_not_finite_has_no_p():
    for clips in (5, EXACT + 1):
        assert np.isnan(sign_flip(np.full(clips, np.nan), np.zeros(clips), KEY))
    assert np.isnan(mean_difference(np.array([1.0, np.nan]), np.zeros(2), KEY)["mean"])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: sign_flip(np.ones(3), np.ones(4), KEY), r"\[3\] and \[4\]"),
        (lambda: sign_flip(np.ones(0), np.ones(0), KEY), "at least one"),
        (lambda: sign_flip(np.ones((3, 2)), np.ones((3, 2)), KEY), r"got \[3, 2\]"),
        (lambda: sign_flip(np.ones(3), np.ones(3), KEY, groups=np.zeros(3)), "float64"),
        (lambda: sign_flip(np.ones(3), np.ones(3), KEY, groups=np.zeros(2, int)), r"int64 \[2\]"),
        (
            lambda: mean_difference(np.ones(2), np.ones(2), KEY, groups=np.array([-1, -1])),
            "all groups are -1",
        ),
        (lambda: mean_difference(np.ones(2), np.ones(2), KEY, groups=np.array([-2, 0])), "got -2"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
