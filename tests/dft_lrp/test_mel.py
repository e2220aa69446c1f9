"""Relevance between frequencies and mel bands: the sums written out, and what is in no band."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import propagation
from audioxai_jax.dft_lrp import mel as mel_relevance
from audioxai_jax.dft_lrp.time_frequency import time_relevance_of_frames
from audioxai_jax.propagation import rules
from audioxai_jax.transforms.mel import mel_bands
from audioxai_jax.transforms.stft import magnitude_spectrogram

band_relevance = jax.jit(lambda r: mel_relevance.band_relevance(r, WEIGHTS))
bin_relevance = jax.jit(lambda r, m: mel_relevance.bin_relevance(r, m, WEIGHTS))
WEIGHTS = mel_bands(np.arange(33) * 125.0, 12, lowest=100.0, highest=3500.0)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_the_bands_of_these_tests():
    """Some frequencies are in no band, and some bands hold no frequency."""
    assert np.any(WEIGHTS.sum(1) == 0) and np.any(WEIGHTS.sum(1) > 0)
    assert np.any(mel_bands(np.arange(33) * 125.0, 40).sum(0) == 0)


def test_from_frequencies_to_bands(x64):
    relevance = draw(5, 33)
    bands, outside = band_relevance(jnp.asarray(relevance))
    wanted, left = np.zeros((5, 12)), np.zeros(5)
    for f in range(5):
        for k in range(33):
            total = sum(WEIGHTS[k])
            left[f] += relevance[f, k] if total == 0 else 0
            for b in range(12):
                wanted[f, b] += relevance[f, k] * WEIGHTS[k, b] / total if total else 0
    np.testing.assert_allclose(bands, wanted, atol=1e-12)
    np.testing.assert_allclose(outside, left, atol=1e-12)
    np.testing.assert_allclose(bands.sum(1) + outside, relevance.sum(1), atol=1e-12)


def test_from_bands_to_frequencies(x64):
    relevance, magnitude = draw(5, 12), np.abs(draw(5, 33, seed=1))
    magnitude[2] = 0
    bins, left = bin_relevance(jnp.asarray(relevance), jnp.asarray(magnitude))
    wanted = np.zeros((5, 33))
    for f in range(5):
        for b in range(12):
            mel = sum(magnitude[f] * WEIGHTS[:, b])
            for k in range(33):
                part = magnitude[f, k] * WEIGHTS[k, b]
                wanted[f, k] += part / mel * relevance[f, b] if part else 0
    np.testing.assert_allclose(bins, wanted, atol=1e-12)
    np.testing.assert_allclose(bins.sum(1) + left, relevance.sum(1), atol=1e-12)
    assert np.all(bins[2] == 0) and abs(left[2] - relevance[2].sum()) < 1e-12


def test_empty_bands_keep_their_relevance():
    weights = mel_bands(np.arange(33) * 125.0, 40)
    empty = weights.sum(0) == 0
    relevance = draw(40).astype(np.float32)
    bins, left = mel_relevance.bin_relevance(relevance, jnp.ones(33), weights)
    np.testing.assert_allclose(left, relevance[empty].sum(), rtol=1e-5)
    np.testing.assert_allclose(bins.sum(), relevance[~empty].sum(), rtol=1e-5)


@pytest.mark.parametrize("gain", [1e-20, 1.0, 1e20])
def test_sums_are_kept_in_single_precision(gain):
    relevance = draw(7, 33).astype(np.float32)
    magnitude = (gain * np.abs(draw(7, 33, seed=1)) * 10.0 ** draw(7, 33, seed=2)).astype("f")
    bands, outside = band_relevance(relevance)
    bins, left = bin_relevance(bands, magnitude)
    sums = lambda *parts: sum(np.asarray(part, np.float64).sum() for part in parts)
    assert abs(sums(bands, outside) - sums(relevance)) < 1e-6 * np.abs(relevance).sum()
    assert abs(sums(bins, left) - sums(bands)) < 1e-6 * np.abs(bands).sum()


def test_it_is_lrp_through_bands_and_logarithm(x64):
    """LRP-0 through `magnitude @ weights`, and the logarithm passed through."""
    weights, out = jnp.asarray(WEIGHTS), jnp.asarray(draw(12, 3))
    magnitude = jnp.asarray(np.abs(draw(33, seed=1)) + 0.1)
    head = lambda level: jax.nn.relu(level + 1) @ out
    epsilon = (propagation.kind("dense"), rules.epsilon())
    of_bands = propagation.propagate(
        propagation.composite([epsilon, *propagation.base()]), head, jnp.log(magnitude @ weights), 1
    ).relevance
    whole = propagation.composite(
        [(propagation.first(), rules.zero()), epsilon, *propagation.base()]
    )
    network = lambda magnitude: head(jnp.log(magnitude @ weights))
    wanted = propagation.propagate(whole, network, magnitude, 1).relevance
    found, left = bin_relevance(of_bands, magnitude)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert left == 0


def test_from_a_log_mel_classifier_to_samples():
    """Bands, then the frequencies of each frame, then samples: nothing gets lost."""
    audio = draw(1000).astype(np.float32)
    audio[:300] = 0
    relevance = draw(63, 12).astype(np.float32)

    @jax.jit
    def carry(audio, relevance):
        magnitude = magnitude_spectrogram(audio, window=64, hop=16)
        bins, left = mel_relevance.bin_relevance(relevance, magnitude, WEIGHTS)
        options = {"window": ("hann", 64), "hop": 16, "before": 24}
        return time_relevance_of_frames(audio, bins, **options), left

    samples, left = carry(audio, relevance)
    assert samples.shape == (1000,)
    assert np.all(left[:15] != 0) and np.all(left[20:] == 0)  # silent frames have no frequency
    whole = np.asarray(samples, np.float64).sum() + np.asarray(left, np.float64).sum()
    assert abs(whole - relevance.sum(dtype=np.float64)) < 1e-6 * np.abs(relevance).sum()
    np.testing.assert_allclose(samples[:270], 0, atol=1e-6)


def test_shapes_that_do_not_fit_are_refused():
    ones = partial(np.ones, dtype=np.float32)
    there, back = mel_relevance.band_relevance, mel_relevance.bin_relevance
    with pytest.raises(ValueError, match=r"\[5, 32\] and weights \[33, 12\].*of its frequencies"):
        there(ones((5, 32)), WEIGHTS)
    with pytest.raises(ValueError, match=r"\[5, 13\].*of its bands"):
        back(ones((5, 13)), ones((5, 33)), WEIGHTS)
    with pytest.raises(ValueError, match=r"\[5, 32\].*of its frequencies"):
        back(ones((5, 12)), ones((5, 32)), WEIGHTS)
    with pytest.raises(ValueError, match=r"expected \[K, B\]"):
        there(ones((5, 33)), WEIGHTS[0])
    with pytest.raises(ValueError, match="a weight is negative"):
        there(ones((5, 33)), -WEIGHTS)
    with pytest.raises(ValueError, match="both must have the same frames"):
        back(ones(12), ones((5, 33)), WEIGHTS)
    with pytest.raises(ValueError, match="int64"):
        back(ones((5, 12)), np.ones((5, 33), np.int64), WEIGHTS)
