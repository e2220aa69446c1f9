"""DeepLIFT: contributions sum to the difference from the reference, whatever the network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import caveats, deconvolution, deep_lift, guided_backprop, straight_through
from audioxai_jax.nets.classifiers import cnn, gru
from audioxai_jax.propagation import UncoveredOperation
from tests.helpers.small_models import random_params

KEY = jax.random.key(0)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def pooled(p, x):
    y = jnp.tanh(x @ p["in"])
    y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (2, 1), (2, 1), "VALID")
    return jnp.max(y, axis=0) @ p["out"]


def gated(p, x):
    y = x @ p["in"]
    return (jax.nn.gelu(y) * jax.nn.sigmoid(y[:, ::-1]) / (1 + y**2)).mean(0) @ p["out"]


def attentive(p, x):
    y = x @ p["in"]
    return jnp.maximum((y @ y.T) @ y, y[::-1]).mean(0) @ p["out"]


def recurrent(p, x):
    step = lambda h, row: (jnp.tanh(row + h @ p["again"]),) * 2
    return jax.lax.scan(step, jnp.zeros(6), x @ p["in"])[1].mean(0) @ p["out"]


@pytest.mark.parametrize("network", [pooled, gated, attentive, recurrent])
def test_contributions_sum_to_the_difference(network, x64):
    params = {"in": draw(4, 6), "out": draw(6, 3, seed=1), "again": draw(6, 6, seed=2) / 2}
    x, base = draw(8, 4, seed=3), draw(8, 4, seed=4)
    explain = jax.jit(lambda m, model, x: m(model, x, 1, key=KEY))
    found = explain(deep_lift(baseline=jnp.asarray(base)), Partial(network, params), x)
    assert found.info["completeness_gap"] < 1e-9
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance != 0)


def by_hand(z):
    return jnp.exp(z) / jnp.exp(z).sum(-1, keepdims=True)


def shifted(z):
    parts = jnp.exp(z - z.max(-1, keepdims=True))
    return parts * (1 / parts.sum(-1, keepdims=True))


LOWER = np.tril(np.ones((5, 5), bool))
SOFTMAXES = {
    "jax.nn": (jax.nn.softmax, by_hand),
    "shifted": (shifted, by_hand),
    "by its logarithm": (lambda z: jnp.exp(jax.nn.log_softmax(z)), by_hand),
    "masked": (
        lambda z: jax.nn.softmax(jnp.where(LOWER, z, -jnp.inf)),
        lambda z: by_hand(jnp.where(LOWER, z, -jnp.inf)),
    ),
    "where": (
        lambda z: jax.nn.softmax(z, where=LOWER),
        lambda z: by_hand(jnp.where(LOWER, z, -jnp.inf)),
    ),
    "logsumexp": (
        lambda z: z * jax.nn.logsumexp(z, axis=-1, keepdims=True),
        lambda z: z * jnp.log(jnp.exp(z).sum(-1, keepdims=True)),
    ),
    "stopped factor": (
        lambda z: z * jax.lax.stop_gradient(jnp.tanh(z)),
        lambda z: z * jnp.tanh(z),
    ),
}


@pytest.mark.parametrize("name", SOFTMAXES)
def test_stopped_gradients_change_nothing(name, x64):
    """Behind a softmax, however written, relevance is that of the function by hand, and sums."""
    x, base = jnp.asarray(draw(5, 4, seed=3)), draw(5, 4, seed=4)
    params = {"a": draw(4, 4), "b": draw(4, 4, seed=1), "out": draw(4, 3, seed=2)}

    def explained(curve):
        model = lambda p, x: (
            (curve(x @ p["a"] @ (x @ p["b"]).T) * (x @ p["a"]).sum()) @ x @ p["out"]
        )
        pooled = Partial(lambda p, x: model(p, x).mean(0), params)
        return jax.jit(lambda m, x: deep_lift(baseline=base)(m, x, 1, key=KEY))(pooled, x)

    found, wanted = map(explained, SOFTMAXES[name])
    assert found.info["completeness_gap"] < 1e-9
    np.testing.assert_allclose(found.relevance, wanted.relevance, rtol=1e-7, atol=1e-9)


DECIDED = {
    "round": lambda y: jnp.round(2 * y) + y,
    "floor alone": lambda y: jnp.floor(3 * y),
    "whole numbers": lambda y: (3 * y).astype(jnp.int32).astype(y.dtype),
    "gate": lambda y: jnp.where(y[:, ::-1] > 0.1, y, 0.3 * y),
    "gate of a row": lambda y: jnp.where((y.mean(1) > 0)[:, None], y, -y),
    "both": lambda y: y * ((y > -1) & (y[:, ::-1] < 1)),
    "count": lambda y: (y > 0).sum(0)[None],
    "order": lambda y: jnp.take_along_axis(y, jnp.argsort(y, 0), 0)[:2],
    "largest": lambda y: jax.lax.top_k(y, 2)[0] @ jnp.ones((2, 4)),
    "quantised": lambda y: straight_through(_nearest, y),
    "in a loop": lambda y: jax.lax.scan(
        lambda c, row: (jnp.tanh(row + jax.lax.stop_gradient(c)),) * 2, jnp.zeros(4), y
    )[1],
}


def _nearest(y):
    book = jnp.asarray(draw(9, 4, seed=8))
    return book[jnp.argmin(((y[:, None] - book) ** 2).sum(-1), 1)]


@pytest.mark.parametrize("name", DECIDED)
def test_what_is_rounded_or_decided_is_handed_back(name, x64):
    x, base = jnp.asarray(draw(5, 4, seed=3)), draw(5, 4, seed=4)
    params = {"in": draw(4, 4), "out": draw(4, 3, seed=2)}
    model = Partial(lambda p, x: DECIDED[name](x @ p["in"]).mean(0) @ p["out"], params)
    found = jax.jit(lambda m, x: deep_lift(baseline=base)(m, x, 1, key=KEY))(model, x)
    assert found.info["completeness_gap"] < 1e-9 and np.any(found.relevance != 0)


def test_rounding_by_hand():
    """From 0.2 to 1.2, round changes by 1; from 0.2 to 2.2, by 2: the multiplier is 1 of each."""
    model = lambda x: jnp.sum(3 * jnp.round(x))[None]
    found = deep_lift(baseline=0.2)(model, jnp.array([1.2, 2.2, 0.4]), 0, key=KEY)
    np.testing.assert_allclose(found.relevance, [3, 6, 0], rtol=1e-6)


def test_what_cannot_be_handed_back_is_seen():
    """Which is the largest changes the output, and no difference leads there."""
    model = lambda x: jax.nn.one_hot(jnp.argmax(x), 2) + 0.1 * x
    found = deep_lift()(model, jnp.array([1.0, 3.0]), 1, key=KEY)
    np.testing.assert_allclose(found.info["completeness_gap"], 1 - 0.3 / 1.3, rtol=1e-5)


HEADS = {
    "cnn": (cnn, cnn.CnnConfig()),
    "gru": (gru, gru.GruConfig()),
}


@pytest.mark.parametrize("head", HEADS)
def test_real_heads_are_covered(head, x64):
    """Norms are quotients here: the sum holds for them as well."""
    module, config = HEADS[head]
    params = random_params(lambda: module.init(config, KEY))
    model = module.model(config, jax.tree.map(lambda v: jnp.asarray(v, jnp.float64), params))
    found = jax.jit(lambda m, x: deep_lift()(m, x, 1, key=KEY))(model, draw(50, 64))
    assert found.info["completeness_gap"] < 1e-6


def test_saturation_is_seen():
    """The paper's example: y = 1 - relu(1 - x0 - x1), flat where x0 + x1 > 1."""
    model = lambda x: jnp.stack([1 - jax.nn.relu(1 - x[0] - x[1])])
    x = jnp.array([1.0, 1.0])
    assert jax.grad(lambda x: model(x)[0])(x).tolist() == [0, 0]
    np.testing.assert_allclose(deep_lift()(model, x, 0, key=KEY).relevance, [0.5, 0.5])


