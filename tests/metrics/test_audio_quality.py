"""Closed forms of the sound metrics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics.audio_quality import level_db, log_mel_distance, si_sdr


def orthogonal_pair():
    time = np.arange(16_000) / 16_000
    return jnp.asarray(np.sin(2 * np.pi * 400 * time)), jnp.asarray(np.cos(2 * np.pi * 400 * time))


@pytest.mark.parametrize("ratio_db", [-10.0, 0.0, 20.0])
@pytest.mark.parametrize("gain", [0.1, 1.0, -3.0])
def test_si_sdr_of_orthogonal_noise_is_the_ratio_whatever_the_gain(ratio_db, gain):
    clean, noise = orthogonal_pair()
    estimate = gain * (clean + 10 ** (-ratio_db / 20) * noise)
    np.testing.assert_allclose(si_sdr(estimate, clean), ratio_db, atol=1e-3)


def test_log_mel_distance_of_a_gain_is_its_logarithm():
    """Where all bands lie far above the floor."""
    sound = jax.random.normal(jax.random.key(0), (16_000,))
    found = log_mel_distance(0.5 * sound, sound, sample_rate=16_000)
    np.testing.assert_allclose(found, np.log(2), atol=0.01)
    assert log_mel_distance(sound, sound, sample_rate=16_000) == 0


def test_log_mel_distance_does_not_depend_on_the_common_level():
    key_a, key_b = jax.random.split(jax.random.key(0))
    a, b = jax.random.normal(key_a, (4000,)), jax.random.normal(key_b, (4000,))
    loud = log_mel_distance(a, b, sample_rate=16_000)
    soft = log_mel_distance(1e-3 * a, 1e-3 * b, sample_rate=16_000)
    np.testing.assert_allclose(loud, soft, rtol=1e-4)


def test_level():
    sound = jax.random.normal(jax.random.key(0), (1000,))
    np.testing.assert_allclose(level_db(0.1 * sound, sound), -20, atol=1e-4)
    assert level_db(jnp.zeros(1000), sound) == -jnp.inf


def test_silence_gives_finite_numbers_and_gradients():
    silent, sound = jnp.zeros(1000), jnp.ones(1000)
    for measure in (si_sdr, lambda a, b: log_mel_distance(a, b, sample_rate=16_000)):
        assert np.isfinite(measure(silent, silent))
        assert np.isfinite(measure(sound, silent))
        assert np.all(np.isfinite(jax.grad(measure)(silent, sound)))
