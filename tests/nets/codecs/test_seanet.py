"""SEANet: lengths, causality, and each layer against a slow definition."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.codecs import seanet
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.nets.layers.convolutions import ConvTranspose, elu
from audioxai_jax.nets.layers.lstm import Lstm
from tests.helpers.small_models import random_params

SMALL = SeanetConfig(sample_rate=16_000, latent=12, filters=4, strides=(4, 2), lstm=1)


def params_of(config):
    return random_params(lambda: seanet.init(config, jax.random.key(0)))


@pytest.mark.full_size
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("samples", [1, 2, 7, 8, 9, 100])
def test_shapes(samples, causal):
    config = SeanetConfig(latent=12, filters=4, strides=(4, 2), lstm=0, causal=causal)
    sound, params = jax.ShapeDtypeStruct((samples,), jnp.float32), params_of(config)
    latent = jax.eval_shape(partial(seanet.encode, config), params, sound)
    assert latent.shape == (-(-samples // config.hop), 12)
    decoded = jax.eval_shape(partial(seanet.decode, config), params, latent)
    assert decoded.shape == (latent.shape[0] * config.hop,)


def test_causal_members_do_not_look_ahead():
    params = params_of(SMALL)
    sound = jax.random.normal(jax.random.key(1), (160,))
    frame = 9
    jacobian = jax.jit(jax.jacobian(lambda x: seanet.encode(SMALL, params, x)[frame]))(sound)
    assert np.all(jacobian[:, (frame + 1) * SMALL.hop :] == 0)
    assert np.any(jacobian[:, frame * SMALL.hop : (frame + 1) * SMALL.hop] != 0)
    latent = jax.random.normal(jax.random.key(2), (20, 12))
    sample = 81
    seen = jax.jit(jax.jacobian(lambda z: seanet.decode(SMALL, params, z)[sample]))(latent)
    assert np.all(seen[sample // SMALL.hop + 1 :] == 0)


def test_transposed_convolution_against_its_definition():
    layer = ConvTranspose(features=3, stride=5)
    x = jax.random.normal(jax.random.key(1), (6, 4))
    params = layer.init(jax.random.key(0), x)
    direction, scale = params["params"]["direction"], params["params"]["scale"]
    norms = np.sqrt((np.asarray(direction) ** 2).sum((0, 2), keepdims=True))
    weight = np.asarray(scale) * np.asarray(direction) / norms
    slow = np.zeros((7 * 5, 3))
    for t in range(6):
        for k in range(10):
            slow[t * 5 + k] += np.asarray(x)[t] @ weight[k]
    np.testing.assert_allclose(layer.apply(params, x), slow[:30], atol=1e-5)


def test_lstm_against_its_definition():
    layer = Lstm(2)
    x = jax.random.normal(jax.random.key(1), (7, 6))
    params = layer.init(jax.random.key(0), x)["params"]
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    y = np.asarray(x)
    for number in range(2):
        enter, recur = (np.asarray(params[f"{n}_{number}"]) for n in ("enter", "recur"))
        hidden, cell, outputs = np.zeros(6), np.zeros(6), []
        for row in y:
            i, f, g, o = np.split(row @ enter + hidden @ recur, 4)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            outputs.append(hidden)
        y = np.stack(outputs)
    np.testing.assert_allclose(layer.apply({"params": params}, x), np.asarray(x) + y, atol=1e-5)


def test_default_is_encodec_24khz_in_size():
    """14,851,810 parameters in the published model's encoder and decoder with their two
    biases per LSTM gate (2 layers x 2 nets x 2048), which are one bias here."""
    shapes = jax.eval_shape(lambda key: seanet.init(SeanetConfig(), key), jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert count + 4 * 2048 == 14_851_810


def test_elu():
    x = jnp.linspace(-5, 5, 101)
    np.testing.assert_allclose(elu(x), jax.nn.elu(x), atol=1e-6)
    slope = jax.vmap(jax.grad(elu))
    np.testing.assert_allclose(slope(x), jax.vmap(jax.grad(jax.nn.elu))(x), atol=1e-6)
    assert slope(jnp.zeros(1)) == 1  # zeros are met about once in ten seconds of sound
