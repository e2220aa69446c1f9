"""Masks for training: exact in number, various, and blind to the class."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.training.latent_gaps import loud_cells, loud_mask, random_mask

KEYS = jax.random.split(jax.random.key(0), 200)


def test_random_masks_keep_anything_from_least_to_all():
    masks = jax.vmap(lambda key: random_mask(key, (50, 64), least=0.1))(KEYS)
    kept = np.asarray(masks.mean((1, 2)))
    assert set(np.unique(masks)) == {0.0, 1.0}
    assert kept.min() < 0.2 and kept.max() > 0.9 and 0.3 < kept.mean() < 0.7


def test_loud_masks_prefer_large_values_of_either_sign():
    latent = jax.random.normal(jax.random.key(1), (50, 64))
    masks = jax.vmap(lambda key: loud_mask(key, latent, least=0.05))(KEYS)
    kept = np.asarray(masks.mean((1, 2)))
    assert 0.05 <= kept.min() < 0.06 and kept.max() > 0.95
    np.testing.assert_allclose(np.median(kept), 0.05**0.5, atol=0.04)  # even on a log scale
    mean = np.asarray(masks.mean(0))
    loud, quiet = jnp.abs(latent) > 1.5, jnp.abs(latent) < 0.3
    assert mean[loud].mean() > mean.mean() + 0.2 > mean[quiet].mean() + 0.3
    assert abs(mean[latent > 1.5].mean() - mean[latent < -1.5].mean()) < 0.05


def test_loud_masks_differ_in_taste():
    latent = jnp.ones((50, 64))  # nothing is louder: the taste alone chooses
    masks = jax.vmap(lambda key: loud_mask(key, latent, least=0.05))(KEYS)
    assert len(np.unique(np.asarray(masks).reshape(len(KEYS), -1), axis=0)) > 190
    by_channel = np.asarray(masks.mean(1)).std(1)  # whole channels are preferred
    assert np.median(by_channel) > 0.1


def test_gaps_of_cells_are_whole_and_come_with_the_sound_that_is_left():
    config = gainshape.GainShapeConfig(gains=8, shape=24)
    audio = 0.1 * jax.random.normal(jax.random.key(1), (3200,))
    latent = jax.random.uniform(jax.random.key(2), (10, config.channels))
    mask, sound = loud_cells(gainshape, config, 0.1)(jax.random.key(3), latent, audio)
    bands = gainshape.cells(config)
    for band in range(config.gains):
        same = mask[:, bands == band]
        np.testing.assert_array_equal(same, same[:, :1] * np.ones_like(same))
    kept = mask[:, : config.gains]
    assert 0 < kept.mean() < 1
    np.testing.assert_allclose(sound, gainshape.filtered(config, audio, kept), atol=1e-7)
