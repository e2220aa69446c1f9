"""Envelopes that are known are found under harmonics."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.cepstrum import envelope_at, true_envelope

BIN = 8000 / 512
POSITION = np.arange(257) / 256
ENVELOPE = jax.jit(functools.partial(true_envelope, bin_hz=BIN))
PLAIN = jax.jit(functools.partial(true_envelope, bin_hz=BIN, iterations=0))


def smooth(position):
    """Quefrencies 0, 1 and 3: a slope and bumps."""
    return -3 + 2 * np.cos(np.pi * position) + 0.5 * np.cos(3 * np.pi * position)


def test_an_envelope_alone_is_its_own():
    """But for the lowest 250 Hz, which count as their largest."""
    given = smooth(POSITION)
    lowest = given.max()
    given[:16] -= 5.0
    given[3] = lowest
    found = envelope_at(ENVELOPE(jnp.asarray(given)), POSITION)
    flattened = lowest - smooth(POSITION)[16]
    assert np.max(np.abs(found - smooth(POSITION))) < flattened < 0.13


def test_harmonics_are_touched_and_valleys_passed_over():
    """Plain liftering lies a half of the ripple too low; the true envelope lies on the tops."""
    ripple = 4 * (np.cos(2 * np.pi * POSITION * 256 * BIN / 125) - 1)  # harmonics of 125 Hz
    given = jnp.asarray(smooth(POSITION) + ripple)
    found = envelope_at(ENVELOPE(given), POSITION)
    plain = envelope_at(PLAIN(given), POSITION)
    inside = slice(24, -8)
    np.testing.assert_allclose(found[inside], smooth(POSITION)[inside], atol=0.6)
    assert np.mean((plain - smooth(POSITION))[inside]) < -3.5


def test_spectra_are_independent():
    given = jnp.asarray(np.random.default_rng(0).normal(size=(3, 257)))
    together = ENVELOPE(given)
    assert together.shape == (3, 20)
    np.testing.assert_allclose(together[1], ENVELOPE(given[1]), atol=1e-5)


def test_a_lifter_keeps_some():
    for quefrency in (0.0, 1.0):
        with pytest.raises(ValueError, match="at least one, and not all"):
            true_envelope(jnp.zeros(257), bin_hz=BIN, quefrency=quefrency)
