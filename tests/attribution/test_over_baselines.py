"""Means over baselines against a loop over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import deep_lift, integrated_gradients, propagation, saliency
from audioxai_jax.attribution.over_baselines import over_baselines
from audioxai_jax.attribution.quadrature import gauss_legendre
from audioxai_jax.attribution.smoothgrad import smoothgrad
from audioxai_jax.engine.batch import attribute_batch

FACTORIES = {
    "deep_lift": lambda baseline: deep_lift(baseline=baseline),
    "integrated_gradients": lambda baseline: integrated_gradients(steps=3, baseline=baseline),
}
run = jax.jit(lambda method, model, x, target, key: method(model, x, target, key=key))


def network(params, x):
    return params["out"] @ jax.nn.relu(params["in"] @ x)


@pytest.fixture
def model(x64):
    random = np.random.default_rng(3)
    return Partial(network, {"in": random.normal(size=(6, 3)), "out": random.normal(size=(2, 6))})


@pytest.fixture
def x(x64):
    return jnp.array([0.3, -1.2, 0.9])


@pytest.fixture
def baselines(x64):
    return jnp.asarray(np.random.default_rng(4).normal(size=(7, 3)))


def test_a_square_has_a_closed_form_over_baselines(x, baselines, key):
    """f = sum x^2: Integrated Gradients are x^2 - b^2."""
    square = Partial(lambda x: jnp.sum(x**2)[None])
    found = run(over_baselines(integrated_gradients(steps=2), baselines), square, x, 0, key)
    np.testing.assert_allclose(found.relevance, x**2 - np.mean(baselines**2, 0), rtol=1e-12)
    assert found.info["completeness_gap"] < 1e-12
    assert found.info["evaluations"] == 7 * (2 + 2 + 1) + 1
    assert np.all(np.isnan(found.info["standard_error"]))


def test_linear_product_and_maximum(x, baselines, key):
    method = over_baselines(integrated_gradients(steps=64), baselines, chunk=7)
    w = np.array([2.0, -1.0, 0.5])
    linear = Partial(lambda x: jnp.asarray(w) @ x[:, None])
    found = run(method, linear, x, 0, key).relevance
    np.testing.assert_allclose(found, w * (x - baselines.mean(0)), rtol=1e-12)
    way = np.asarray(x - baselines)
    kinks = np.mean(way.max(1) - way.min(1))  # by how much the slope of a maximum can change
    bounds = (1e-12, gauss_legendre(64)[1].max() * kinks)  # a jump is misplaced by one weight
    for model, most in zip((lambda x: jnp.prod(x)[None], lambda x: jnp.max(x)[None]), bounds):
        found = method(model, x, 0, key=key)  # without jit: see test_smoothgrad
        change = model(x)[0] - np.mean([model(b)[0] for b in baselines])
        error = abs(found.relevance.sum() - change)
        assert error <= most
        gap = error / abs(change)
        np.testing.assert_allclose(found.info["completeness_gap"], gap, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 64])
@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_it_equals_a_loop_over_the_baselines(factory, model, x, baselines, key, chunk):
    wanted = np.mean([run(factory(b), model, x, 1, key).relevance for b in baselines], axis=0)
    found = run(over_baselines(factory(0.0), baselines, chunk=chunk), model, x, 1, key)
    np.testing.assert_allclose(found.relevance, wanted, rtol=1e-12)


def test_of_smoothgrad_equals_the_loop(model, x, baselines, key):
    make = lambda b: smoothgrad(integrated_gradients(steps=3, baseline=b), samples=4)
    found = run(over_baselines(make(0.0), baselines), model, x, 1, key)
    keys = [jax.random.fold_in(key, j) for j in range(7)]
    loop = [run(make(b), model, x, 1, k) for b, k in zip(baselines, keys, strict=True)]
    np.testing.assert_allclose(found.relevance, np.mean([f.relevance for f in loop], 0), rtol=1e-11)
    errors = np.stack([f.info["standard_error"] for f in loop])
    wanted = np.sqrt(np.sum(errors**2, axis=0)) / 7
    np.testing.assert_allclose(found.info["standard_error"], wanted, rtol=1e-10)
    assert np.isnan(found.info["completeness_gap"])


def test_standard_errors_are_those_seen(model, x, baselines):
    inside = smoothgrad(integrated_gradients(steps=2), samples=30, deviation=0.3)
    method = over_baselines(inside, baselines[:3])
    many = jax.jit(jax.vmap(lambda key: method(model, x, 1, key=key)))
    found = many(jax.random.split(jax.random.key(5), 200))
    seen, said = np.std(found.relevance, axis=0), np.mean(found.info["standard_error"], axis=0)
    np.testing.assert_allclose(said, seen, rtol=0.2)


def test_of_no_promise_no_gap(x, key):
    """A method of the user's own, that knows no completeness gap."""
    method = over_baselines(smoothgrad(integrated_gradients(), samples=2))
    found = run(method, Partial(lambda x: jnp.sum(x**2)[None]), x, 0, key)
    assert np.isnan(found.info["completeness_gap"])


@pytest.mark.full_size
def test_batches_equal_single_examples(model, x, baselines, key):
    method = over_baselines(integrated_gradients(steps=2), baselines)
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(method, model, batch, jnp.array([0, 1, 1]), key=key, chunk=4)
    for index, target in enumerate([0, 1, 1]):
        wanted = run(method, model, batch[index], target, jax.random.fold_in(key, index))
        np.testing.assert_allclose(found.relevance[index], wanted.relevance, rtol=1e-12)
        assert found.info["evaluations"][index] == wanted.info["evaluations"]


def test_the_default_is_one_baseline_of_zeros(model, x):
    found = jax.jit(lambda x: over_baselines()(model, x, 0, key=None))(x)
    wanted = run(integrated_gradients(), model, x, 0, jax.random.key(0))
    np.testing.assert_allclose(found.relevance, wanted.relevance, rtol=1e-12)
    assert over_baselines(baselines=0) == over_baselines()


@pytest.mark.full_size
@pytest.mark.parametrize("shape", [(), (2, 3, 2)])
def test_inputs_of_any_rank(shape, key):
    method = over_baselines(baselines=jnp.zeros((2, *shape)))
    found = run(method, Partial(lambda x: jnp.sum(x**2)[None]), jnp.ones(shape), 0, key)
    np.testing.assert_allclose(found.relevance, np.ones(shape), rtol=1e-5)


def test_wrong_baselines_are_refused(x):
    for method in (saliency(), propagation.lrp(), smoothgrad(saliency())):
        with pytest.raises(ValueError, match=f"{type(method).__name__} has no field 'baseline'"):
            over_baselines(method)
    with pytest.raises(ValueError, match="over_baselines: chunk must be"):
        over_baselines(chunk=0)
    for wrong in (jnp.zeros(3), jnp.zeros((2, 4)), jnp.zeros((0, 3))):
        with pytest.raises(
            ValueError,
            match=r"baselines \[.*\] do not fit the input \[3\]: give a "
            r"number, or one or more of the input's shape, \[B, 3\]",
        ):
            over_baselines(baselines=wrong)(lambda x: x, x, 0, key=None)
    with pytest.raises(ValueError, match="smoothgrad draws at random: give it a key"):
        over_baselines(smoothgrad(integrated_gradients()))(lambda x: x, x, 0, key=None)
