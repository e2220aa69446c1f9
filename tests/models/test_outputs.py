"""Wrappers of models: values, gradients, one compilation for equal ones, errors."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient, integrated_gradients, propagation, saliency
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.models.outputs import (
    combination,
    label_probability,
    log_probability,
    margin,
    probability,
    scalar,
)
from audioxai_jax.models.over_time import frames
from tests.helpers.rows import rows

TRACES = Counter()


def network(params, x):
    TRACES["model"] += 1
    return jnp.tanh(params["in"] @ x) @ params["out"]


def per_frame(params, x):
    TRACES["model"] += 1
    return jnp.tanh(x[:, None] * params["in"][0]) @ params["out"][:3]


def spread(logits):
    return jnp.max(logits) - jnp.min(logits)


def model(seed=0, function=network):
    draw = np.random.default_rng(seed).normal
    return Partial(function, {"in": draw(size=(5, 3)), "out": draw(size=(5, 4))})


def params(seed=0):
    return model(seed).args[0]


WEIGHTS = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, -1.0, 0.5]])
softmax = lambda z: np.exp(z) / np.exp(z).sum()
WRAPPERS = {
    "probability": (probability, softmax),
    "log_probability": (log_probability, lambda z: np.log(softmax(z))),
    "label_probability": (label_probability, lambda z: 1 / (1 + np.exp(-z))),
    "margin": (margin, lambda z: z - [max(np.delete(z, k)) for k in range(4)]),
    "margin_against": (
        lambda m: margin(m, 2),
        lambda z: z - [*[z[2]] * 2, max(np.delete(z, 2)), *[z[2]] * (len(z) - 3)],
    ),
    "combination": (lambda m: combination(m, WEIGHTS), lambda z: WEIGHTS @ z),
    "scalar": (lambda m: scalar(m, spread), lambda z: np.array([z.max() - z.min()])),
    "frames": (lambda m: frames(model(function=per_frame), 1, 3), None),
}


@pytest.fixture(params=WRAPPERS)
def name(request):
    return request.param


@pytest.fixture
def x(x64):
    return jnp.array([0.3, -1.2, 0.9])


def by_hand(name, x):
    if name == "frames":
        hidden = np.tanh(np.asarray(x)[:, None] * params()["in"][0])
        return (hidden @ params()["out"][:3])[1:3].mean(0)
    return WRAPPERS[name][1](np.tanh(params()["in"] @ x) @ params()["out"])


def test_values(name, x):
    wrapped = WRAPPERS[name][0](model())
    np.testing.assert_allclose(jax.jit(wrapped)(x), by_hand(name, x), rtol=1e-12)


def test_gradients_are_finite_differences(name, x, key):
    wrapped = WRAPPERS[name][0](model())
    for target in range(len(by_hand(name, x))):
        found = input_x_gradient()(wrapped, x, target, key=key).relevance / x
        for i, step in enumerate(1e-6 * np.eye(3)):
            change = by_hand(name, x + step) - by_hand(name, x - step)
            np.testing.assert_allclose(found[i], change[target] / 2e-6, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "name", rows(WRAPPERS, full_size=WRAPPERS.keys() - {"probability", "margin", "combination"})
)
def test_relevance_in_batches(name, x, key):
    wrapped = WRAPPERS[name][0](model())
    batch, method = jnp.stack([x, 2 * x, x**2]), integrated_gradients(steps=20)
    found = attribute_batch(method, wrapped, batch, 0, key=key, chunk=40)
    single = jax.jit(lambda one, key: method(wrapped, one, 0, key=key).relevance)
    for index, one in enumerate(batch):
        wanted = single(one, jax.random.fold_in(key, index))
        np.testing.assert_allclose(found.relevance[index], wanted, rtol=1e-10)
        total = (by_hand(name, one) - by_hand(name, 0 * one))[0]
        assert abs(found.relevance[index].sum() - total) < 0.02 * max(1, abs(total))


def test_equal_wrappers_compile_once(name, key):
    make = lambda seed: jax.tree.map(lambda leaf: leaf + 0.1 * seed, WRAPPERS[name][0](model()))
    run = jax.jit(lambda model, x: saliency()(model, x, 0, key=key))
    run(make(0), jnp.ones(3))
    before = TRACES["model"]
    assert before > 0
    run(make(1), 2 * jnp.ones(3))
    assert TRACES["model"] == before


def test_unequal_wrappers_do_not(key):
    run = jax.jit(lambda model, x: model(x))
    found = [run(make(model()), jnp.ones(3)) for make, _ in list(WRAPPERS.values())[:6]]
    again = [make(model())(jnp.ones(3)) for make, _ in list(WRAPPERS.values())[:6]]
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    before = TRACES["model"]
    run(margin(model(), 1), jnp.ones(3))
    assert TRACES["model"] > before


def test_they_nest(x):
    both = probability(combination(model(), np.eye(4)[:2]))
    z = np.tanh(params()["in"] @ x) @ params()["out"]
    np.testing.assert_allclose(both(x), softmax(z[:2]), rtol=1e-12)
    np.testing.assert_allclose(margin(both)(x)[0], both(x)[0] - both(x)[1], rtol=1e-12)


def test_parameters_keep_their_names(x):
    """LRP through a margin, with the rules of the weights."""
    found = propagation.propagate(propagation.PRESETS["attn_lrp"](), margin(model(), 1), x, 0)
    assert any(name.endswith("in") for name in found.ledger.names if name.startswith("dense"))
    total = margin(model(), 1)(x)[0]
    np.testing.assert_allclose(found.relevance.sum(), total, rtol=1e-4)
    best = propagation.propagate(propagation.PRESETS["attn_lrp"](), margin(model()), x, 0)
    np.testing.assert_allclose(best.relevance.sum(), margin(model())(x)[0], rtol=1e-4)


def test_plain_functions_and_whole_modules(x):
    assert probability(lambda x: x)(jnp.zeros(2)).tolist() == [0.5, 0.5]
    assert scalar(lambda x: jnp.outer(x, x), jnp.trace)(x).shape == (1,)
    scaled = Partial(lambda scale, z: scale * z[0], jnp.float64(3.0))
    assert scalar(lambda x: x, scaled)(x).tolist() == [3 * 0.3]


def test_log_probability_of_next_to_nothing():
    assert log_probability(lambda x: x)(jnp.array([0.0, 500.0])).tolist() == [-500, 0]


def test_what_is_refused(x):
    flat, rows = lambda x: x, lambda x: jnp.ones((5, 2)) * x[0]
    for wrap in (probability, log_probability, label_probability, margin):
        name = {
            probability: "softmax",
            log_probability: "log_softmax",
            label_probability: "sigmoid",
            margin: "margin",
        }[wrap]
        with pytest.raises(ValueError, match=rf"{name}: the model must return logits \[K\] .*2\)"):
            wrap(rows)(x)
    for call, words in (
        (lambda: margin(flat, 3)(x), "margin: 3 is not a class: the model has 3"),
        (lambda: margin(flat, -1)(x), "margin: -1 is not a class: the model has 3"),
        (lambda: margin(lambda x: x[:1])(x), "margin: the model has one class"),
        (lambda: combination(flat, [1.0, 2.0]), r"the weights must be \[M, K\], got \[2\]"),
        (lambda: combination(flat, np.ones((1, 2)))(x), r"weights \[1, 2\] do not fit 3 logits"),
        (lambda: scalar(flat, jnp.sin)(x), r"must return one number, got \[3\]"),
        (lambda: frames(rows, 2, 2), "from 2 to 2 is not a span"),
        (lambda: frames(rows, -1, 2), "from -1 to 2 is not a span"),
        (lambda: frames(rows, 2, 6)(x), "2 to 6 is not within the 5 frames"),
        (lambda: frames(flat, 0, 2)(x), r"must return logits \[F, K\] per frame, got \[3\]"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ValueError, match="margin: 3 is not a class"):
        jax.eval_shape(margin(flat, 3), x)
