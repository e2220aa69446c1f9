"""Closed forms of the sound metrics."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft

from audioxai_jax.metrics.audio_quality import (
    level_db,
    log_mel_distance,
    log_spectral_distance,
    mel_cepstral_distortion,
    si_sdr,
)
from audioxai_jax.transforms.mel import log_mel


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
    at_rate = [
        functools.partial(measure, sample_rate=16_000)
        for measure in (log_mel_distance, mel_cepstral_distortion)
    ]
    for measure in (log_spectral_distance, *at_rate):
        value, gradient = jax.jit(measure), jax.jit(jax.grad(measure))
        assert np.isfinite(value(silent, silent))
        assert np.isfinite(value(sound, silent))
        assert np.all(np.isfinite(gradient(silent, sound)))
    assert np.all(np.isfinite(jax.grad(si_sdr)(silent, sound)))


def test_si_sdr_of_silence_is_not_that_of_half_the_sound():
    """0 dB is what equal parts of sound and noise have: silence holds nothing of the sound."""
    sound = jax.random.normal(jax.random.key(0), (1000,))
    assert si_sdr(0 * sound, sound) == -jnp.inf
    assert jnp.isnan(si_sdr(sound, 0 * sound)) and jnp.isnan(si_sdr(0 * sound, 0 * sound))
    assert si_sdr(sound, sound) > 120


@pytest.mark.parametrize("level", [1e-7, 1e-25])
def test_si_sdr_of_what_is_very_soft(level):
    clean, noise = (jnp.asarray(sound, jnp.float32) for sound in orthogonal_pair())
    estimate = clean + 0.1 * noise
    for pair in ((level * estimate, level * clean), (level * estimate, clean)):
        np.testing.assert_allclose(si_sdr(*pair), 20, atol=1e-3)


def test_sounds_that_would_be_broadcast_are_refused():
    at_rate = [
        functools.partial(measure, sample_rate=16_000)
        for measure in (log_mel_distance, mel_cepstral_distortion)
    ]
    for measure in (si_sdr, level_db, log_spectral_distance, *at_rate):
        for shapes in (((2, 900), (900,)), ((900,), (1,)), ((2, 900), (2, 900))):
            with pytest.raises(ValueError, match="waveform"):
                measure(*(jnp.ones(shape) for shape in shapes))


def test_log_spectral_distance_of_a_gain_is_the_gain():
    """Where magnitudes lie far above the floor; a filter's is the rms of its response."""
    sound = jax.random.normal(jax.random.key(0), (16_000,))
    assert log_spectral_distance(sound, sound) == 0
    np.testing.assert_allclose(
        log_spectral_distance(0.5 * sound, sound), 20 * np.log10(2), atol=0.03
    )


def test_log_spectral_distance_recomputed(x64):
    a, b = np.random.default_rng(0).normal(size=(2, 1000))
    scale, hann = 0.7 / np.abs(b).max(), 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    wanted = []
    for frame in range(8):
        start = frame * 128 - 192
        levels = []
        for sound in (a, b):
            piece = np.zeros(512)
            inside = np.arange(max(start, 0), min(start + 512, 1000))
            piece[inside - start] = scale * sound[inside]
            levels.append(20 * np.log10(np.abs(np.fft.rfft(piece * hann)) + 1e-3))
        wanted.append(np.sqrt(np.mean((levels[0] - levels[1]) ** 2)))
    found = log_spectral_distance(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(found, np.mean(wanted), rtol=1e-9)


def test_mel_cepstral_distortion_leaves_the_level_out():
    sound = jax.random.normal(jax.random.key(0), (16_000,))
    assert mel_cepstral_distortion(sound, sound, sample_rate=16_000) == 0
    assert mel_cepstral_distortion(0.5 * sound, sound, sample_rate=16_000) < 0.05


def test_all_mel_cepstra_give_the_rms_of_levels_about_their_mean(x64):
    """Parseval: the constant 10 sqrt(2) / ln 10 is that of decibels. Fewer give less."""
    a, b = np.random.default_rng(0).normal(size=(2, 4000))
    a = np.cumsum(a) / 10
    scale = 0.7 / np.abs(b).max()
    mels = [np.asarray(log_mel(jnp.asarray(scale * s), sample_rate=16_000)) for s in (a, b)]
    decibels = 20 / np.log(10) * (mels[0] - mels[1])
    measure = lambda count: mel_cepstral_distortion(
        jnp.asarray(a), jnp.asarray(b), sample_rate=16_000, coefficients=count
    )
    np.testing.assert_allclose(measure(63), np.mean(np.std(decibels, axis=1)), rtol=1e-9)
    c = scipy.fft.dct(mels[0] - mels[1], axis=1)[:, 1:25] / 64
    wanted = 10 * np.sqrt(2) / np.log(10) * np.mean(np.linalg.norm(c, axis=1))
    np.testing.assert_allclose(measure(24), wanted, rtol=1e-9)
    for count in (0, 64):
        with pytest.raises(ValueError, match="must be 1 to 63"):
            measure(count)
