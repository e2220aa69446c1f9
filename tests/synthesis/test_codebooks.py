"""Relevance of the stages of a residual quantiser, and what is left of a latent without some."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient, integrated_gradients
from audioxai_jax.nets.layers.quantiser import dequantise, quantise, stage_words
from audioxai_jax.synthesis.codebooks import code_scores, of_stages, top_codes
from audioxai_jax.types import Context

STAGES, WORDS, FRAMES, CHANNELS = 4, 6, 5, 3
RANDOM = np.random.default_rng(0)
BOOKS = jnp.asarray(RANDOM.normal(size=(STAGES, WORDS, CHANNELS)), jnp.float32)
LATENT = jnp.asarray(RANDOM.normal(size=(FRAMES, CHANNELS)), jnp.float32)
WEIGHTS = jnp.asarray(RANDOM.normal(size=(2, FRAMES, CHANNELS)), jnp.float32)
CODES = quantise(BOOKS, LATENT)
WORDS_OF = stage_words(BOOKS, CODES)


def linear(weights, latent):
    return jnp.einsum("kfc,fc->k", weights, latent)


def bent(weights, latent):
    return jnp.tanh(linear(weights, latent)) + linear(weights, latent**2)


def test_stages_are_the_codewords_and_sum_to_the_latent():
    for stage in range(STAGES):
        assert np.array_equal(
            WORDS_OF[stage], np.asarray(BOOKS)[stage][np.asarray(CODES[:, stage])]
        )
    np.testing.assert_allclose(jnp.sum(WORDS_OF, 0), dequantise(BOOKS, CODES), atol=1e-6)


def test_codes_that_were_not_sent_or_do_not_exist():
    codes = CODES.at[0, 1].set(-1).at[2, 0].set(WORDS)
    words = stage_words(BOOKS, codes)
    assert not words[1, 0].any() and np.isnan(words[0, 2]).all()
    assert np.isfinite(words).sum() == words.size - CHANNELS
    with pytest.raises(ValueError, match="codes must be \\[F, k\\] with k <= 4"):
        stage_words(BOOKS, jnp.zeros((FRAMES, 5), jnp.int32))
    with pytest.raises(ValueError, match="codes must be integers"):
        stage_words(BOOKS, jnp.zeros((FRAMES, 2)))


def test_closed_form_of_a_linear_model(key):
    """A stage's relevance is the weights times its codewords, by whatever method."""
    model = of_stages(Partial(linear, WEIGHTS))
    wanted = np.einsum("fc,kfc->kf", WEIGHTS[1], WORDS_OF)
    for method in (input_x_gradient(), integrated_gradients(steps=3)):
        relevance = method(model, WORDS_OF, jnp.int32(1), key=key).relevance
        np.testing.assert_allclose(code_scores(relevance), wanted, atol=1e-5)
        per_stage = code_scores(relevance, unit="stage")[:, 0]
        np.testing.assert_allclose(per_stage, wanted.sum(1), atol=1e-5)
        change = linear(WEIGHTS, jnp.sum(WORDS_OF, 0))[1]
        np.testing.assert_allclose(per_stage.sum(), change, atol=1e-5)


def test_stages_share_what_integrated_gradients_gives_the_latent(x64, key):
    """Gradients are averaged along one path, so only contributions differ; complete as ever."""
    words, weights = (jnp.asarray(a, jnp.float64) for a in (WORDS_OF, WEIGHTS))
    model, latent = Partial(bent, weights), jnp.sum(words, 0)
    method = integrated_gradients(steps=40)
    run = jax.jit(lambda model, x: method(model, x, jnp.int32(0), key=key).relevance)
    of_latent, of_words = run(model, latent), run(of_stages(model), words)
    np.testing.assert_allclose(jnp.sum(of_words, 0), of_latent, atol=1e-10)
    change = model(latent)[0] - model(0 * latent)[0]
    np.testing.assert_allclose(jnp.sum(code_scores(of_words)), change, atol=1e-8)


@pytest.mark.parametrize("unit", ["code", "stage"])
@pytest.mark.parametrize("rank", ["signed", "absolute"])
@pytest.mark.parametrize("count", [0, 1, 3, 99])
def test_the_best_by_a_slow_search(count, rank, unit):
    relevance = RANDOM.integers(-2, 3, size=(STAGES, FRAMES, CHANNELS)).astype(np.float32)
    score = relevance.sum(2)
    score = np.abs(score) if rank == "absolute" else score
    score = score.sum(1, keepdims=True) if unit == "stage" else score
    wanted = np.zeros(score.size)
    wanted[sorted(range(score.size), key=lambda i: (-score.ravel()[i], i))[:count]] = 1
    wanted = np.broadcast_to(wanted.reshape(score.shape)[..., None], relevance.shape)
    masker = top_codes(count, rank=rank, unit=unit)
    assert np.array_equal(masker(jnp.asarray(relevance), Context()), wanted)
    traced = jax.jit(lambda n, r: top_codes(n, rank=rank, unit=unit)(r, Context()))
    assert np.array_equal(traced(jnp.int32(count), relevance), wanted)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="unknown unit 'frame': choose one of code, stage"):
        top_codes(1, unit="frame")
    with pytest.raises(ValueError, match="unknown rank 'best'"):
        top_codes(1, rank="best")
    with pytest.raises(ValueError, match="relevance must be that of stages"):
        top_codes(1)(LATENT, Context())
    with pytest.raises(ValueError, match="stages must be \\[K, F, C\\]"):
        of_stages(Partial(linear, WEIGHTS))(LATENT)
    for count in (0.1, -1):  # a fraction would keep one
        with pytest.raises(ValueError, match="count must be a whole number from 0 up"):
            top_codes(count)
