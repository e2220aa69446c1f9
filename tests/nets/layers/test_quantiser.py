"""Residual vector quantisation against a loop in numpy, and its identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.layers.quantiser import dequantise, quantise, straight_through

DRAW = np.random.default_rng(0)
BOOKS = (DRAW.normal(size=(5, 8, 4)) * 0.7 ** np.arange(5)[:, None, None]).astype(np.float32)
LATENT = DRAW.normal(size=(11, 4)).astype(np.float32)


def slow(books, latent):
    codes, left = np.zeros((len(latent), len(books)), int), latent.astype(np.float64)
    for stage, book in enumerate(books.astype(np.float64)):
        distances = ((left[:, None] - book) ** 2).sum(2)
        codes[:, stage] = distances.argmin(1)
        left = left - book[codes[:, stage]]
    return codes, latent - left


def test_against_a_loop():
    codes, total = slow(BOOKS, LATENT)
    np.testing.assert_array_equal(quantise(BOOKS, LATENT), codes)
    np.testing.assert_allclose(dequantise(BOOKS, jnp.asarray(codes)), total, atol=1e-6)


def test_fewer_codebooks_are_a_slice():
    whole = quantise(BOOKS, LATENT)
    np.testing.assert_array_equal(quantise(BOOKS[:2], LATENT), whole[:, :2])
    np.testing.assert_array_equal(
        dequantise(BOOKS, whole[:, :2]), dequantise(BOOKS[:2], whole[:, :2])
    )


def test_the_first_of_equals():
    books = np.zeros((2, 3, 4), np.float32)
    assert not np.any(quantise(books, LATENT))
    twice = np.concatenate([BOOKS, BOOKS], axis=1)[:1]
    np.testing.assert_array_equal(quantise(twice, LATENT), quantise(BOOKS[:1], LATENT))


def test_straight_through_is_exact_and_passes_the_gradient():
    value, pull = jax.vjp(lambda z: straight_through(BOOKS, z), LATENT)
    np.testing.assert_array_equal(value, dequantise(BOOKS, quantise(BOOKS, LATENT)))
    weight = DRAW.normal(size=value.shape).astype(np.float32)
    np.testing.assert_array_equal(pull(weight)[0], weight)
    slope = jax.grad(lambda books: jnp.sum(straight_through(books, LATENT)))(jnp.asarray(BOOKS))
    assert not np.any(slope)


def test_no_silent_number():
    broken = LATENT.copy()
    broken[3, 1] = np.nan
    found = np.asarray(straight_through(BOOKS, broken))
    assert np.isnan(found[3, 1]) and np.all(np.isfinite(np.delete(found, 3, 0)))
    assert np.all(np.isnan(dequantise(BOOKS, jnp.array([[8, 0]]))))


def test_stages_that_were_not_sent_add_nothing():
    found = dequantise(BOOKS, jnp.array([[2, -1, 0, -1]]))
    np.testing.assert_allclose(found[0], BOOKS[0, 2] + BOOKS[2, 0], atol=1e-6)


def test_half_precision_chooses_as_single_does():
    narrow = jnp.asarray(LATENT, jnp.bfloat16), jnp.asarray(BOOKS, jnp.bfloat16)
    codes = quantise(narrow[1], narrow[0])
    wide = [np.asarray(v.astype(jnp.float32)) for v in narrow]
    np.testing.assert_array_equal(codes, quantise(wide[1], wide[0]))
    assert straight_through(narrow[1], narrow[0]).dtype == jnp.bfloat16


def test_jit_and_vmap():
    batch = jnp.stack([LATENT, LATENT[::-1]])
    codes = jax.jit(jax.vmap(quantise, (None, 0)))(BOOKS, batch)
    np.testing.assert_array_equal(codes[1], quantise(BOOKS, batch[1]))


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: quantise(BOOKS[0], LATENT), r"codebooks must be \[K, N, D\]"),
        (lambda: quantise(BOOKS, LATENT[:, :3]), r"latent must be \[F, 4\]"),
        (lambda: dequantise(BOOKS, jnp.zeros((3, 6), int)), "k <= 5 codebooks"),
        (lambda: dequantise(BOOKS, jnp.zeros((3, 2))), "codes must be integers, got float32"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
