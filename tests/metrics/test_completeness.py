"""Completeness: closed forms on linear models, and what is undefined."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.metrics.completeness import (
    completeness_error,
    gap,
    relative_completeness_error,
    relative_gap,
)

WEIGHTS = np.random.default_rng(0).normal(size=(3, 4, 5))
X = np.random.default_rng(1).normal(size=(4, 5))
BASE = np.random.default_rng(2).normal(size=(4, 5))


def linear(weights, x):
    return jnp.sum(weights * x, axis=(1, 2)) + 1


def test_contributions_of_a_linear_model_are_complete(x64):
    model, x, base = Partial(linear, jnp.asarray(WEIGHTS)), jnp.asarray(X), jnp.asarray(BASE)
    relevance = jnp.asarray(WEIGHTS[2]) * (x - base)
    change = float(np.sum(WEIGHTS[2] * (X - BASE)))
    for scale, wanted in ((1, 0), (1.5, 0.5), (-1, 2)):
        given = (model, x, scale * relevance, 2)
        assert completeness_error(*given, baseline=base) == pytest.approx(wanted * abs(change))
        assert relative_completeness_error(*given, baseline=base) == pytest.approx(wanted)


def test_the_baseline_is_zero_unless_given(x64):
    model, x = Partial(linear, jnp.asarray(WEIGHTS)), jnp.asarray(X)
    assert completeness_error(model, x, jnp.asarray(WEIGHTS[0] * X), 0) < 1e-12
    assert completeness_error(model, x, jnp.zeros(20), 0) == pytest.approx(
        abs(np.sum(WEIGHTS[0] * X))
    )


def test_what_is_undefined():
    assert jnp.isnan(relative_gap(jnp.ones(3), jnp.float32(2), jnp.float32(2)))
    assert gap(jnp.ones(3), jnp.float32(2), jnp.float32(2)) == 3
    assert jnp.isnan(gap(jnp.array([jnp.nan]), jnp.float32(2), jnp.float32(1)))
    with pytest.raises(ValueError, match="expected scalars"):
        gap(jnp.ones(3), jnp.ones(3), jnp.float32(0))
    with pytest.raises(ValueError, match="is not a class"):
        completeness_error(lambda x: x, jnp.ones(3), jnp.ones(3), 3)
