"""SmoothGrad and its kin against closed forms and slow loops over the same noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from jax.tree_util import Partial

from audioxai_jax import integrated_gradients, propagation, random_control
from audioxai_jax.attribution.fourth_moment import add_powers, no_power_sums
from audioxai_jax.attribution.saliency import signed_gradient
from audioxai_jax.attribution.smoothgrad import noise, smoothgrad, squaregrad, vargrad
from audioxai_jax.engine.batch import attribute_batch
from tests.helpers.rows import rows

FACTORIES = {"smoothgrad": smoothgrad, "squaregrad": squaregrad, "vargrad": vargrad}
STATISTICS = {
    "smoothgrad": lambda found: np.mean(found, axis=0),
    "squaregrad": lambda found: np.mean(np.square(found), axis=0),
    "vargrad": lambda found: np.var(found, axis=0),
}


def linear(x):
    return jnp.array([[3.0, -2.0, 0.5], [1.0, 1.0, 1.0]]) @ x


def wavy(x):
    return jnp.stack([jnp.sum(jnp.sin(2 * x) + x**2), jnp.prod(x)])


def network(params, x):
    return params["out"] @ jax.nn.relu(params["in"] @ x)


def small_network():
    random = np.random.default_rng(3)
    return Partial(network, {"in": random.normal(size=(6, 3)), "out": random.normal(size=(2, 6))})


run = jax.jit(lambda method, model, x, target, key: method(model, x, target, key=key))


@pytest.fixture
def x():
    return np.array([0.3, -1.2, 0.9])


@pytest.fixture(params=FACTORIES)
def name(request):
    return request.param


def by_hand(name, inner, model, x, target, key, samples, **options):
    copies = [x + noise(key, j, x, 0.15, **options) for j in range(samples)]
    found = [inner(model, copy, target, key=jax.random.key(0)).relevance for copy in copies]
    return STATISTICS[name](found)


def test_linear_models_have_one_gradient(x, x64, key):
    w = np.array([3.0, -2.0, 0.5])
    close = lambda found, wanted: np.testing.assert_allclose(found, wanted, atol=1e-14)
    for method, wanted in ((smoothgrad(), w), (squaregrad(), w**2), (vargrad(), 0 * w)):
        found = run(method, Partial(linear), x, 0, key)
        close(found.relevance, wanted)
        close(found.info["standard_error"], 0 * w)
        assert found.info["evaluations"] == 50
        assert np.isnan(found.info["completeness_gap"])


@pytest.mark.parametrize("absolute", [False, True])
def test_a_square_shows_the_noise(x, x64, key, absolute):
    """f = sum x^2: gradients are 2 (x + e)."""
    square = Partial(lambda x: jnp.sum(x**2)[None])
    e = np.stack([noise(key, j, x, 0.15, absolute=absolute) for j in range(20)])
    assert abs(np.std(e) / (0.15 if absolute else 0.15 * 2.1) - 1) < 0.2
    options = {"samples": 20, "absolute": absolute}
    close = lambda found, wanted: np.testing.assert_allclose(found, wanted, rtol=1e-12)
    found = run(smoothgrad(**options), square, x, 0, key)
    close(found.relevance, 2 * (x + e.mean(0)))
    close(found.info["standard_error"], 2 * e.std(0, ddof=1) / np.sqrt(20))
    close(run(squaregrad(**options), square, x, 0, key).relevance, np.mean((2 * (x + e)) ** 2, 0))
    found = run(vargrad(**options), square, x, 0, key)
    close(found.relevance, 4 * e.var(0))
    fourth = np.mean((2 * (e - e.mean(0))) ** 4, axis=0)
    close(found.info["standard_error"], np.sqrt((fourth - (4 * e.var(0)) ** 2) / 20))


def test_the_largest_wins_as_often_as_it_should(x64, key):
    """f = max(x): the mean gradient is the chance that a feature is the largest.

    Without jit: compiled without optimisations, XLA computes the noise twice, with different
    last digits, and no feature equals the maximum that JAX divides the gradient by.
    """
    method = smoothgrad(samples=4000, deviation=0.5, absolute=True, chunk=1000)
    found = method(lambda x: jnp.max(x)[None], jnp.array([0.0, 0.4]), 0, key=key)
    chance = norm.cdf(0.4 / (0.5 * np.sqrt(2)))
    wanted = np.array([1 - chance, chance])
    assert np.all(np.abs(found.relevance - wanted) < 4 * found.info["standard_error"])


@pytest.mark.parametrize("target", [0, 1])
def test_a_product_equals_the_slow_loop(name, x, x64, key, target):
    wanted = by_hand(name, signed_gradient(), wavy, x, target, key, 5)
    found = run(FACTORIES[name](samples=5), Partial(wavy), x, target, key).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.full_size
@pytest.mark.parametrize(
    "inner", [integrated_gradients(steps=3), propagation.lrp()], ids=["ig", "lrp"]
)
def test_of_other_methods_equals_the_slow_loop(name, inner, x, x64, key):
    model = small_network()
    wanted = by_hand(name, jax.jit(lambda *a, key: inner(*a, key=key)), model, x, 1, key, 5)
    method = FACTORIES[name](inner, samples=5)
    found = run(method, model, x, 1, key)
    np.testing.assert_allclose(found.relevance, wanted, rtol=1e-11)
    spent = inner(model, x, 1, key=key).info["evaluations"]
    assert found.info["evaluations"] == 5 * spent


def test_smoothgrad_of_itself_has_the_noise_of_both(x, x64, key):
    """SmoothGrad twice is SmoothGrad with more noise; each copy has its own noise inside."""
    square = Partial(lambda x: jnp.sum(x**2)[None])
    options = {"deviation": 0.1, "absolute": True}
    method = smoothgrad(smoothgrad(samples=50, **options), samples=50, **options)
    found = run(method, square, x, 0, key)
    assert found.info["evaluations"] == 2500
    wanted = 2 * 0.1 * np.sqrt((1 + 1 / 50) / 50)
    np.testing.assert_allclose(found.info["standard_error"], wanted, rtol=0.3)


def test_methods_inside_draw_anew_for_each_copy(x, key):
    found = run(vargrad(random_control(), samples=2000), Partial(linear), x, 0, key)
    np.testing.assert_allclose(found.relevance, 1, rtol=0.15)


@pytest.mark.parametrize("chunk", rows([1, 3, 64], full_size=(1, 64)))
@pytest.mark.parametrize("name", rows(FACTORIES, full_size=("squaregrad", "vargrad")))
def test_chunks_change_nothing(name, x, x64, key, chunk):
    wanted = run(FACTORIES[name](samples=10, chunk=10), Partial(wavy), x, 0, key)
    found = run(FACTORIES[name](samples=10, chunk=chunk), Partial(wavy), x, 0, key)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12)
    close(found.relevance, wanted.relevance)
    close(found.info["standard_error"], wanted.info["standard_error"])
    assert found.info["evaluations"] == 10


def test_standard_errors_are_those_seen(name, x):
    method = FACTORIES[name](samples=200, deviation=0.2)
    keys = jax.random.split(jax.random.key(5), 200)
    many = jax.jit(jax.vmap(lambda key: method(wavy, jnp.asarray(x), 0, key=key)))
    found = many(keys)
    seen, said = np.std(found.relevance, axis=0), np.mean(found.info["standard_error"], axis=0)
    np.testing.assert_allclose(said, seen, rtol=0.2)


@pytest.mark.full_size
def test_batches_equal_single_examples(name, x, x64, key):
    method = FACTORIES[name](integrated_gradients(steps=2), samples=7)
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(method, Partial(wavy), batch, 0, key=key, chunk=4)
    for index, one in enumerate(batch):
        wanted = run(method, Partial(wavy), one, 0, jax.random.fold_in(key, index))
        np.testing.assert_allclose(found.relevance[index], wanted.relevance, rtol=1e-12)
        assert found.info["evaluations"][index] == wanted.info["evaluations"]
        se = found.info["standard_error"][index]
        np.testing.assert_allclose(se, wanted.info["standard_error"], rtol=1e-10)


@pytest.mark.full_size
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 2)])
def test_inputs_of_any_rank(name, shape, key):
    method = FACTORIES[name](samples=3, deviation=0.1, absolute=True)
    found = run(method, Partial(lambda x: jnp.sum(x**2)[None]), jnp.ones(shape), 0, key)
    assert found.relevance.shape == found.info["standard_error"].shape == shape
    assert found.relevance.dtype == jnp.float32


def test_equal_methods_are_one(name):
    first, second = FACTORIES[name](), FACTORIES[name]()
    assert first == second
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert FACTORIES[name](integrated_gradients(steps=16)).chunk == 1  # its own chunk is 64
    assert FACTORIES[name](integrated_gradients(steps=16, chunk=16)).chunk == 4
    assert FACTORIES[name](deviation=1) == FACTORIES[name](deviation=1.0)


def test_power_sums_without_samples():
    sums = add_powers(no_power_sums(jnp.zeros(2)), jnp.full((3, 2), jnp.nan), jnp.zeros(3, bool))
    assert np.all(sums.variance == 0) and np.all(np.isnan(sums.standard_error))


def test_wrong_options_are_refused(name, x):
    factory = FACTORIES[name]
    with pytest.raises(
        ValueError, match=f"{name}: samples must be a whole number from 1 up, got 0"
    ):
        factory(samples=0)
    with pytest.raises(ValueError, match=f"{name}: the deviation must not be negative, got -1"):
        factory(deviation=-1)
    with pytest.raises(ValueError, match=f"{name}: chunk must be a whole number"):
        factory(chunk=0)
    with pytest.raises(ValueError, match=f"{name}: the method inside must be a Method, got str"):
        factory("lrp")
    with pytest.raises(ValueError, match=f"{name} draws at random: give it a key"):
        factory()(linear, jnp.asarray(x), 0, key=None)
