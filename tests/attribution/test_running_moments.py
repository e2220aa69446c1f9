"""Mean and spread in chunks, against NumPy on all samples at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.attribution.running_moments import add, no_samples


def in_chunks(samples, chunk):
    moments = no_samples(jnp.zeros(samples.shape[1:], samples.dtype))
    for start in range(0, len(samples), chunk):
        part = np.resize(samples[start : start + chunk], (chunk, *samples.shape[1:]))
        valid = jnp.arange(chunk) < len(samples) - start
        moments = jax.jit(add)(moments, jnp.asarray(part), valid)
    return moments


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_moments_in_chunks(chunk, x64):
    samples = np.random.default_rng(0).normal(size=(20, 3, 2)) + 5
    found = in_chunks(samples, chunk)
    np.testing.assert_allclose(found.mean, samples.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.variance, samples.var(0), rtol=1e-12)
    wanted = samples.std(0, ddof=1) / np.sqrt(20)
    np.testing.assert_allclose(found.standard_error, wanted, rtol=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_samples_that_hardly_differ(chunk):
    """In single precision: a spread of 1e-3 about 100 is not drowned, none is none."""
    samples = np.random.default_rng(0).normal(size=(40, 3)) * 1e-3 + 100
    found = in_chunks(samples.astype(np.float32), chunk)
    np.testing.assert_allclose(found.variance, samples.var(0), rtol=0.05)
    same = in_chunks(np.full((40, 2), 1 / 3, np.float32), chunk)
    assert np.all(same.standard_error < 1e-7)


def test_one_sample_has_no_spread_that_is_known():
    assert np.all(np.isnan(in_chunks(np.ones((1, 2), np.float32), 4).standard_error))
