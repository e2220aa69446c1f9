"""The classifiers: what their structure promises."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.classifiers import listener, transformer
from audioxai_jax.nets.classifiers.listener import ListenerConfig
from audioxai_jax.nets.classifiers.transformer import TransformerConfig

CONFIG = TransformerConfig(frames=10, channels=6, classes=3, width=16, layers=2, feedforward=24)
init = jax.jit(transformer.init, static_argnums=0)
apply = jax.jit(transformer.apply, static_argnums=0)
run = jax.jit(lambda model, x: model(x))


def test_logits_and_dropout():
    params = init(CONFIG, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (10, 6))
    plain = apply(CONFIG, params, latent)
    assert plain.shape == (3,)
    np.testing.assert_array_equal(plain, run(transformer.model(CONFIG, params), latent))
    dropped = [apply(CONFIG, params, latent, jax.random.key(k)) for k in (2, 2, 3)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert np.abs(dropped[0] - dropped[2]).max() > 1e-3


def test_without_positions_and_neighbours_the_order_of_frames_is_lost():
    """So positions are all that tells frames apart beyond the embedding's reach."""
    config = TransformerConfig(frames=10, channels=6, classes=3, width=16, layers=1, reach=0)
    params = init(config, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (10, 6))
    shuffled = latent[jax.random.permutation(jax.random.key(2), 10)]
    moved = apply(config, params, shuffled) - apply(config, params, latent)
    assert np.abs(moved).max() > 1e-4
    params = {**params, "positions": jnp.zeros_like(params["positions"])}
    still = apply(config, params, shuffled) - apply(config, params, latent)
    assert np.abs(still).max() < 1e-5


def test_listener_statistics_move_towards_the_batch():
    config = ListenerConfig(width=8, strides=(1, 2), classes=3)
    variables = jax.jit(listener.init, static_argnums=0)(config, jax.random.key(0))
    features = 5 + jax.random.normal(jax.random.key(1), (16, 20, 64))
    keys = jax.random.split(jax.random.key(2), 16)
    train = lambda x, k: listener.apply_training(config, variables, x, k)
    logits, updated = jax.jit(jax.vmap(train, axis_name="batch"))(features, keys)
    assert logits.shape == (16, 3)
    mean = np.asarray(updated["norm_0"]["mean"])
    np.testing.assert_array_equal(mean, np.broadcast_to(mean[0], mean.shape))
    kernel = np.asarray(variables["params"]["conv_0"]["kernel"])  # [5, 64, 8]
    padded = np.pad(np.asarray(features), ((0, 0), (2, 2), (0, 0)))
    slow = sum(padded[:, i : i + 20] @ kernel[i] for i in range(5)).mean((0, 1))
    np.testing.assert_allclose(mean[0], 0.02 * slow, atol=1e-5)


def test_listener_hears_a_waveform():
    config = ListenerConfig(width=8, strides=(1, 2), classes=3)
    variables = jax.jit(listener.init, static_argnums=0)(config, jax.random.key(0))
    logits = run(listener.model(config, variables), jnp.zeros(16_000))
    assert logits.shape == (3,) and np.all(np.isfinite(logits))
    assert jax.eval_shape(partial(listener.features, config), jnp.zeros(16_000)).shape == (100, 64)
