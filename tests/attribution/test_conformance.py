"""What every method of METHODS promises; a method that is listed is covered."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import METHODS, Attribution, make_info
from audioxai_jax.types import Method

RANDOM = {"random_control"}


def network(params, x):
    hidden = jnp.tanh(x @ params["in"])
    return jnp.mean(hidden, axis=0) @ params["out"]


def params(seed):
    keys = jax.random.split(jax.random.key(seed))
    return {
        "in": jax.random.normal(keys[0], (5, 8)),
        "out": jax.random.normal(keys[1], (8, 4)),
    }


MODEL = Partial(network, params(0))
X = jax.random.normal(jax.random.key(1), (7, 5))
TARGET = jnp.int32(2)
KEY = jax.random.key(2)


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


@pytest.fixture
def method(name):
    return METHODS[name]()


def close(found, wanted):
    """Equal up to rounding, relative to the largest relevance."""
    assert found.shape == wanted.shape
    assert np.max(np.abs(found - wanted)) <= 1e-5 * np.max(np.abs(wanted))


def test_the_table_is_sorted_and_holds_methods():
    assert list(METHODS) == sorted(METHODS)
    assert all(isinstance(factory(), Method) for factory in METHODS.values())


@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (100, 5)])
def test_relevance_has_the_shape_and_type_of_the_input(method, shape):
    x = jnp.ones(shape)
    found = method(MODEL, x, TARGET, key=KEY)
    assert isinstance(found, Attribution)
    assert found.relevance.shape == shape and found.relevance.dtype == jnp.float32


def test_relevance_is_double_for_double_input(method, x64):
    model = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), MODEL)
    found = method(model, X.astype(jnp.float64), TARGET, key=KEY)
    assert found.relevance.dtype == jnp.float64


def test_inputs_of_any_rank(method):
    model = lambda x: jnp.stack([jnp.sum(x**2), jnp.sum(x)])
    for shape in [(9,), (2, 3, 4)]:
        assert method(model, jnp.ones(shape), 1, key=KEY).relevance.shape == shape


def test_info_is_that_of_every_method(method):
    found = method(MODEL, X, TARGET, key=KEY).info
    wanted = make_info()
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    assert [(v.shape, v.dtype) for v in found.values()] == [
        (v.shape, v.dtype) for v in wanted.values()
    ]
    assert found["evaluations"] >= 0


def test_jit_equals_eager(method):
    eager = method(MODEL, X, TARGET, key=KEY).relevance
    jitted = jax.jit(lambda method, *args, key: method(*args, key=key))
    close(jitted(method, MODEL, X, TARGET, key=KEY).relevance, eager)


def test_vmap_equals_loop(method):
    x = jax.random.normal(jax.random.key(3), (6, 7, 5))
    target, keys = jnp.arange(6) % 4, jax.random.split(KEY, 6)
    one = lambda x, target, key: method(MODEL, x, target, key=key)
    found = jax.vmap(one)(x, target, keys)
    loop = [one(*args) for args in zip(x, target, keys, strict=True)]
    for index, single in enumerate(loop):
        close(found.relevance[index], single.relevance)
        assert found.info["evaluations"][index] == single.info["evaluations"]


@pytest.mark.parametrize(
    "x", [jnp.zeros((7, 5)), jnp.full((7, 5), 0.3), 1e6 * X, 1e-30 * X], ids=str
)
def test_relevance_is_finite(method, x):
    assert np.all(np.isfinite(method(MODEL, x, TARGET, key=KEY).relevance))


def test_a_model_that_does_not_depend_on_its_input_is_no_error(method, name):
    constant = lambda x: jnp.array([1.0, 2.0])
    found = method(constant, X, 0, key=KEY).relevance
    assert np.all(np.isfinite(found))
    assert name in RANDOM | {"magnitude_control"} or np.all(found == 0)


def test_the_key_is_used_by_random_methods_only(method, name):
    first, same, other = (
        method(MODEL, X, TARGET, key=jax.random.key(seed)).relevance for seed in (5, 5, 6)
    )
    assert np.array_equal(first, same)
    assert np.array_equal(first, other) == (name not in RANDOM)


def test_a_traced_target_equals_a_number(method):
    for target in range(4):
        traced = jax.jit(lambda t: method(MODEL, X, t, key=KEY).relevance)(target)
        close(traced, method(MODEL, X, target, key=KEY).relevance)


def test_equal_factories_are_one(name):
    first, second = METHODS[name](), METHODS[name]()
    assert first == second
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert hash(jax.tree.structure(first)) == hash(jax.tree.structure(second))


def test_equal_factories_and_other_parameters_compile_once(name):
    traces = []

    def counted(params, x):
        traces.append(1)
        return network(params, x)

    explain = jax.jit(lambda method, model, x, key: method(model, x, TARGET, key=key))
    explain(METHODS[name](), Partial(counted, params(0)), X, KEY)
    first = len(traces)
    explain(METHODS[name](), Partial(counted, params(1)), 2 * X, jax.random.key(9))
    assert len(traces) == first
