"""Expected Gradients and GradientSHAP against closed forms and a slow loop over the same draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.attribution.expected_gradients import draw, expected_gradients, gradient_shap
from audioxai_jax.attribution.smoothgrad import noise
from audioxai_jax.engine.batch import attribute_batch
from tests.helpers.rows import rows

FACTORIES = {"expected_gradients": expected_gradients, "gradient_shap": gradient_shap}
run = jax.jit(lambda method, model, x, target, key: method(model, x, target, key=key))


def linear(x):
    return jnp.array([[3.0, -2.0, 0.5], [1.0, 1.0, 1.0]]) @ x


def wavy(x):
    return jnp.stack([jnp.sum(jnp.sin(2 * x) + x**2), jnp.prod(x)])


MODELS = {
    "square": lambda x: jnp.sum(x**2)[None],
    "product": lambda x: jnp.prod(x)[None],
    "maximum": lambda x: jnp.max(x)[None],
}


@pytest.fixture(params=FACTORIES)
def name(request):
    return request.param


@pytest.fixture
def x(x64):
    return jnp.array([0.3, -1.2, 0.9])


@pytest.fixture
def baselines(x64):
    return jnp.asarray(np.random.default_rng(4).normal(size=(5, 3)))


def by_hand(model, x, target, key, baselines, samples, deviation=None, **options):
    """captum's convention: position * (x + noise) + (1 - position) * baseline."""
    found = []
    slope = jax.jit(jax.grad(lambda x: model(x)[target]))
    for j in range(samples):
        which, position = draw(key, j, len(baselines))
        b = baselines[which]
        noisy = x if deviation is None else x + noise(key, j, x, deviation, **options)
        found.append((noisy - b) * slope(position * noisy + (1 - position) * b))
    return np.stack(found)


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("options", [{}, {"absolute": True}], ids=["relative", "absolute"])
def test_equals_the_slow_loop(x, baselines, key, target, options):
    for method, noisy in (
        (expected_gradients(baselines=baselines, samples=9), {}),
        (
            gradient_shap(baselines=baselines, samples=9, deviation=0.2, **options),
            {"deviation": 0.2, **options},
        ),
    ):
        samples = by_hand(wavy, x, target, key, baselines, 9, **noisy)
        found = run(method, Partial(wavy), x, target, key)
        np.testing.assert_allclose(found.relevance, samples.mean(0), rtol=1e-12)
        error = samples.std(0, ddof=1) / 3
        np.testing.assert_allclose(found.info["standard_error"], error, rtol=1e-12)
        change = wavy(x)[target] - np.mean([wavy(b)[target] for b in baselines])
        gap = abs(samples.mean(0).sum() - change) / abs(change)
        np.testing.assert_allclose(found.info["completeness_gap"], gap, rtol=1e-9)
        assert found.info["evaluations"] == 9 + 5 + 1


