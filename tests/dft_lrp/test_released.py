"""The authors' code, its matrices written out again; and how large its defects are."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.dft_lrp import released
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.dft_lrp.time_frequency import full_length_relevance
from audioxai_jax.transforms.frames import WINDOWS, place

released_frequency_relevance = jax.jit(released.released_frequency_relevance)
RECTANGLE, HALF_SINE = (WINDOWS[name](np.arange(16), 16) for name in ("rectangle", "half_sine"))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def matrices(samples):
    """Forward `[T, parts]` and inverse `[parts, T]`: real parts, then imaginary ones."""
    last = samples // 2
    angle = 2 * np.pi * np.outer(np.arange(samples), np.arange(samples)) / samples
    forward = [np.cos(angle[:, : last + 1]), -np.sin(angle[:, 1:last])]
    ones = np.ones((1, samples))  # in both places
    inverse = [ones, 2 * np.cos(angle[1:last]), ones, -2 * np.sin(angle[1:last])]
    return np.concatenate(forward, axis=1) / samples**0.5, np.concatenate(inverse) / samples**0.5


def add_parts(values, samples):
    """Real and imaginary parts of each frequency, which the first and the last lack."""
    last = samples // 2
    found = values[: last + 1].copy()
    found[1:last] += values[last + 1 :]
    return found


def dense(audio, relevance, epsilon=1e-6):
    forward, inverse = matrices(len(audio))
    parts = (audio @ forward) * (inverse @ (relevance / (audio + epsilon)))
    return add_parts(parts, len(audio))


def dense_short_time(audio, relevance, window, hop, dtype=np.float64, epsilon=1e-6):
    samples = len(audio)
    forward, inverse = matrices(samples)
    placed = []
    for start in range(0, samples - len(window) + 1, hop):
        placed.append(np.zeros(samples))
        placed[-1][start : start + len(window)] = window
    cover = np.sum(placed, axis=0)
    found = []
    for row in placed:
        there = (forward * row[:, None]).astype(dtype)
        back = inverse.astype(dtype) / cover.astype(dtype)
        quotient = relevance / (audio + epsilon)
        parts = (audio @ there.astype(np.float64)) * (back.astype(np.float64) @ quotient)
        found.append(add_parts(parts, samples))
    return np.array(found)


@pytest.mark.parametrize("samples", [63, 64])
def test_closed_form_of_the_matrices(x64, samples):
    audio, relevance = draw(2, samples)
    audio[5:9] = 0
    found = released_frequency_relevance(jnp.asarray(audio), jnp.asarray(relevance))
    wanted = dense(audio, relevance)
    np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("window, hop", [(RECTANGLE, 16), (RECTANGLE, 8), (HALF_SINE, 8)])
def test_closed_form_in_short_time(x64, window, hop):
    audio, relevance = draw(2, 64)
    function = partial(released.released_short_time_relevance, window=window, hop=hop)
    found = jax.jit(function)(jnp.asarray(audio), jnp.asarray(relevance))
    wanted = dense_short_time(audio, relevance, window, hop)
    np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())


def test_what_half_precision_adds(x64):
    """Weights rounded to 11 bits: about a thousandth of the largest relevance, no more."""
    audio, relevance = draw(64), draw(64, seed=1)
    relevance *= audio
    exact = dense_short_time(audio, relevance, RECTANGLE, 16)
    rounded = dense_short_time(audio, relevance, RECTANGLE, 16, np.float16)
    assert 1e-5 < np.abs(rounded - exact).max() / np.abs(exact).max() < 3e-3


def test_the_inverse_does_not_invert():
    """By twice the amplitude at half the sample rate, at odd samples."""
    audio = draw(64)
    forward, inverse = matrices(64)
    amplitude = np.sum(audio * (-1.0) ** np.arange(64)) / 64
    error = audio @ forward @ inverse - audio
    np.testing.assert_allclose(error[0::2], 0, atol=1e-12)
    np.testing.assert_allclose(error[1::2], 2 * amplitude, atol=1e-12)


def test_the_last_row_moves_the_sum(x64):
    """Of white noise; the lost part is X_k (Q_0 - Q_k) at half the sample rate."""
    audio, slope = draw(64), np.abs(draw(64, seed=1))
    relevance = audio * slope
    given = jnp.asarray(audio), jnp.asarray(relevance)
    gap = float(jnp.sum(released_frequency_relevance(*given, epsilon=0.0))) - relevance.sum()
    signs = (-1.0) ** np.arange(64)
    assert abs(gap - (audio @ signs) * (slope.sum() - slope @ signs) / 64) < 1e-9
    assert abs(gap) > 0.1 * abs(relevance.sum())
    assert abs(float(jnp.sum(frequency_relevance(*given))) - relevance.sum()) < 1e-12


def test_the_epsilon_halves_quiet_clips_and_turns_signs(x64):
    for gain, kept in ((1.0, 1.0), (1e-6, 0.5)):
        found = released_frequency_relevance(gain * jnp.ones(64), jnp.ones(64))
        np.testing.assert_allclose(jnp.sum(found), kept * 64, rtol=1e-5)
    negative = jnp.zeros(64).at[3].set(-4e-7)
    found = released_frequency_relevance(negative, jnp.zeros(64).at[3].set(1.0))
    assert abs(float(found[0]) - -2 / 3 / 64) < 1e-9  # of 1 / 64


def test_relevance_of_zeros_becomes_huge(x64):
    """A million times the relevance, of either sign, where the sum should be kept."""
    audio, relevance = draw(64), np.zeros(64)
    audio[9], relevance[9] = 0, 1
    given = jnp.asarray(audio), jnp.asarray(relevance)
    found = released_frequency_relevance(*given)
    assert np.abs(found).max() > 1e4
    assert np.abs(frequency_relevance(*given)).max() < 0.1


def test_the_ends_are_divided_by_small_sums():
    audio = jnp.ones(64)
    relevance = audio.at[1:].set(0)  # of the first sample alone
    function = partial(released.released_short_time_relevance, hop=8)
    first = function(audio, relevance, window=HALF_SINE)
    even = function(audio, relevance, window=RECTANGLE)
    assert abs(HALF_SINE[0] - 0.098) < 1e-3
    assert np.abs(first).max() > 5 * np.abs(even).max()
    cover = place(64, window=("half_sine", 16), hop=8).cover()
    assert cover.min() > 1


def test_with_the_right_row_and_no_epsilon_it_is_the_full_length_transform(x64):
    audio, relevance = (jnp.asarray(v) for v in draw(2, 64))
    audio = audio - audio @ (-1.0) ** jnp.arange(64) * (-1.0) ** jnp.arange(64) / 64
    found = released.released_short_time_relevance(
        audio, relevance, window=np.ones(64), hop=64, epsilon=0.0
    )
    wanted = full_length_relevance(audio, relevance, window=("rectangle", 64), hop=64, epsilon=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_samples_in_no_frame_are_refused():
    with pytest.raises(ValueError, match="sample 48 is in no frame"):
        released.released_short_time_relevance(jnp.ones(50), jnp.ones(50), window=RECTANGLE, hop=16)
