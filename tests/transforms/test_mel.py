"""Mel bands: triangles on the mel scale; log-mel spectrograms that can be differentiated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.mel import log_mel, mel_bands
from audioxai_jax.transforms.stft import magnitude_spectrogram

CENTRES = np.arange(257) * 16_000 / 512


def mel(frequency):
    return 2595 * np.log10(1 + np.asarray(frequency) / 700)


@pytest.mark.parametrize("bands, lowest, highest", [(8, 0.0, 8000.0), (40, 20.0, 7600.0)])
def test_each_band_is_a_triangle_between_its_neighbours(bands, lowest, highest):
    """Feet and peaks are evenly spaced on the mel scale, sides are straight in Hz."""
    fine = np.linspace(0, 8000, 20_001)
    weights = mel_bands(fine, bands, lowest=lowest, highest=highest)
    step = (mel(highest) - mel(lowest)) / (bands + 1)
    for band, weight in enumerate(weights.T):
        peak = mel(fine[np.argmax(weight)])
        assert abs(peak - (mel(lowest) + (band + 1) * step)) < 1.0
        inside = fine[weight > 0]
        assert abs(mel(inside[0]) - (mel(lowest) + band * step)) < 1.0
        assert abs(mel(inside[-1]) - (mel(lowest) + (band + 2) * step)) < 1.0
        rising = weight[(fine >= inside[0]) & (fine < fine[np.argmax(weight)])]
        np.testing.assert_allclose(np.diff(rising, 2), 0, atol=1e-9)
        assert 0.99 < weight.max() <= 1


def test_bands_sum_to_one_between_the_first_and_the_last_peak():
    weights = mel_bands(np.linspace(0, 8000, 4001), 20, lowest=0.0, highest=8000.0)
    first, last = np.argmax(weights[:, 0]), np.argmax(weights[:, -1])
    np.testing.assert_allclose(weights[first : last + 1].sum(1)[1:-1], 1, atol=1e-9)
    assert np.all(weights >= 0)


def test_log_mel_is_the_logarithm_of_banded_magnitudes(x64):
    audio = jnp.asarray(np.random.default_rng(0).normal(size=3000))
    found = log_mel(audio, sample_rate=16_000)
    magnitude = np.asarray(magnitude_spectrogram(audio, window=512, hop=128))
    weights = mel_bands(CENTRES, 64, lowest=20.0, highest=8000.0)
    wanted = [[np.log(sum(frame * band) + 1e-3) for band in weights.T] for frame in magnitude]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_silence_is_at_the_floor_and_has_a_gradient():
    silence = jnp.zeros(1600)
    np.testing.assert_allclose(log_mel(silence, sample_rate=16_000), np.log(1e-3), rtol=1e-6)
    gradient = jax.grad(lambda audio: jnp.sum(log_mel(audio, sample_rate=16_000)))(silence)
    assert np.all(np.isfinite(gradient))


def test_a_louder_sound_is_higher_by_the_logarithm_of_its_gain():
    audio = jax.random.normal(jax.random.key(0), (16_000,))
    levels = [log_mel(gain * audio, sample_rate=16_000, floor=1e-9, bands=32) for gain in (1, 10)]
    np.testing.assert_allclose(levels[1] - levels[0], np.log(10), atol=1e-4)
