"""Content arrives where it was sent, and nowhere else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.manipulation.shift import scale_frequency, shift_time

BUMP = np.exp(-0.5 * ((np.arange(121) - 40) / 6) ** 2)
SCALE = jax.jit(scale_frequency)
SMOOTH = jnp.asarray(-80 + 80 * np.stack([BUMP, 0.5 * BUMP], axis=1))


@pytest.mark.parametrize("factor", [1.5, 0.66, 1.25, 2.0, 0.5])
def test_a_ridge_moves_to_the_right_bin(factor):
    ridge = jnp.full((121, 3), -80.0).at[40].set(jnp.array([0.0, -5.0, -10.0]))
    found = SCALE(SMOOTH, factor)
    assert jnp.all(jnp.argmax(found, axis=0) == round(40 * factor))
    found = SCALE(ridge, factor)
    if factor >= 1:  # a narrow ridge is widened, and never quite lost
        assert jnp.all(jnp.argmax(found, axis=0) == round(40 * factor))


@pytest.mark.parametrize("factor", [1.5, 0.66, 1.0])
def test_the_axis_is_interpolated(factor):
    spectrogram = np.random.default_rng(0).normal(size=(31, 4)).astype(np.float32)
    found = SCALE(spectrogram, jnp.float32(factor), -9.0)
    rows = np.arange(31) / factor
    for column in range(4):
        wanted = np.interp(rows, np.arange(31), spectrogram[:, column], right=-9.0)
        np.testing.assert_allclose(found[:, column], wanted, atol=1e-5)


def test_a_factor_of_one_changes_nothing():
    np.testing.assert_array_equal(SCALE(SMOOTH, 1.0), SMOOTH)
    empty = SMOOTH.at[5].set(-jnp.inf)
    np.testing.assert_array_equal(SCALE(empty, 1.0), empty)


def test_there_and_back_below_the_edge():
    back = SCALE(SCALE(SMOOTH, 1.5), 1 / 1.5)
    np.testing.assert_allclose(back[:79], SMOOTH[:79], atol=0.5)
    np.testing.assert_array_equal(back[82:], -80.0)  # what went over the edge is gone


def test_factors_are_an_axis_like_any_other():
    factors = jnp.array([1.5, 0.66])
    many = jax.vmap(scale_frequency, in_axes=(None, 0))(SMOOTH, factors)
    for row, factor in zip(many, (1.5, 0.66)):
        np.testing.assert_allclose(row, SCALE(SMOOTH, factor), atol=1e-4)
    assert np.all(np.isnan(SCALE(SMOOTH, jnp.float32(-1.0))))


@pytest.mark.parametrize("samples", [0, 3, -3, 9, -9])
def test_time_moves_and_zeros_follow(samples):
    audio = jnp.arange(1.0, 11.0)
    wanted = np.zeros(10)
    for place in range(10):
        if 0 <= place + samples < 10:
            wanted[place + samples] = audio[place]
    np.testing.assert_array_equal(shift_time(audio, samples), wanted)
    np.testing.assert_array_equal(jax.jit(shift_time)(audio, samples), wanted)


def test_beyond_the_clip_is_silence_if_traced():
    np.testing.assert_array_equal(jax.jit(shift_time)(jnp.ones(10), 10), np.zeros(10))
    np.testing.assert_array_equal(jax.jit(shift_time)(jnp.ones(10), -11), np.zeros(10))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: shift_time(jnp.ones(10), 10), "nothing is left"),
        (lambda: shift_time(jnp.ones(10), -10), "nothing is left"),
        (lambda: shift_time(jnp.ones(10), 0.5), "whole samples, got 0.5"),
        (lambda: shift_time(jnp.ones(10), jnp.float32(2)), "whole samples, got float32"),
        (lambda: scale_frequency(SMOOTH, 0.0), "above 0, got 0.0"),
        (lambda: scale_frequency(SMOOTH, float("nan")), "got nan"),
        (lambda: scale_frequency(SMOOTH, float("inf")), "got inf"),
    ],
)
def test_what_cannot_move_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
