"""Soft corners: the softplus in place of ReLUs alone, near the model, and with a curvature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.domains.samples import samples
from audioxai_jax.models.smoothed import smoothed
from audioxai_jax.types import Classifier

X = jnp.array([-1.0, 0.2, 2.0])
WEIGHTS = jnp.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.0]])


def net(weights, x):
    return jnp.sum(jax.nn.relu(weights @ x)) * jnp.ones(2) + jnp.maximum(x[:2], 0.1)


MODEL = jax.tree_util.Partial(net, WEIGHTS)


def test_relus_become_softplus_and_other_maxima_stay():
    s = 3.0
    soft = np.sum(np.log1p(np.exp(s * np.asarray(WEIGHTS @ X))) / s)
    wanted = soft + np.maximum(X[:2], 0.1)
    np.testing.assert_allclose(smoothed(MODEL, sharpness=s)(X), wanted, rtol=1e-6)


def test_a_sharp_one_is_the_model():
    np.testing.assert_allclose(smoothed(MODEL, sharpness=1e4)(X), MODEL(X), rtol=1e-5)


def test_its_gradient_can_be_followed():
    along = jnp.array([1.0, -0.5, 2.0])
    bend = lambda model: jax.jvp(jax.grad(lambda x: model(x)[0]), (X,), (along,))[1]
    assert not np.any(bend(MODEL))
    s, z = 3.0, np.asarray(WEIGHTS @ X)
    curved = s * np.exp(-s * z) / (1 + np.exp(-s * z)) ** 2
    wanted = np.asarray(WEIGHTS.T) @ (curved * np.asarray(WEIGHTS @ along))
    np.testing.assert_allclose(bend(smoothed(MODEL, sharpness=s)), wanted, rtol=1e-4)


def test_a_classifier_stays_one():
    classifier = Classifier(MODEL, reads=samples(8_000), labels=("a", "b"))
    soft = smoothed(classifier, sharpness=3.0)
    assert isinstance(soft, Classifier) and soft.labels == ("a", "b")
    np.testing.assert_allclose(soft(X), smoothed(MODEL, sharpness=3.0)(X), rtol=1e-6)


def test_a_sharpness_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        smoothed(MODEL, sharpness=0.0)
