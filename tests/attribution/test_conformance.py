"""What every method promises; a method that is listed in METHODS is covered.

A method of your own:

    pytest tests/attribution/test_conformance.py --method my.py:build --claims linearity,random

checks what all methods promise, and the claims that are named: the keys of
`tests.helpers.claims.CLAIMS`.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import METHODS, Attribution, attribute_batch, caveats, make_info
from audioxai_jax.attribution.promises import promise
from audioxai_jax.cli import user_files
from audioxai_jax.types import Method, attribute
from audioxai_jax.weights.load import load_classifier, load_listener
from tests.helpers.claims import CLAIMS, COVERED, FEW
from tests.helpers.rows import rows

SHAPE = (7, 5)
TARGET = jnp.int32(2)
KEY = jax.random.key(2)


def network(params, x):
    """A convolution over all axes but the last (the channels), tanh, the mean, and a layer."""
    x = x if x.ndim > 1 else x[:, None]
    x = jnp.moveaxis(x, -1, 0)[None]
    ones = (1,) * (x.ndim - 2)
    hidden = jnp.tanh(jax.lax.conv_general_dilated(x, params["kernel"], ones, "SAME"))
    return jnp.mean(hidden[0].reshape(hidden.shape[1], -1), axis=1) @ params["out"] + params["bias"]


def make_params(seed, shape=SHAPE):
    draw = np.random.default_rng(seed).normal
    channels, axes = (shape[-1], len(shape) - 1) if len(shape) > 1 else (1, 1)
    kernel = draw(size=(8, channels, *(3,) * axes)) / 3
    arrays = {"kernel": kernel, "out": draw(size=(8, 4)), "bias": draw(size=4)}
    return jax.tree.map(jnp.asarray, jax.tree.map(lambda a: a.astype(np.float32), arrays))


def double(tree):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), tree)


MODEL = Partial(network, make_params(0))
X = jnp.asarray(np.random.default_rng(1).normal(size=SHAPE), jnp.float32)


def pytest_generate_tests(metafunc):
    if "name" not in metafunc.fixturenames:
        return
    own = metafunc.config.getoption("--method")
    claim = metafunc.function.__name__.removeprefix("test_claim_of_")
    names = [own] if own else list(METHODS)
    if claim in CLAIMS:
        claimed = metafunc.config.getoption("--claims").split(",") if own else []
        names = names if claim in claimed else sorted(CLAIMS[claim]) if not own else []
    long = COVERED | getattr(metafunc.function, "long", set())
    metafunc.parametrize("name", rows(names, full_size=long & set(names)))


def long_for(*names):
    """A test that runs for these methods with --full-size only."""

    def mark(test):
        test.long = set(names)
        return test

    return mark


@pytest.fixture
def claims(name, request):
    if request.config.getoption("--method"):
        return set(request.config.getoption("--claims").split(","))
    return {claim for claim, names in CLAIMS.items() if name in names}


@pytest.fixture
def method(name):
    return make(name)


def make(name):
    if user_files.is_user_file(name):
        return user_files.load_method(name)[0]
    return METHODS[name](**FEW.get(name, {}))


@jax.jit
def run(method, model, x, target, key):
    return attribute(method, model, x, target, key=key)


def close(found, wanted, tolerance=1e-5):
    """Equal up to rounding, relative to the largest relevance."""
    assert found.shape == wanted.shape
    assert np.max(np.abs(found - wanted)) <= tolerance * np.max(np.abs(wanted))


def test_the_table_is_sorted_and_holds_methods():
    assert list(METHODS) == sorted(METHODS)
    assert all(isinstance(factory(), Method) for factory in METHODS.values())
    assert set(METHODS) >= set().union(*CLAIMS.values())


@pytest.mark.parametrize("shape", [(9,), (1, 5), (2, 3, 4)], ids=str)
def test_relevance_has_the_shape_and_type_of_the_input(method, shape):
    model = Partial(network, make_params(3, shape))
    x = jnp.asarray(np.random.default_rng(2).normal(size=shape), jnp.float32)
    found = jax.eval_shape(run, method, model, x, TARGET, KEY)
    assert isinstance(found, Attribution)
    assert found.relevance.shape == shape and found.relevance.dtype == jnp.float32


def test_relevance_is_double_for_double_input(method, x64):
    found = jax.eval_shape(run, method, double(MODEL), double(X), TARGET, KEY)
    assert found.relevance.dtype == jnp.float64


def test_info_is_that_of_every_method(method):
    found = run(method, MODEL, X, TARGET, KEY).info
    wanted = make_info() | {"finite": jnp.asarray(True)}
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for name, value in found.items():
        sampled = name == "standard_error" and value.ndim
        assert value.shape == (SHAPE if sampled else ()), name
        assert value.dtype == wanted[name].dtype, name
    assert found["evaluations"] >= 0 and found["finite"]


def test_a_traced_target_equals_a_number(method):
    """Compiled without the other arguments' values, and with them."""
    call = jax.jit(lambda: method(MODEL, X, 2, key=KEY).relevance)
    close(run(method, MODEL, X, TARGET, KEY).relevance, call())


