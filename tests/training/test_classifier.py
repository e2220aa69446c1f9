"""A step of the classifier's training is what it says: gradient descent on what was prepared."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from audioxai_jax.training.classifier import make_step

CLIPS = jax.random.normal(jax.random.key(0), (6, 5))
TARGET = np.array([0, 1, 2, 0, 1, 2])
PARAMS = {"w": jax.random.normal(jax.random.key(1), (5, 3))}


def descend(features, smoothing):
    """One step of plain gradient descent, written out: d loss / d logits is p - wanted."""
    wanted = np.eye(3)[TARGET] * (1 - smoothing) + smoothing / 3
    logits = np.asarray(features @ PARAMS["w"], np.float64)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return PARAMS["w"] - 0.5 * np.asarray(features).T @ (p - wanted) / 6


def one_step(**settings):
    optimiser = optax.sgd(0.5)
    step = make_step(
        lambda variables, x, key: (x @ variables["params"]["w"], {}),
        lambda key, clip: 2 * clip,
        optimiser,
        classes=3,
        **settings,
    )
    state = {"params": PARAMS, "other": {}, "optimiser": optimiser.init(PARAMS)}
    return step(state, CLIPS, TARGET, jax.random.key(2))


def test_step_is_gradient_descent_on_prepared_clips():
    state, metrics = one_step(smoothing=0.1)
    np.testing.assert_allclose(state["params"]["w"], descend(2 * CLIPS, 0.1), atol=1e-6)
    right = np.mean(np.argmax(2 * CLIPS @ PARAMS["w"], axis=1) == TARGET)
    assert metrics["accuracy"] == np.float32(right)


def test_gaps_are_made_in_the_first_half_after_preparation():
    state, _ = one_step(smoothing=0.0, gaps=lambda key, x: x.at[:2].set(0.0))
    features = (2 * CLIPS).at[:3, :2].set(0.0)
    np.testing.assert_allclose(state["params"]["w"], descend(features, 0.0), atol=1e-6)


def test_each_clip_has_gaps_of_its_own():
    draw = lambda key, x: x * jax.random.uniform(key, x.shape)
    same = jnp.broadcast_to(CLIPS[:1], CLIPS.shape)
    seen = []
    step = make_step(
        lambda variables, x, key: (jax.debug.callback(seen.append, x), (x @ PARAMS["w"], {}))[1],
        lambda key, clip: clip,
        optax.sgd(0.1),
        classes=3,
        gaps=draw,
    )
    step({"params": {}, "other": {}, "optimiser": optax.sgd(0.1).init({})}, same, TARGET,
         jax.random.key(3))  # fmt: skip
    jax.effects_barrier()
    assert len({np.asarray(x).tobytes() for x in seen}) == 4  # three with gaps, three without
