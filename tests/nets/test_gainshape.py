"""The gain-shape codec's promises: silence, gates, linear start, any length."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets import gainshape
from audioxai_jax.nets.gainshape import GainShapeConfig
from audioxai_jax.spaces.lapped import analyse, synthesise

CONFIG = GainShapeConfig(width=32, encoder_blocks=1, decoder_blocks=1)


def perturbed(params, key):
    """Parameters whose last layers are not zero, as after training."""
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    moved = [p + 0.1 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, moved)


@pytest.fixture
def params():
    return perturbed(gainshape.init(CONFIG, jax.random.key(0)), jax.random.key(1))


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 16_000])
def test_shapes(params, samples):
    sound = 0.1 * jax.random.normal(jax.random.key(2), (samples,))
    latent = gainshape.encode(CONFIG, params, sound)
    assert latent.shape == (-(-samples // 320), 64)
    assert gainshape.decode(CONFIG, params, latent).shape == (latent.shape[0] * 320,)


def test_zero_latent_is_silence(params):
    assert np.all(gainshape.decode(CONFIG, params, jnp.zeros((50, 64))) == 0)


def test_silence_has_zero_gains(params):
    latent = gainshape.encode(CONFIG, params, jnp.zeros(3200))
    assert np.all(latent[:, : CONFIG.gains] == 0)


def test_a_removed_gain_silences_its_band_whatever_the_shape_says(params):
    sound = 0.1 * jax.random.normal(jax.random.key(2), (16_000,))
    latent = gainshape.encode(CONFIG, params, sound)
    removed = latent.at[:, 8:].set(jnp.where(jnp.arange(8, 64) < 16, 0.0, latent[:, 8:]))
    before = np.abs(analyse(gainshape.decode(CONFIG, params, latent), 320)[0])
    after = np.abs(analyse(gainshape.decode(CONFIG, params, removed), 320)[0])
    bands = gainshape._bands(CONFIG)
    only_removed = bands[:, :8].sum(1) == 0
    assert only_removed.sum() > 100
    assert after[1:-1, only_removed].max() < 1e-5
    assert before[1:-1, only_removed].mean() > 1e-3


def test_untrained_codec_is_the_linear_transform():
    params = gainshape.init(CONFIG, jax.random.key(0))
    sound = 0.1 * jax.random.normal(jax.random.key(2), (16_000,))
    low = synthesise(jnp.where(jnp.arange(320) < CONFIG.shape, analyse(sound, 320)[0], 0.0))
    decoded = gainshape.decode(CONFIG, params, gainshape.encode(CONFIG, params, low))
    error = jnp.sum((decoded - low) ** 2) / jnp.sum(low**2)
    assert error < 0.03  # the limiter of large coefficients bends the rest


def test_gains_follow_the_level_of_a_tone():
    """A 10 dB louder tone raises its band's gain by ln(10^(1/2)) / scale."""
    params = gainshape.init(CONFIG, jax.random.key(0))
    tone = 0.05 * jnp.sin(2 * jnp.pi * 1000 * jnp.arange(16_000) / 16_000)
    soft = gainshape.encode(CONFIG, params, tone)[5:-5, :16]
    loud = gainshape.encode(CONFIG, params, 10**0.5 * tone)[5:-5, :16]
    band = int(jnp.argmax(soft.mean(0)))
    step = np.log(10**0.5) / CONFIG.scale
    np.testing.assert_allclose(loud[:, band] - soft[:, band], step, atol=2e-3)


def test_gradients_are_finite_at_silence(params):
    def energy(sound):
        latent = gainshape.encode(CONFIG, params, sound)
        return jnp.sum(gainshape.decode(CONFIG, params, latent) ** 2)

    assert np.all(np.isfinite(jax.grad(energy)(jnp.zeros(3200))))
    decode = lambda z: jnp.sum(gainshape.decode(CONFIG, params, z))
    assert np.all(np.isfinite(jax.grad(decode)(jnp.zeros((10, 64)))))
