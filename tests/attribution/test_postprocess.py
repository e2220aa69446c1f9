"""Rectified, absolute, summed and normalised relevance, and what stays known of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Attribution, integrated_gradients, make_info
from audioxai_jax.attribution.postprocess import absolute, normalise, rectify, sum_channels
from audioxai_jax.attribution.smoothgrad import smoothgrad
from audioxai_jax.engine.batch import attribute_batch

ALL = {
    "rectify": rectify,
    "absolute": absolute,
    "sum_channels": sum_channels,
    "normalise": normalise,
}
BY_HAND = {
    "rectify": lambda r: np.where(r > 0, r, 0),
    "absolute": np.abs,
    "sum_channels": lambda r: np.repeat(r.sum(-1, keepdims=True) / r.shape[-1], r.shape[-1], -1),
    "normalise": lambda r: r / np.abs(r).max(),
}
KEPT = {  # completeness gap, change, standard error
    "rectify": (False, False, True),
    "absolute": (False, True, True),
    "sum_channels": (True, False, False),
    "normalise": (False, False, False),
}
run = jax.jit(lambda method, model, x, key: method(model, x, 0, key=key))
MODELS = {
    "square": lambda x: jnp.sum(x**2 * jnp.array([1.0, -2.0, 0.5]))[None],
    "maximum": lambda x: jnp.sum(jnp.max(x, axis=0))[None],
    "product": lambda x: jnp.prod(x)[None],
}


@pytest.fixture(params=ALL)
def name(request):
    return request.param


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize(
    "inner, model",
    [
        pytest.param(None, "maximum", id="gradient"),
        pytest.param(integrated_gradients(steps=3), "square", id="ig"),
        pytest.param(smoothgrad(samples=3), "product", id="smoothgrad"),
    ],
)
def test_steps_equal_those_by_hand(name, model, inner, x, x64, key):
    model = Partial(MODELS[model])
    plain = smoothgrad(samples=1, deviation=0.0) if inner is None else inner
    wanted = BY_HAND[name](np.asarray(run(plain, model, x, key).relevance))
    found = run(ALL[name](inner), model, x, key).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


def test_info_is_kept_where_it_is_true(name, x, key):
    def known(model, x, target, *, key):
        info = make_info(0.5, 7, change=0.25, standard_error=jnp.full(x.shape, 2.0))
        return Attribution(x, info)

    found = run(ALL[name](known), Partial(MODELS["square"]), x, key).info
    assert jax.tree.structure(found) == jax.tree.structure(make_info() | {"finite": True})
    assert found["evaluations"] == 7 and found["finite"]
    gap, change, error = KEPT[name]
    for what, value, kept in (
        ("completeness_gap", 0.5, gap),
        ("change", 0.25, change),
        ("standard_error", 2.0, error),
    ):
        assert np.all(found[what] == value) if kept else np.all(np.isnan(found[what])), what


def test_errors_of_changed_samples_are_at_most_those_said(x):
    inside, point = smoothgrad(samples=20, deviation=0.5), jnp.asarray(x)
    for factory in (rectify, absolute):
        many = jax.jit(jax.vmap(lambda key: factory(inside)(MODELS["square"], point, 0, key=key)))  # noqa: B023
        found = many(jax.random.split(jax.random.key(1), 200))
        said = np.mean(found.info["standard_error"], axis=0)
        assert np.all(np.std(found.relevance, axis=0) <= 1.2 * said)


def test_steps_are_chained(x, x64, key):
    method = normalise(sum_channels(rectify(integrated_gradients(steps=1))))
    r = np.maximum(x**2 * np.array([1.0, -2.0, 0.5]), 0).sum(-1, keepdims=True)
    found = run(method, Partial(MODELS["square"]), x, key).relevance
    np.testing.assert_allclose(found, np.broadcast_to(r / r.max(), (4, 3)), rtol=1e-12)


def test_totals_are_kept_by_sums(x, x64, key):
    found = run(sum_channels(integrated_gradients(steps=1)), Partial(MODELS["square"]), x, key)
    assert abs(found.relevance.sum() - MODELS["square"](x)[0]) < 1e-12
    assert found.info["completeness_gap"] < 1e-12


def test_one_channel_is_its_own_sum(x, x64, key):
    square = Partial(lambda x: jnp.sum(x**2)[None])
    for shape in [(), (5,)]:
        point = 3 * jnp.ones(shape)
        np.testing.assert_array_equal(run(sum_channels(), square, point, key).relevance, 2 * point)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 2)])
def test_zeros_stay_zeros(name, shape, key):
    square = Partial(lambda x: jnp.sum(x**2)[None])
    found = run(ALL[name](), square, jnp.zeros(shape), key).relevance
    assert found.shape == shape and np.all(found == 0)


@pytest.mark.full_size
def test_batches_equal_single_examples(name, x, x64, key):
    method = ALL[name](smoothgrad(samples=3))
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(method, Partial(MODELS["square"]), batch, 0, key=key, chunk=2)
    for index, one in enumerate(batch):
        wanted = run(method, Partial(MODELS["square"]), one, jax.random.fold_in(key, index))
        np.testing.assert_allclose(found.relevance[index], wanted.relevance, rtol=1e-12)


def test_equal_options_make_equal_methods(name):
    first, second = ALL[name](integrated_gradients()), ALL[name](integrated_gradients())
    assert first == second and jax.tree.structure(first) == jax.tree.structure(second)


def test_what_is_not_a_method_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: the method inside must be a Method, got int"):
        ALL[name](3)


def test_channels_may_come_first():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5)))
    turned = lambda x: MODELS["maximum"](x.T)
    wanted = run(sum_channels(), Partial(MODELS["maximum"]), x.T, jax.random.key(0)).relevance
    found = run(sum_channels(axis=0), Partial(turned), x, jax.random.key(0)).relevance
    np.testing.assert_array_equal(found.T, wanted)
