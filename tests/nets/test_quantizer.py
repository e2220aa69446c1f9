"""Residual vector quantisation against a slow loop, and its edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.quantizer import dequantise, quantise, straight_through

BOOKS = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
LATENT = 2 * np.random.default_rng(1).normal(size=(9, 3)).astype(np.float32)


def test_codes_and_sums_against_a_loop():
    codes, sums = np.zeros((9, 4), np.int32), np.zeros((9, 3))
    for frame, left in enumerate(LATENT.astype(np.float64)):
        for stage, book in enumerate(BOOKS):
            codes[frame, stage] = np.argmin([np.sum((left - word) ** 2) for word in book])
            left = left - book[codes[frame, stage]]
            sums[frame] += book[codes[frame, stage]]
    found = quantise(BOOKS, LATENT)
    assert found.dtype == jnp.int32 and np.array_equal(found, codes)
    np.testing.assert_allclose(dequantise(BOOKS, found), sums, atol=1e-6)
    assert np.array_equal(quantise(BOOKS[:2], LATENT), codes[:, :2])


def test_ties_go_to_the_first_word():
    books = jnp.asarray([[[1.0], [-1.0], [1.0]]])
    assert quantise(books, jnp.asarray([[0.0], [2.0], [-3.0]])).tolist() == [[0], [0], [1]]


def test_codes_that_were_not_sent_and_codes_that_are_none():
    codes = jnp.asarray([[2, -1, 0, -1], [6, 0, 0, 0]])
    found = dequantise(BOOKS, codes)
    np.testing.assert_allclose(found[0], BOOKS[0, 2] + BOOKS[2, 0], atol=1e-6)
    assert np.isnan(found[1]).all()


def test_straight_through():
    found, pull = jax.vjp(lambda z: straight_through(BOOKS, z), jnp.asarray(LATENT))
    np.testing.assert_allclose(found, dequantise(BOOKS, quantise(BOOKS, LATENT)), atol=1e-5)
    assert np.array_equal(pull(jnp.asarray(LATENT))[0], LATENT)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"latent \[9, 2\] do not fit codebooks \[4, 6, 3\]"):
        quantise(BOOKS, LATENT[:, :2])
    with pytest.raises(ValueError, match=r"codes \[9, 3\] do not fit"):
        dequantise(BOOKS, jnp.zeros((9, 3), int))
    with pytest.raises(ValueError, match=r"codebooks are \[6, 3\]"):
        quantise(BOOKS[0], LATENT)
