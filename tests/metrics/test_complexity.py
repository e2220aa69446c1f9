"""Complexity in closed form, by slow sums, and what does not change it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audioxai_jax.metrics.complexity import complexity, effective_complexity, sparseness

ALL = (sparseness, complexity, effective_complexity)


@pytest.mark.parametrize("number", [1, 2, 7])
def test_closed_forms(x64, number):
    even, single = jnp.full((number, 3), -0.2), jnp.zeros((number, 3)).at[0, 1].set(-4.0)
    size = 3 * number
    assert sparseness(even) == pytest.approx(0, abs=1e-12)
    assert sparseness(single) == pytest.approx(1 - 1 / size)
    assert complexity(even) == pytest.approx(np.log(size))
    assert complexity(single) == 0
    assert effective_complexity(even) == size and effective_complexity(single) == 1


def test_slow_sums(x64):
    values = np.random.default_rng(0).normal(size=(4, 5))
    sizes = np.abs(values).ravel()
    apart = np.abs(sizes[:, None] - sizes[None]).sum() / (2 * 20 * sizes.sum())
    assert sparseness(jnp.asarray(values)) == pytest.approx(apart, rel=1e-12)
    shares = sizes / sizes.sum()
    assert complexity(jnp.asarray(values)) == pytest.approx(
        -sum(s * np.log(s) for s in shares), rel=1e-12
    )
    for threshold in (1e-5, 0.1, 0.5):
        found = effective_complexity(jnp.asarray(values), threshold=threshold)
        assert found == sum(size / max(sizes) > threshold for size in sizes)


@given(arrays(np.float32, 12, elements=st.floats(-1, 1, width=32)).filter(np.any))
def test_sign_order_and_scale_change_nothing(values):
    for metric in ALL:
        first = metric(jnp.asarray(values))
        np.testing.assert_allclose(metric(jnp.asarray(-values[::-1])), first, rtol=1e-4, atol=1e-5)
    if np.max(np.abs(values)) > 1e-3:
        for metric in (sparseness, complexity):
            large = metric(jnp.asarray(values * np.float32(2**60)))
            np.testing.assert_allclose(large, metric(jnp.asarray(values)), rtol=1e-5, atol=1e-6)


def test_extreme_scales():
    drawn = np.random.default_rng(0).uniform(1, 2, size=1000).astype(np.float32)
    for metric in ALL:
        wanted = metric(jnp.asarray(drawn))
        for scale in (1e-36, 1e36):
            np.testing.assert_allclose(metric(jnp.asarray(drawn * np.float32(scale))), wanted, 1e-4)


@pytest.mark.parametrize("metric", ALL)
def test_relevance_that_says_nothing(metric):
    for bad in ([0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]):
        assert np.isnan(jax.jit(metric)(jnp.asarray(bad))), bad
    with pytest.raises(ValueError, match="no entries"):
        metric(jnp.zeros((0, 3)))
    with pytest.raises(ValueError, match="floating point"):
        metric(jnp.ones(3, int))
    with pytest.raises(ValueError, match="threshold"):
        effective_complexity(jnp.ones(3), threshold=1.0)


def test_features_are_counted_exactly_in_half_precision():
    relevance = jnp.ones(3001, jnp.bfloat16)  # which has 8 binary digits
    assert float(effective_complexity(relevance)) == 3001