@long_for("kernel_shap", "lime", "rise", "shapley_sampling")
def test_batches_equal_single_examples(method):
    """By vmap, and by the driver that steps from outside, for several targets at once."""
    x, numbers = jnp.stack([X, -X, 0.1 * X]), jnp.arange(3)
    targets = jnp.array([[0, 3], [2, 1], [3, 3]])
    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(numbers)
    loop = [run(method, MODEL, x[i], targets[i, 0], keys[i]).relevance for i in numbers]
    together = jax.jit(jax.vmap(functools.partial(run, method, MODEL)))
    close(together(x, targets[:, 0], keys).relevance, np.stack(loop), 2e-5)
    stepwise = attribute_batch(method, MODEL, x, targets, key=KEY, chunk=2)
    close(stepwise.relevance[:, 0], np.stack(loop), 2e-5)
    other = run(method, MODEL, X, targets[0, 1], keys[0]).relevance
    close(stepwise.relevance[0, 1], other, 2e-5)


@pytest.mark.parametrize(
    "x", [0 * X, 0 * X + 0.3, 1e6 * X, 1e-30 * X], ids=["zeros", "constant", "huge", "tiny"]
)
def test_relevance_is_finite(method, x):
    assert run(method, MODEL, x, TARGET, KEY).info["finite"]


def test_a_model_that_ignores_its_input_is_refused(method, claims):
    constant = lambda x: jnp.array([1.0, 2.0])
    if "blind" in claims:
        assert np.all(np.isfinite(method(constant, X, 0, key=KEY).relevance))
    else:
        with pytest.raises(ValueError):
            method(constant, X, 0, key=KEY)


def test_the_key_is_used_by_random_methods_only(method, claims):
    first, same, other = (
        run(method, MODEL, X, TARGET, jax.random.key(seed)).relevance for seed in (5, 5, 6)
    )
    assert np.array_equal(first, same)
    assert np.array_equal(first, other) == ("random" not in claims)


def test_a_target_that_is_no_class_is_refused(method, claims):
    if "blind" not in claims:
        with pytest.raises(ValueError, match="is not a class"):
            method(MODEL, X, 4, key=KEY)


def test_whole_numbers_are_refused(method):
    with pytest.raises(ValueError, match="floating point"):
        attribute(method, MODEL, jnp.ones(SHAPE, jnp.int32), 0, key=KEY)


def test_equal_factories_are_one_and_compile_once(name):
    first, second = make(name), make(name)
    assert first == second
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert hash(jax.tree.structure(first)) == hash(jax.tree.structure(second))
    traces = []

    def counted(params, x):
        traces.append(1)
        return network(params, x)

    run(first, Partial(counted, make_params(0)), X, TARGET, KEY)
    once = len(traces)
    run(second, Partial(counted, make_params(1)), 2 * X, TARGET, jax.random.key(9))
    assert len(traces) == once


# Claims, in double precision.


def test_claim_of_completeness(method, x64):
    found = run(method, double(MODEL), double(X), TARGET, KEY)
    assert found.info["completeness_gap"] < 0.01


def test_a_method_says_that_it_promises_a_sum_exactly_if_it_counts_the_gap(method):
    """By the class attribute that `assess` reads."""
    gap = run(method, MODEL, X, TARGET, KEY).info["completeness_gap"]
    assert (promise(method) is not None) == (not np.isnan(gap))


def linen_attention():
    from flax import linen

    module = linen.MultiHeadDotProductAttention(num_heads=2)
    params = module.init(jax.random.key(1), jnp.ones(SHAPE[:1] + (4,)))
    return lambda x: module.apply(params, x)


def nnx_attention():
    from flax import nnx

    module = nnx.MultiHeadAttention(2, 4, decode=False, rngs=nnx.Rngs(1))
    return lambda x: module(x)


def equinox_attention():
    import equinox

    module = equinox.nn.MultiheadAttention(2, 4, key=jax.random.key(1))
    return lambda x: module(x, x, x)


def plain_attention():
    return lambda x: jax.nn.dot_product_attention(
        x[None, :, None], x[None, ::-1, None], x[None, :, None] ** 2, is_causal=True
    )[0, :, 0]


ATTENTIONS = [linen_attention, nnx_attention, equinox_attention, plain_attention]
TIGHT = {"adaptive_integrated_gradients", "deep_lift", "integrated_gradients", "over_baselines"}
"""Complete methods that take a few evaluations."""
DIGITS = [("digits", name) for name in sorted(TIGHT - {"over_baselines"})]


