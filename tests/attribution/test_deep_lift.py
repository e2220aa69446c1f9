"""DeepLIFT: contributions sum to the difference from the reference, whatever the network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import deconvolution, deep_lift, guided_backprop
from audioxai_jax.lrp import UncoveredOperation
from audioxai_jax.nets import cnn, gru, transformer
from tests.small_models import random_params

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


HEADS = {
    "cnn": (cnn, cnn.CnnConfig()),
    "gru": (gru, gru.GruConfig()),
    "transformer": (transformer, transformer.TransformerConfig()),
}


@pytest.mark.parametrize("head", HEADS)
def test_real_heads_are_covered(head, x64):
    """Softmax and norms are quotients here: the sum holds for them as well."""
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
