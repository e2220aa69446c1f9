"""Spectrogram magnitudes against their definition, summed up slowly in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.stft import magnitude_spectrogram, safe_magnitude


def slow_magnitudes(audio, window, hop):
    """|sum_n hann(n) x(n) exp(-2 pi i k n / W)|, frame f centred on (f + 1/2) hop."""
    frames = -(-len(audio) // hop)
    found = np.zeros((frames, window // 2 + 1))
    for f in range(frames):
        for k in range(window // 2 + 1):
            total = 0j
            for n in range(window):
                place = f * hop - (window - hop) // 2 + n
                if 0 <= place < len(audio):
                    hann = np.sin(np.pi * n / window) ** 2
                    total += hann * audio[place] * np.exp(-2j * np.pi * k * n / window)
            found[f, k] = abs(total)
    return found


@pytest.mark.parametrize("samples, window, hop", [(1, 8, 4), (7, 8, 2), (33, 8, 8), (50, 12, 5)])
def test_it_equals_its_definition(x64, samples, window, hop):
    audio = np.random.default_rng(0).normal(size=samples)
    found = magnitude_spectrogram(jnp.asarray(audio), window=window, hop=hop)
    np.testing.assert_allclose(found, slow_magnitudes(audio, window, hop), atol=1e-12)


@pytest.mark.parametrize("samples, frames", [(1, 1), (128, 1), (129, 2), (16_000, 125)])
def test_a_frame_starts_at_every_hop(samples, frames):
    found = magnitude_spectrogram(jnp.ones(samples), window=512, hop=128)
    assert found.shape == (frames, 257) and found.dtype == jnp.float32


def test_a_click_is_seen_by_the_frames_around_it():
    audio = jnp.zeros(16_000).at[8_030].set(1.0)
    seen = np.flatnonzero(magnitude_spectrogram(audio, window=512, hop=128).max(1) > 1e-3)
    middles = (seen + 0.5) * 128
    assert len(seen) == 4 and np.all(np.abs(middles - 8_030) < 256)


def test_magnitude_and_its_gradient():
    value, gradient = jax.value_and_grad(lambda re: safe_magnitude(re + 4j))(3.0)
    assert abs(value - 5) < 1e-6 and abs(gradient - 0.6) < 1e-6


def test_gradient_is_zero_at_silence():
    loss = lambda audio: jnp.sum(magnitude_spectrogram(audio, window=512, hop=128))
    assert np.all(jax.grad(loss)(jnp.zeros(2000)) == 0)