PAIRS = list(itertools.product(sorted(TIGHT), ATTENTIONS))
ONE = ("integrated_gradients", linen_attention)
REST = [pair for pair in PAIRS if pair[0] != "deep_lift" and pair != ONE]
"""Methods that only need gradients: what one of them shows of one attention, the others do."""


@pytest.mark.parametrize("complete, attention", rows(PAIRS, full_size=REST))
def test_completeness_of_attention(complete, attention):
    attend = attention()
    model = Partial(lambda p, x: jnp.tanh(attend(x @ p)).mean(0), jnp.ones((5, 4)) / 4 + X[:5, :4])
    found = run(METHODS[complete](), model, X, jnp.int32(1), KEY)
    assert found.info["completeness_gap"] < 0.01


@pytest.mark.full_size
@pytest.mark.parametrize(
    "shipped, complete", rows([("keywords", "deep_lift"), *DIGITS], full_size=DIGITS)
)
def test_completeness_of_shipped_heads(shipped, complete):
    model = load_classifier(shipped).model
    x = jax.random.normal(jax.random.key(3), (50, 64))
    found = run(METHODS[complete](), model, x, jnp.argmax(model(x)), KEY)
    assert found.info["completeness_gap"] < 0.02


def test_completeness_of_a_shipped_listener():
    """Its spectrum is complex inside, and linear in the samples."""
    model, x = load_listener("digits_listener").model, jax.random.normal(KEY, (1600,)) / 10
    found = run(METHODS["deep_lift"](), model, x, jnp.int32(1), KEY)
    assert found.info["completeness_gap"] < 0.02


def gap_of(found, gap):
    return caveats(METHODS["deep_lift"](), MODEL, X, found, make_info(gap))


def test_a_missed_sum_is_told_unless_it_is_rounding():
    ones, both = np.ones(4), np.array([1.0, -1.0, 1.0, -0.99999])
    assert gap_of(ones, 0.04) == () and gap_of(ones, float("nan")) == ()
    (told,) = gap_of(ones, 0.2)
    assert told.startswith("the relevance sums to 4, 20 % off the change")
    assert gap_of(both, 0.2) == ()  # of a change of 1e-5, beside relevance of 4
    assert gap_of(0 * ones, 1.0) != ()  # nothing was handed back
    loose = METHODS["adaptive_integrated_gradients"](tolerance=0.3)
    assert caveats(loose, MODEL, X, ones, make_info(0.2)) == ()


def test_claim_of_sensitivity(method, x64):
    params = double(make_params(0))
    params["kernel"] = params["kernel"].at[:, 2:].set(0)
    found = run(method, Partial(network, params), double(X), TARGET, KEY).relevance
    assert np.all(found[:, 2:] == 0) and np.any(found[:, :2] != 0)


def weighted(models, x):
    return 2.0 * models[0](x) - 0.5 * models[1](x)


def test_claim_of_linearity(method, x64):
    one, other = (double(Partial(network, make_params(seed))) for seed in (0, 1))
    parts = [run(method, model, double(X), TARGET, KEY).relevance for model in (one, other)]
    both = run(method, Partial(weighted, (one, other)), double(X), TARGET, KEY).relevance
    close(both, 2.0 * parts[0] - 0.5 * parts[1], 1e-9)


def rewritten(params, x):
    """`network` in other words: sums over patches, tanh by the sigmoid, the mean last."""
    padded = jnp.pad(x, ((1, 1), (0, 0)))
    patches = jnp.stack([padded[i : i + x.shape[0]] for i in range(3)])
    hidden = jnp.einsum("kfc,ock->fo", patches, params["kernel"])
    hidden = 2 * jax.nn.sigmoid(2 * hidden) - 1
    return jnp.mean(hidden @ params["out"] + params["bias"], axis=0)


def test_claim_of_invariance(method, x64):
    first = run(method, double(MODEL), double(X), TARGET, KEY).relevance
    params = double(make_params(0))
    second = run(method, Partial(rewritten, params), double(X), TARGET, KEY).relevance
    close(first, second, 1e-9)


def exchangeable(x):
    return jnp.stack([jnp.sum(x), jnp.sum(x) ** 2, jnp.sum(jnp.tanh(jnp.sum(x, -1))) ** 3])


def test_claim_of_symmetry(method, x64):
    """All frames of this input are alike, and the model treats them alike."""
    x = jnp.full((4, 3), 0.7, jnp.float64)
    found = run(method, Partial(exchangeable), x, TARGET, KEY).relevance
    close(found, jnp.full_like(found, found.mean()), 1e-9)
