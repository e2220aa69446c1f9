"""The recurrent classifier against its equations, and against flax' own cell."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from audioxai_jax.nets.classifiers import gru
from audioxai_jax.nets.classifiers.gru import VARIANTS, GruConfig, Layer

CONFIG = GruConfig(frames=7, channels=5, classes=3, hidden=4, layers=2)
init, apply = jax.jit(gru.init, static_argnums=0), jax.jit(gru.apply, static_argnums=0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer(params, x):
    """One layer, frame by frame, gates in the order r, u, n."""
    weight, bias = params["input"]["kernel"], params["input"]["bias"]
    hidden = params["recurrent"].shape[0]
    w = [np.asarray(weight)[:, i * hidden : (i + 1) * hidden] for i in range(3)]
    b = [np.asarray(bias)[i * hidden : (i + 1) * hidden] for i in range(3)]
    v = [np.asarray(params["recurrent"])[:, i * hidden : (i + 1) * hidden] for i in range(3)]
    h, states = np.zeros(hidden), []
    for row in np.asarray(x, np.float64):
        r = sigmoid(row @ w[0] + b[0] + h @ v[0])
        u = sigmoid(row @ w[1] + b[1] + h @ v[1])
        n = np.tanh(row @ w[2] + b[2] + r * (h @ v[2] + np.asarray(params["bias"])))
        h = (1 - u) * n + u * h
        states.append(h)
    return np.stack(states)


def random_params(config=CONFIG):
    draw = np.random.default_rng(0).normal
    params = init(config, jax.random.key(0))
    return jax.tree.map(lambda p: jnp.asarray(0.5 * draw(size=p.shape), jnp.float32), params)


def test_equations():
    params, latent = random_params(), jax.random.normal(jax.random.key(1), (7, 5))
    states = layer(params["layer_1"], layer(params["layer_0"], latent))
    logits = states.mean(0) @ np.asarray(params["logits"]["kernel"]) + params["logits"]["bias"]
    np.testing.assert_allclose(gru.model(CONFIG, params)(latent), logits, atol=1e-5)


def test_a_layer_is_flaxs_cell_over_time():
    params = random_params()["layer_0"]
    x = jax.random.normal(jax.random.key(1), (7, 5))
    cut = lambda array: jnp.split(array, 3, axis=-1)
    (wr, wu, wn), (br, bu, bn) = cut(params["input"]["kernel"]), cut(params["input"]["bias"])
    vr, vu, vn = cut(params["recurrent"])
    theirs = {
        "ir": {"kernel": wr, "bias": br},
        "iz": {"kernel": wu, "bias": bu},
        "in": {"kernel": wn, "bias": bn},
        "hr": {"kernel": vr},
        "hz": {"kernel": vu},
        "hn": {"kernel": vn, "bias": params["bias"]},
    }
    wanted = nn.RNN(nn.GRUCell(4)).apply({"params": {"cell": theirs}}, x)
    np.testing.assert_allclose(Layer(4).apply({"params": params}, x), wanted, atol=1e-6)


def test_variants_and_dropout():
    config = dataclasses.replace(CONFIG, **VARIANTS["code"])
    params = init(config, jax.random.key(0))
    assert params["layer_1"]["recurrent"].shape == (150, 450)
    assert params["between"]["kernel"].shape == (150, 50)
    latent = jax.random.normal(jax.random.key(1), (7, 5))
    dropped = apply(config, params, latent, jax.random.key(2))
    assert np.abs(dropped - apply(config, params, latent)).max() > 1e-4
