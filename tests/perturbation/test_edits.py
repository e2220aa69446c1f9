"""Exactly what ranks highest is gone, in every domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.perturbation.domains import Domain, cells, frequencies, samples, time_frequency
from audioxai_jax.perturbation.edits import CONTROLS, at_random, delete, delete_samples, places

AUDIO = jnp.asarray(np.random.default_rng(0).normal(size=40), jnp.float32)
DELETE = jax.jit(delete)
BLOCKS = time_frequency(("rectangle", 10), 10)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.0375, 0.5, 0.6125, 1.0])
def test_exactly_so_many_of_the_highest(fraction):
    score = jnp.asarray(np.random.default_rng(1).integers(-3, 4, size=40) / 1.0)
    order = sorted(range(40), key=lambda index: (-float(score[index]), index))
    wanted = np.asarray(AUDIO).copy()
    wanted[order[: round(fraction * 40)]] = 0
    np.testing.assert_array_equal(delete_samples(AUDIO, score, fraction), wanted)
    traced = jax.jit(delete_samples)(AUDIO, score, jnp.asarray(fraction))
    np.testing.assert_array_equal(traced, wanted)


def test_one_compilation_serves_all_fractions():
    traces = []

    def counted(audio, score, fraction):
        traces.append(1)
        return delete_samples(audio, score, fraction)

    compiled = jax.jit(counted)
    many = jax.jit(jax.vmap(delete_samples, in_axes=(None, None, 0)))(
        AUDIO, -AUDIO, jnp.array([0.1, 0.3, 0.9])
    )
    for row, fraction in zip(many, (0.1, 0.3, 0.9)):
        np.testing.assert_array_equal(compiled(AUDIO, -AUDIO, jnp.asarray(fraction)), row)
    assert len(traces) == 1


def test_ties_go_to_the_lowest_index():
    np.testing.assert_array_equal(places(jnp.array([0.0, 1.0, -0.0, 1.0, 0.0])), [2, 0, 3, 1, 4])
    kept = delete_samples(jnp.ones(5), jnp.zeros(5), 0.4)
    np.testing.assert_array_equal(kept, [0, 0, 1, 1, 1])


def test_among_some_only():
    """A clip padded with zeros: the fraction is of what is there, and only that goes."""
    audio = jnp.concatenate([jnp.zeros(30), jnp.arange(1.0, 11.0)])
    score = jnp.full(40, jnp.inf).at[30:].set(-jnp.arange(10.0))
    found = DELETE(audio, score, 0.4, among=audio != 0)
    np.testing.assert_array_equal(found, audio.at[30:34].set(0))
    np.testing.assert_array_equal(DELETE(audio, score, 0.4), audio)
    np.testing.assert_array_equal(DELETE(audio, score, 1.0, among=audio != 0), 0 * audio)


def test_cells_fall_to_the_floor():
    spectrogram = jnp.array([[-10.0, -70.0], [0.0, -30.0]])
    score = jnp.array([[0.0, 3.0], [2.0, 1.0]])
    found = DELETE(spectrogram, score, 0.5, domain=cells())
    np.testing.assert_array_equal(found, [[-10, -80], [-80, -30]])
    found = DELETE(spectrogram, score, 0.25, domain=cells(-60.0))
    np.testing.assert_array_equal(found, [[-10, -60], [0, -30]])


@pytest.mark.parametrize("length", [400, 401])
def test_a_sinusoid_is_deleted_by_its_frequency(length):
    time = np.arange(length)
    low, high = (np.sin(2 * np.pi * k * time / length + 0.3) for k in (20, 90))
    audio = jnp.asarray(2 * low + high, jnp.float32)
    loudness = jax.jit(CONTROLS["amplitude"])(audio, frequencies())
    assert loudness.shape == (length // 2 + 1,)
    found = DELETE(audio, loudness, 1 / len(loudness), domain=frequencies())
    np.testing.assert_allclose(found, high, atol=1e-5)
    found = DELETE(audio, -jnp.abs(jnp.arange(len(loudness)) - 90.0), 0.005, domain=frequencies())
    np.testing.assert_allclose(found, 2 * low, atol=1e-5)


def test_a_deleted_block_is_empty_and_the_others_stay():
    score = jnp.zeros((4, 6)).at[2].set(1.0)
    found = DELETE(AUDIO, score, 0.25, domain=BLOCKS)
    np.testing.assert_allclose(found, AUDIO.at[20:30].set(0), atol=1e-6)
    score = jnp.zeros((4, 6)).at[:, 0].set(1.0)  # the mean of each block
    found = DELETE(AUDIO, score, 4 / 24, domain=BLOCKS).reshape(4, 10)
    blocks = AUDIO.reshape(4, 10)
    np.testing.assert_allclose(found, blocks - blocks.mean(1, keepdims=True), atol=1e-6)


DOMAINS = [samples(), cells(), frequencies(), BLOCKS, time_frequency(("hann", 16), 4)]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: type(domain).__name__)
def test_nothing_deleted_is_the_input_and_all_is_the_fill(x64, domain):
    assert isinstance(domain, Domain)
    audio = jnp.asarray(AUDIO, float)
    score = jax.jit(CONTROLS["random"])(audio, domain, jax.random.key(0))
    assert score.shape == domain.analyse(audio).shape
    np.testing.assert_allclose(DELETE(audio, score, 0.0, domain=domain), audio, atol=1e-12)
    np.testing.assert_array_equal(DELETE(audio, score, 1.0, domain=domain), domain.fill)


def test_controls_rank_by_size_and_at_random():
    loudest = CONTROLS["amplitude"](jnp.array([1.0, -3.0, 2.0]), samples())
    np.testing.assert_array_equal(places(loudest), [2, 0, 1])
    loudest = CONTROLS["amplitude"](jnp.array([-80.0, 0.0, -10.0]), cells())
    np.testing.assert_array_equal(places(loudest), [2, 0, 1])
    draw = jax.vmap(lambda key: places(at_random(jnp.zeros(5), samples(), key)))
    first = np.asarray(draw(jax.random.split(jax.random.key(0), 2000)) == 0).mean(axis=0)
    np.testing.assert_allclose(first, 0.2, atol=0.04)  # four and a half standard errors


def test_what_means_nothing_is_not_a_number():
    assert np.all(np.isnan(DELETE(AUDIO, AUDIO.at[3].set(jnp.nan), 0.5)))
    for fraction in (-0.1, 1.1, jnp.nan):
        assert np.all(np.isnan(DELETE(AUDIO, AUDIO, jnp.asarray(fraction))))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: delete_samples(AUDIO, AUDIO, 1.5), "between 0 and 1, got 1.5"),
        (lambda: delete_samples(AUDIO, AUDIO, float("nan")), "between 0 and 1, got nan"),
        (lambda: delete_samples(AUDIO, AUDIO[1:], 0.5), r"score is \[39\], but there are \[40\]"),
        (lambda: delete_samples(AUDIO, AUDIO, 0.5, among=jnp.ones(3)), r"among is \[3\]"),
        (lambda: delete(AUDIO, AUDIO, 0.5, domain=frequencies()), r"there are \[21\]"),
        (lambda: delete(jnp.ones((2, 4)), jnp.ones(3), 0.5, domain=frequencies()), r"\[T\]"),
        (lambda: delete_samples(jnp.arange(4), jnp.ones(4), 0.5), "got int32"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
