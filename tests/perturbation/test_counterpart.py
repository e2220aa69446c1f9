"""Adversarial counterparts: linear models, where the nearest is known, and the base."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.perturbation.counterpart import adversarial_counterpart, lead, ratio_db, within
from audioxai_jax.synthesis import bases

WEIGHTS = np.array([[1.0, 2.0, -1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [-3.0, 0.0, 0.0, 0.5]])
X = jnp.array([1.0, 1.5, -0.5, 2.0])


@jax.tree_util.Partial
def linear(x):
    return jnp.asarray(WEIGHTS, x.dtype) @ x


@jax.tree_util.Partial
def two(x):
    return linear(x)[:2]


def test_a_linear_model_of_two_classes_is_left_along_the_difference_of_its_weights():
    moved = adversarial_counterpart(two, X, 0, snr_db=0.0, steps=200, margin=0.5)
    step = np.asarray(moved.x - X)
    apart = WEIGHTS[1] - WEIGHTS[0]
    np.testing.assert_allclose(
        step / np.linalg.norm(step), apart / np.linalg.norm(apart), atol=1e-5
    )
    # it stops with the first step past the margin
    radius = float(jnp.linalg.norm(X))
    stride = 2.5 * radius / 200 * np.linalg.norm(apart)
    assert moved.flipped and 0.5 <= float(moved.margin) < 0.5 + stride * 1.001


def test_the_bound_holds_and_says_when_it_is_too_tight():
    moved = adversarial_counterpart(two, X, 0, snr_db=20.0, steps=30)
    assert not moved.flipped and float(moved.margin) < 0
    np.testing.assert_allclose(moved.snr_db, 20, atol=1e-3)
    # of the ball, the point that is farthest along the difference of the weights
    apart = WEIGHTS[1] - WEIGHTS[0]
    wanted = 0.1 * np.linalg.norm(X) * apart / np.linalg.norm(apart)
    np.testing.assert_allclose(moved.x - X, wanted, atol=1e-4)


def test_what_is_another_class_already_stays():
    moved = adversarial_counterpart(linear, X, 1)
    assert moved.flipped and moved.snr_db == jnp.inf
    np.testing.assert_array_equal(moved.x, X)


def test_a_batch_is_one_by_one_and_the_answer_is_another():
    both = jnp.stack([X, 2 * X])
    find = lambda x: adversarial_counterpart(linear, x, 0, snr_db=0.0)
    moved = jax.vmap(find)(both)
    np.testing.assert_allclose(moved.x[1], find(both[1]).x, rtol=1e-5)
    assert jnp.argmax(linear(X)) == 0 and jnp.argmax(linear(moved.x[0])) != 0


def test_parts():
    np.testing.assert_allclose(within(jnp.array([3.0, 4.0]), jnp.float32(1)), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(within(jnp.array([0.3, 0.4]), jnp.float32(1)), [0.3, 0.4], rtol=1e-6)
    np.testing.assert_allclose(ratio_db(jnp.array([10.0]), jnp.array([1.0])), 20, rtol=1e-6)
    assert lead(jnp.array([1.0, 4.0, 2.0]), jnp.int32(1)) == -2


def test_as_a_base_it_is_the_view_of_the_moved_sound():
    audio = jnp.sin(jnp.arange(64.0))
    model = jax.tree_util.Partial(lambda x: jnp.stack([jnp.sum(x**2), 8 * jnp.abs(x[3])]))
    domain = time_frequency(8_000, window=("hann", 16), hop=8)
    features = domain.analyse(audio)
    base = bases.adversarial(model, 0, snr_db=3.0)(domain, features, audio, jax.random.key(0))
    moved = adversarial_counterpart(model, audio, 0, snr_db=3.0)
    np.testing.assert_allclose(base, domain.analyse(moved.x), atol=1e-6)
    assert np.any(np.asarray(base) != np.asarray(features))
    said = bases.adversarial(model, snr_db=3.0)(domain, features, audio, jax.random.key(0))
    np.testing.assert_array_equal(said, base)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="single logit"):
        adversarial_counterpart(lambda x: x[:1], X, 0)
    with pytest.raises(ValueError, match="steps must be 1 or more"):
        adversarial_counterpart(linear, X, 0, steps=0)
    with pytest.raises(ValueError, match="margin must be 0 or more"):
        adversarial_counterpart(linear, X, 0, margin=-1.0)