def test_branches_are_refused():
    model = lambda x: jax.lax.cond(x[0] > 0, lambda x: x, lambda x: 2 * x, x)
    with pytest.raises(UncoveredOperation, match="different branches"):
        deep_lift()(model, jnp.ones(2), 0, key=KEY)


def test_rectified_gradients_by_hand():
    """relu(x) - relu(2 x) at x = (1, -1): the second path's gradient is negative."""
    model = lambda x: jax.nn.relu(x) - jax.nn.relu(2 * x)
    x = jnp.array([1.0, -1.0])
    for target, guided, free in [(0, [1, 0], [1, 0]), (1, [0, 0], [0, 1])]:
        assert guided_backprop()(model, x, target, key=KEY).relevance.tolist() == guided
        assert deconvolution()(model, x, target, key=KEY).relevance.tolist() == free


RECTIFIERS = {
    "max": lambda v: jnp.maximum(v, 0),
    "chosen where negative": lambda v: jnp.where(v < 0, 0, v),
    "zero first": lambda v: jnp.where(0 < v, v, 0),
    "times": lambda v: (0 < v) * v,
    "relu6": jax.nn.relu6,
    "clamp": lambda v: jax.lax.clamp(0.0, v, 6.0),
    "in a loop": lambda v: jax.lax.map(jax.nn.relu, v),
}
X, W = jnp.asarray(draw(5, 4, seed=3), jnp.float32), jnp.asarray(draw(4, 3), jnp.float32)


@pytest.mark.parametrize("name", RECTIFIERS)
def test_rectifiers_are_found(name):
    model = lambda curve: lambda x: curve(x @ W).sum(0) - 2 * curve(x @ W[:, ::-1]).sum(0)
    found, wanted = (
        guided_backprop()(model(curve), X, 1, key=KEY) for curve in (RECTIFIERS[name], jax.nn.relu)
    )
    np.testing.assert_allclose(found.relevance, wanted.relevance, rtol=1e-5)
    assert not caveats(guided_backprop(), model(RECTIFIERS[name]), X, found.relevance, found.info)


@pytest.mark.parametrize("name", ["gelu", "silu", "leaky_relu", "elu", "tanh"])
def test_a_model_without_rectifiers_is_told(name):
    model = lambda x: getattr(jax.nn, name)(x @ W).sum(0)
    for method in (guided_backprop(), deconvolution()):
        found = method(model, X, 1, key=KEY)
        (told,) = caveats(method, model, X, found.relevance, found.info)
        assert told.endswith("found no ReLU in the model: this is its plain gradient")
        slope = jax.grad(lambda x: model(x)[1])(X)
        np.testing.assert_allclose(found.relevance, slope, rtol=1e-5, atol=1e-6)


def test_a_model_with_some_rectifiers_is_told():
    model = lambda x: (jax.nn.relu(x) + jnp.tanh(x)).sum(0)
    found = guided_backprop()(model, X, 1, key=KEY)
    told = caveats(guided_backprop(), model, X, found.relevance, found.info)
    assert told == ("guided_backprop changed the gradient of 1 ReLU, and of none of tanh",)
