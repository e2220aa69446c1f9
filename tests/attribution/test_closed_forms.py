"""Each method against results worked out by hand, in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.tree_util import Partial

from audioxai_jax import (
    input_x_gradient,
    integrated_gradients,
    magnitude_control,
    random_control,
    saliency,
)

pytestmark = pytest.mark.usefixtures("x64")
KEY = 0  # a seed: keys are made inside the tests, in double precision too


def relevance(method, model, x, target=0):
    run = jax.jit(lambda x: method(model, x, target, key=jax.random.key(KEY)).relevance)
    return run(x)


def linear(x):
    weights = jnp.arange(1.0, 25.0).reshape(2, 3, 4) - 9.5
    return jnp.einsum("kfc,fc->k", weights, x) + jnp.array([0.3, -0.7])


def weights_of_linear(target):
    return np.arange(1.0, 25.0).reshape(2, 3, 4)[target] - 9.5


@pytest.fixture
def x():
    return jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))


@pytest.mark.parametrize("target", [0, 1])
def test_a_linear_model_gets_weight_times_difference(x, target):
    """A linear model's logit is sum w x + b: gradients are w, contributions w x."""
    w = weights_of_linear(target)
    close = lambda found, wanted: np.testing.assert_allclose(found, wanted, rtol=1e-13)
    close(relevance(saliency(), linear, x, target), np.abs(w))
    close(relevance(input_x_gradient(), linear, x, target), w * x)
    close(relevance(integrated_gradients(steps=1), linear, x, target), w * x)
    shifted = integrated_gradients(steps=3, baseline=jnp.full(4, 0.5))
    close(relevance(shifted, linear, x, target), w * (x - 0.5))


def test_a_square_has_the_paths_closed_form(x):
    """f = sum x^2. Its gradient is 2x; its integral from b to x is x^2 - b^2."""
    square = lambda x: jnp.sum(x**2)[None]
    close = lambda found, wanted: np.testing.assert_allclose(found, wanted, rtol=1e-12)
    close(relevance(saliency(), square, x), 2 * np.abs(x))
    close(relevance(input_x_gradient(), square, x), 2 * x**2)
    close(relevance(integrated_gradients(steps=1), square, x), x**2)
    close(relevance(integrated_gradients(steps=1, baseline=2.0), square, x), x**2 - 4)


def test_product_is_shared_equally():
    """f = x y z from 0: the gradient on the path is a^2 yz, so each factor gets f / 3."""
    product = lambda x: jnp.prod(x)[None]
    x = jnp.array([2.0, -3.0, 0.5])
    np.testing.assert_allclose(
        relevance(integrated_gradients(steps=2), product, x), np.full(3, -1.0), rtol=1e-13
    )
    np.testing.assert_allclose(relevance(input_x_gradient(), product, x), -3.0 * np.ones(3))
    np.testing.assert_allclose(relevance(saliency(), product, x), [1.5, 1.0, 6.0])


def test_unused_features_get_nothing(x):
    model = lambda x: jnp.sum(jnp.sin(x[:, :2]))[None]
    for method in (saliency(), input_x_gradient(), integrated_gradients()):
        found = relevance(method, model, x)
        assert np.all(found[:, 2:] == 0) and np.all(found[:, :2] != 0)


def test_integrated_gradients_of_a_saturated_unit():
    """f = 1 - relu(1 - x): at x = 2 the gradient is zero, but x brought f from 0 to 1."""
    model = lambda x: 1 - jax.nn.relu(1 - x)
    x = jnp.array([2.0])
    assert relevance(saliency(), model, x) == 0
    found = relevance(integrated_gradients(steps=64), model, x)
    assert abs(found[0] - 1) < 1 / 64


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_quadrature_is_exact_for_polynomials_of_twice_its_steps(steps):
    """n Gauss-Legendre nodes integrate degree 2n - 1, so the gradient of x^(2n)."""
    x = jnp.array([1.7, -0.4])
    exact = lambda x: jnp.sum(x ** (2 * steps))[None]
    found = relevance(integrated_gradients(steps=steps), exact, x)
    np.testing.assert_allclose(found, x ** (2 * steps), rtol=1e-12)
    beyond = lambda x: jnp.sum(x ** (2 * steps + 1))[None]
    error = relevance(integrated_gradients(steps=steps), beyond, x) - x ** (2 * steps + 1)
    assert np.max(np.abs(error)) > 1e-6


@jax.jit
def smooth_network(params, x):
    return jnp.tanh(x @ params[0]) @ params[1]


@jax.jit
def integrate(params, x, baseline):
    method = integrated_gradients(steps=200, baseline=baseline)
    return method(Partial(smooth_network, params), x, 1, key=jax.random.key(KEY))


@given(st.integers(0, 2**32 - 1), st.floats(-1, 1))
def test_integrated_gradients_are_complete(seed, baseline):
    """Relevance sums to f(x) - f(b) for a smooth network, and the gap says so."""
    with jax.enable_x64(True):
        random = np.random.default_rng(seed)
        params, x = (random.normal(size=(6, 5)), random.normal(size=(5, 2))), random.normal(size=6)
        found = integrate(params, x, baseline)
        change = (smooth_network(params, x) - smooth_network(params, np.full(6, baseline)))[1]
        error = abs(jnp.sum(found.relevance) - change)
        assert error < 1e-9
        np.testing.assert_allclose(found.info["completeness_gap"], error / abs(change), rtol=1e-3)
        assert found.info["evaluations"] == 202


def test_the_gap_tells_of_too_few_steps(x):
    model = lambda x: jnp.sum(jnp.sin(3 * x))[None]
    gap = lambda steps: integrated_gradients(steps=steps)(
        model, x, 0, key=jax.random.key(KEY)
    ).info["completeness_gap"]
    assert gap(1) > 0.05
    assert gap(64) < 1e-12


@pytest.mark.parametrize("steps", [63, 64, 65, 130])
def test_steps_beyond_the_rows_of_memory_change_nothing(x, steps):
    """The path is evaluated in pieces of 64; the slow sum here takes it point by point."""
    model = lambda x: jnp.sum(jnp.tanh(2 * x))[None]
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    wanted = np.zeros(x.shape)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        wanted += weight * np.asarray(x) * (2 / np.cosh(2 * node * np.asarray(x)) ** 2)
    found = relevance(integrated_gradients(steps=steps), model, x)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_step_is_the_least():
    with pytest.raises(ValueError, match="steps must be a whole number from 1 up, got 0"):
        integrated_gradients(steps=0)


def test_controls_do_not_look_at_the_model(x):
    def forbidden(x):
        raise AssertionError("the model was called")

    assert np.all(relevance(magnitude_control(), forbidden, x) == np.abs(x))
    found = [
        random_control()(forbidden, x, 0, key=jax.random.key(seed)).relevance for seed in (0, 0, 1)
    ]
    assert np.all(found[0] == found[1]) and not np.any(found[0] == found[2])


def test_random_control_is_standard_normal():
    found = relevance(random_control(), linear, jnp.zeros((200, 500)))
    assert abs(np.mean(found)) < 0.015 and abs(np.std(found) - 1) < 0.01
    assert abs(np.mean(found > 1) - 0.1587) < 0.005
