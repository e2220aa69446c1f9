"""Sensitivity: zero for slopes of linear models, recomputed for others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient, random_control, signed_gradient
from audioxai_jax.metrics.sensitivity import average_sensitivity, max_sensitivity, sensitivities
from audioxai_jax.perturbation.noise import perturbed_inputs, uniform_noise

KEY = jax.random.key(1)
WEIGHTS = np.random.default_rng(0).normal(size=(3, 4, 5))
X = np.random.default_rng(1).normal(size=(4, 5))


def linear(weights, x):
    return jnp.sum(weights * x, axis=(1, 2))


def squares(weights, x):
    return jnp.sum(weights * x**2, axis=(1, 2)) / 2


def test_slopes_of_a_linear_model_do_not_change():
    model, x = Partial(linear, jnp.asarray(WEIGHTS, jnp.float32)), jnp.asarray(X, jnp.float32)
    for measure in (max_sensitivity, average_sensitivity):
        assert measure(signed_gradient(), model, x, 1, key=KEY, radius=0.5) < 1e-6


def test_recomputed(x64):
    """The gradient of the squares is w x, and the noise is known."""
    model, x = Partial(squares, jnp.asarray(WEIGHTS)), jnp.asarray(X)
    noise_key = jax.random.split(KEY)[1]
    changed = np.asarray(perturbed_inputs(uniform_noise(0.3), x, noise_key, 6))
    assert np.max(np.abs(changed - X)) < 0.3
    w = WEIGHTS[1]
    wanted = [np.linalg.norm(w * (one - X)) / np.linalg.norm(w * X) for one in changed]
    run = dict(key=KEY, radius=0.3, samples=6, chunk=4)
    measures = (max_sensitivity, average_sensitivity)
    found = jax.jit(lambda x: [f(signed_gradient(), model, x, 1, **run) for f in measures])(x)
    np.testing.assert_allclose(found, [np.max(wanted), np.mean(wanted)], rtol=1e-12)


def test_more_samples_find_more():
    model, x = Partial(squares, jnp.asarray(WEIGHTS, jnp.float32)), jnp.asarray(X, jnp.float32)
    few, many = (
        max_sensitivity(input_x_gradient(), model, x, 0, key=KEY, samples=samples)
        for samples in (2, 8)
    )
    assert many >= few > 0


def test_what_a_method_draws_is_no_sensitivity():
    model, x = Partial(linear, jnp.asarray(WEIGHTS, jnp.float32)), jnp.asarray(X, jnp.float32)
    assert max_sensitivity(random_control(), model, x, 0, key=KEY) == 0


def test_no_relevance_has_no_scale():
    model, x = Partial(linear, jnp.zeros((3, 4, 5))), jnp.asarray(X, jnp.float32)
    assert jnp.isnan(max_sensitivity(signed_gradient(), model, x, 0, key=KEY))
    with pytest.raises(ValueError, match="expected"):
        sensitivities(signed_gradient(), model, x, 0, x, key=KEY)
