"""RISE: its masks, and what it expects of a linear model."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.attribution.rise import rise
from tests.helpers.games import WEIGHTS, explain, linear, normal


def test_rise_of_a_linear_model(x64):
    """E = f(b) + sum_k w_k d_k E[m_k m_i] / p, with E[m_k m_i] from the interpolation."""
    size, cells, p = 7, 3, 0.3
    x, base = normal(size), 0.5
    method = rise(samples=20000, cells=cells, probability=p, baseline=base, chunk=2000)
    found = explain(method, linear, x)
    width = math.ceil(size / cells)
    second = np.zeros((size, size))
    for shift in range(width):
        hats = 1 - np.abs((np.arange(size) + shift)[:, None] / width - np.arange(cells + 2))
        hats = np.maximum(hats, 0)
        second += (p**2 + p * (1 - p) * hats @ hats.T) / width
    w = WEIGHTS[:size]
    wanted = 3 + np.sum(w * base) + second @ (w * (x - base)) / p
    deviation = (found.relevance - wanted) / found.info["standard_error"]
    assert np.max(np.abs(deviation)) < 4


def test_masks_have_the_probability_and_are_smooth():
    method, x = rise(cells=(4, 5), probability=0.3), jnp.zeros((3, 16, 12))
    masks = jax.jit(jax.vmap(lambda key: method._mask(x, key)))(
        jax.random.split(jax.random.key(0), 3000)
    )
    assert masks.shape == (3000, 3, 16, 12) and masks.min() >= 0 and masks.max() <= 1
    assert np.all(masks[:, :1] == masks)  # constant where no cells are given
    np.testing.assert_allclose(np.mean(masks, axis=0), 0.3, atol=0.05)
    assert np.max(np.abs(np.diff(masks, axis=2))) <= 1 / 4 + 1e-6  # linear between nodes
    default = rise()._mask(jnp.zeros((30, 4)), jax.random.key(0))
    assert np.all(default[:, :1] == default) and np.ptp(default) > 0


def test_wrong_cells_and_probabilities_are_refused():
    for p in (0.0, 1.0):
        with pytest.raises(ValueError, match="rise: probability must lie between 0 and 1"):
            rise(probability=p)
    with pytest.raises(ValueError, match="rise: cells: sizes are whole numbers above 0"):
        rise(cells=0)
    with pytest.raises(ValueError, match=r"rise: cells \(2, 2\) for an input \[6\] of 1 axes"):
        rise(cells=(2, 2))(linear, jnp.ones(6), 0, key=jax.random.key(0))