def test_a_linear_model_gets_weight_times_mean_difference(x, key):
    """R = w (x - b): of one baseline exactly, whatever the position."""
    found = run(expected_gradients(baselines=0.5, samples=3), Partial(linear), x, 0, key)
    np.testing.assert_allclose(found.relevance, np.array([3, -2, 0.5]) * (x - 0.5), rtol=1e-12)
    assert found.info["completeness_gap"] < 1e-12
    np.testing.assert_allclose(found.info["standard_error"], 0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_within_the_standard_error(model, x, baselines, key):
    """Against the mean of Integrated Gradients with many steps; x^2 - b^2 for the square."""
    model = MODELS[model]
    method = expected_gradients(baselines=baselines, samples=4000, chunk=1000)
    found = method(model, x, 0, key=key)  # without jit: see test_smoothgrad
    nodes = (np.arange(500) + 0.5) / 500
    slope = jax.jit(jax.vmap(jax.grad(lambda x: model(x)[0])))
    wanted = np.mean([(x - b) * slope(b + nodes[:, None] * (x - b)).mean(0) for b in baselines], 0)
    if model is MODELS["square"]:
        np.testing.assert_allclose(wanted, x**2 - np.mean(baselines**2, 0), rtol=1e-9)
    error = found.info["standard_error"] + 1e-12
    assert np.all(np.abs(found.relevance - wanted) < 4 * error)


def test_all_baselines_are_drawn(key):
    which, position = jax.vmap(lambda j: draw(key, j, 4))(jnp.arange(4000))
    assert np.all(np.abs(np.bincount(which, minlength=4) / 4000 - 0.25) < 0.03)
    assert abs(position.mean() - 0.5) < 0.02 and abs(position.std() - 12**-0.5) < 0.01


def test_without_noise_they_are_one(x, baselines, key):
    first = run(expected_gradients(baselines=baselines, samples=7), Partial(wavy), x, 0, key)
    quiet = gradient_shap(baselines=baselines, samples=7, deviation=0)
    np.testing.assert_array_equal(run(quiet, Partial(wavy), x, 0, key).relevance, first.relevance)


@pytest.mark.parametrize("chunk", rows([1, 3, 64], full_size=(1, 64)))
@pytest.mark.parametrize("name", rows(FACTORIES, full_size=("gradient_shap",)))
def test_chunks_change_nothing(name, x, baselines, key, chunk):
    make = lambda chunk: FACTORIES[name](baselines=baselines, samples=10, chunk=chunk)
    wanted = run(make(10), Partial(wavy), x, 0, key)
    found = run(make(chunk), Partial(wavy), x, 0, key)
    np.testing.assert_allclose(found.relevance, wanted.relevance, rtol=1e-12)
    error = wanted.info["standard_error"]
    np.testing.assert_allclose(found.info["standard_error"], error, rtol=1e-12)


def test_standard_errors_are_those_seen(name, x, baselines):
    method = FACTORIES[name](baselines=baselines, samples=100)
    many = jax.jit(jax.vmap(lambda key: method(wavy, x, 0, key=key)))
    found = many(jax.random.split(jax.random.key(5), 200))
    seen, said = np.std(found.relevance, axis=0), np.mean(found.info["standard_error"], axis=0)
    np.testing.assert_allclose(said, seen, rtol=0.2)


@pytest.mark.full_size
def test_batches_equal_single_examples(name, x, baselines, key):
    method = FACTORIES[name](baselines=baselines, samples=7)
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(method, Partial(wavy), batch, jnp.array([0, 1, 1]), key=key, chunk=4)
    for index, target in enumerate([0, 1, 1]):
        wanted = run(method, Partial(wavy), batch[index], target, jax.random.fold_in(key, index))
        np.testing.assert_allclose(found.relevance[index], wanted.relevance, rtol=1e-12)
        gap = wanted.info["completeness_gap"]
        np.testing.assert_allclose(found.info["completeness_gap"][index], gap, rtol=1e-9)


@pytest.mark.full_size
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 2)])
def test_inputs_of_any_rank(name, shape, key):
    for baselines in (0.0, jnp.zeros((2, *shape))):
        method = FACTORIES[name](baselines=baselines, samples=3)
        found = run(method, Partial(lambda x: jnp.sum(x**2)[None]), jnp.ones(shape), 0, key)
        assert found.relevance.shape == shape and found.relevance.dtype == jnp.float32


def test_more_baselines_than_are_evaluated_at_once(x, key):
    many = jnp.asarray(np.random.default_rng(1).normal(size=(150, 3)))
    found = run(expected_gradients(baselines=many, samples=3), Partial(wavy), x, 0, key)
    change = wavy(x)[0] - jax.vmap(wavy)(many)[:, 0].mean()
    gap = abs(found.relevance.sum() - change) / abs(change)
    np.testing.assert_allclose(found.info["completeness_gap"], gap, rtol=1e-9)


def test_equal_methods_are_one(name):
    first, second = FACTORIES[name](), FACTORIES[name](baselines=0)
    assert first == second and jax.tree.structure(first) == jax.tree.structure(second)


def test_wrong_options_and_baselines_are_refused(name, x):
    factory = FACTORIES[name]
    with pytest.raises(
        ValueError, match=f"{name}: samples must be a whole number from 1 up, got 0"
    ):
        factory(samples=0)
    with pytest.raises(ValueError, match=f"{name}: chunk must be a whole number"):
        factory(chunk=0)
    with pytest.raises(ValueError, match=f"{name} draws at random: give it a key"):
        factory()(wavy, x, 0, key=None)
    with pytest.raises(ValueError, match=r"the baselines \[3\] do not fit the input \[3\]"):
        factory(baselines=jnp.zeros(3))(wavy, x, 0, key=jax.random.key(0))
    with pytest.raises(ValueError, match="target 2 is not a class"):
        factory()(wavy, x, 2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="gradient_shap: the deviation must not be negative"):
        gradient_shap(deviation=-0.1)
