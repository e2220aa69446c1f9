"""Augmentation does what it says, and only that."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.data.augment import augment, spec_augment, speed_copies


def peak_frequency(sound):
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * 16_000 / len(sound)


def test_speed_moves_pitch_and_keeps_length():
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.int16)
    copies = speed_copies(tone[None], (0.8, 1.0, 1.25))
    assert copies.shape == (1, 3, 16_000) and copies.dtype == np.int16
    np.testing.assert_array_equal(copies[0, 1], tone)
    for copy, wanted in zip(copies[0], (800, 1000, 1250), strict=True):
        assert abs(peak_frequency(copy) - wanted) < 3
    assert np.all(copies[0, 2, :1500] == 0) and np.all(copies[0, 2, -1500:] == 0)


def test_augment_shifts_by_whole_samples_within_the_limit():
    click = np.zeros((1, 4000), np.int16)
    click[0, 2000] = 30_000
    silent = np.zeros((1, 4000), np.int16)
    keys = jax.random.split(jax.random.key(0), 200)
    sounds = jax.vmap(lambda key: augment(key, jnp.asarray(click), jnp.asarray(silent), shift=500))(
        keys
    )
    places = np.abs(sounds).argmax(1)
    assert places.min() >= 1500 and places.max() <= 2500 and places.std() > 200
    gains = np.abs(sounds).max(1) / (30_000 / 32768)
    assert gains.min() > 0.09 and gains.max() < 2.1


def test_augment_follows_its_key():
    clip = jax.random.randint(jax.random.key(0), (2, 4000), -1000, 1000).astype(jnp.int16)
    first, again, other = (augment(jax.random.key(k), clip, clip) for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_spec_augment_blanks_one_band_and_one_span():
    features = jnp.ones((60, 40))
    for seed in range(30):
        blank = np.asarray(spec_augment(jax.random.key(seed), features, -7.0)) == -7.0
        frames, channels = blank.all(1), blank.all(0)
        np.testing.assert_array_equal(blank, frames[:, None] | channels)
        assert frames.sum() < 10 and channels.sum() < 8
        assert np.abs(np.diff(frames)).sum() <= 2 and np.abs(np.diff(channels)).sum() <= 2
