"""A step of the classifier's training is what it says: gradient descent on what was prepared."""

import jax
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
