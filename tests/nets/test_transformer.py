"""The classifiers: what their structure promises."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets import listener, transformer
from audioxai_jax.nets.listener import ListenerConfig
from audioxai_jax.nets.transformer import TransformerConfig

CONFIG = TransformerConfig(frames=10, channels=6, classes=3, width=16, layers=2, feedforward=24)


def test_logits_and_dropout():
    params = transformer.init(CONFIG, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (10, 6))
    plain = transformer.apply(CONFIG, params, latent)
    assert plain.shape == (3,)
    np.testing.assert_array_equal(plain, transformer.model(CONFIG, params)(latent))
    dropped = [transformer.apply(CONFIG, params, latent, jax.random.key(k)) for k in (2, 2, 3)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert np.abs(dropped[0] - dropped[2]).max() > 1e-3


def test_without_positions_and_neighbours_the_order_of_frames_is_lost():
    """So positions are all that tells frames apart beyond the embedding's reach."""
    config = TransformerConfig(frames=10, channels=6, classes=3, width=16, layers=1, reach=0)
    params = transformer.init(config, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (10, 6))
    shuffled = latent[jax.random.permutation(jax.random.key(2), 10)]
    moved = transformer.apply(config, params, shuffled) - transformer.apply(config, params, latent)
    assert np.abs(moved).max() > 1e-4
    params = {**params, "positions": jnp.zeros_like(params["positions"])}
    still = transformer.apply(config, params, shuffled) - transformer.apply(config, params, latent)
    assert np.abs(still).max() < 1e-5


def test_listener_statistics_move_towards_the_batch():
    config = ListenerConfig(width=8, strides=(1, 2), classes=3)
    variables = listener.init(config, jax.random.key(0))
    features = 5 + jax.random.normal(jax.random.key(1), (16, 20, 64))
    keys = jax.random.split(jax.random.key(2), 16)
    train = lambda x, k: listener.apply_training(config, variables, x, k)
    logits, updated = jax.vmap(train, axis_name="batch")(features, keys)
    assert logits.shape == (16, 3)
    mean = np.asarray(updated["norm_0"]["mean"])
    np.testing.assert_array_equal(mean, np.broadcast_to(mean[0], mean.shape))
    kernel = np.asarray(variables["params"]["conv_0"]["kernel"])  # [5, 64, 8]
    padded = np.pad(np.asarray(features), ((0, 0), (2, 2), (0, 0)))
    slow = sum(padded[:, i : i + 20] @ kernel[i] for i in range(5)).mean((0, 1))
    np.testing.assert_allclose(mean[0], 0.02 * slow, atol=1e-5)


def test_listener_hears_a_waveform():
    config = ListenerConfig(width=8, strides=(1, 2), classes=3)
    model = listener.model(config, listener.init(config, jax.random.key(0)))
    assert model(jnp.zeros(16_000)).shape == (3,)
    assert listener.features(config, jnp.zeros(16_000)).shape == (100, 64)
