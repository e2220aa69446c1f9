"""Attacks on maps: the bounds, the answer that stays, closed forms of projections."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.perturbation.attack import (
    HEADROOM,
    Bounds,
    Outside,
    Turned,
    attack_explanation,
    cosine,
    noise_like,
)
from audioxai_jax.perturbation.counterpart import lead
from audioxai_jax.transforms.istft import analyse
from audioxai_jax.transforms.masking_threshold import masking_threshold

RATE, SAMPLES = 16_000, 1_024
KEY = jax.random.key(0)
TIME = np.arange(SAMPLES) / RATE
CLIP = jnp.asarray(0.3 * np.sin(2 * np.pi * 1_000 * TIME) + 0.2 * np.sin(2 * np.pi * 3_000 * TIME))
CLIP = CLIP.astype(jnp.float32)
cells = lambda sound: analyse(sound, window=("hann", 512), hop=128)


@jax.tree_util.Partial
def model(audio):
    """The energy of the first half, and less than that of the second."""
    halves = jnp.sum(audio.reshape(2, -1) ** 2, axis=1)
    return jnp.stack([halves[0], 0.5 * halves[1]])


@jax.tree_util.Partial
def explain(audio):
    """A map that depends on single samples: the third power."""
    return audio**3


@jax.jit
def attacked(target):
    how = {"key": KEY, "sample_rate": RATE, "snr_db": 25.0, "steps": 8}
    return attack_explanation(model, explain, CLIP, target, **how)


@pytest.fixture(scope="module")
def moved():
    return attacked(0)


def test_a_change_moves_the_map_within_its_bounds_and_the_answer_stays(moved):
    change = moved.audio - CLIP
    assert float(moved.objective) > 1e-4 and moved.snr_db >= 24.99
    np.testing.assert_allclose(
        moved.objective, 1 - cosine(explain(moved.audio), explain(CLIP)), atol=1e-6
    )
    before, after = -lead(model(CLIP), 0), -lead(model(moved.audio), 0)
    apart = max(abs(after - before), abs(model(moved.audio)[0] - model(CLIP)[0]))
    np.testing.assert_allclose(moved.drift, apart / before, atol=1e-5)
    assert moved.drift <= 0.1
    threshold = jax.jit(lambda clip: masking_threshold(clip, sample_rate=RATE))(CLIP)
    exceed = np.mean(np.abs(cells(change)) > threshold)
    np.testing.assert_allclose(moved.above, exceed, atol=0.01)
    assert exceed < 0.1


@pytest.mark.full_size
def test_it_moves_more_than_noise_of_the_same_level(moved):
    noise = noise_like(moved.audio - CLIP, jax.random.key(3))
    first = explain(CLIP)
    assert Turned()(explain(CLIP + noise), first) < moved.objective


def test_a_clip_that_is_heard_as_another_class_stays_as_it_is():
    moved = attacked(1)
    np.testing.assert_array_equal(moved.audio, CLIP)
    assert moved.snr_db == jnp.inf and moved.objective == pytest.approx(0, abs=1e-6)


def test_noise_has_the_level_and_about_the_spectrum_of_a_change():
    change = 0.01 * CLIP
    noise = noise_like(change, KEY)
    np.testing.assert_allclose(jnp.sum(noise**2), jnp.sum(change**2), rtol=1e-5)
    assert abs(float(cosine(noise, change))) < 0.9
    power = lambda sound: np.sum(np.abs(cells(sound)) ** 2, axis=0)
    assert power(noise)[28:37].sum() + power(noise)[92:101].sum() > 0.95 * power(noise).sum()


def test_cells_and_the_whole_are_bound():
    quiet = Bounds(jnp.full(cells(CLIP).shape, 1e-3), jnp.float32(jnp.inf))
    assert np.quantile(np.abs(cells(quiet.project(CLIP))), 0.9) < 1e-3
    loose = Bounds(jnp.full(cells(CLIP).shape, 1e6), jnp.float32(0.5))
    np.testing.assert_allclose(jnp.linalg.norm(loose.project(CLIP)), 0.5, rtol=1e-5)
    within = Bounds(jnp.abs(cells(CLIP)) / HEADROOM * 1.001 + 1e-3, jnp.float32(1e6))
    np.testing.assert_allclose(within.project(CLIP), CLIP, atol=1e-5)


def test_a_newton_step_takes_linear_values_back():
    slopes = jnp.asarray(np.random.default_rng(0).standard_normal((2, SAMPLES)), jnp.float32)
    loose = Bounds(jnp.ones(cells(CLIP).shape), jnp.float32(1e6))
    change = 1e-3 * CLIP
    left = slopes @ jax.jit(Bounds.restored)(loose, change, slopes @ change, slopes)
    assert np.abs(left).max() < 1e-3 * np.abs(slopes @ change).max()


def test_the_objectives():
    a, b = jnp.array([1.0, 0.0]), jnp.array([1.0, 1.0])
    np.testing.assert_allclose(Turned()(a, b), 1 - 0.5**0.5, rtol=1e-6)
    assert Turned()(-a, a) == 2 and cosine(a, 0 * a) == 0
    np.testing.assert_allclose(Outside(jnp.array([1.0, 0.0]))(jnp.array([1.0, -3.0]), a), 0.75)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="steps must be 1 or more"):
        attack_explanation(model, explain, CLIP, 0, key=KEY, sample_rate=RATE, steps=0)
