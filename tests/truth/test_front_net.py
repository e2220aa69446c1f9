"""The network behind a front end computes its formula; the group lasso is its closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.truth import front_net
from audioxai_jax.truth.front_net import FrontConfig, trained_behind


def squares(sound):
    return sound**2


CONFIG = FrontConfig(squares, 2, widths=(4,), sparsity=1.0)


def test_logits_are_those_of_the_formula():
    random = np.random.default_rng(0)
    layers = [
        {"kernel": random.normal(size=shape), "bias": random.normal(size=shape[1])}
        for shape in ((3, 4), (4, 2))
    ]
    mean, scale, sound = random.normal(size=3), random.uniform(1, 2, 3), random.normal(size=3)
    given = front_net.apply(CONFIG, {"layers": layers, "mean": mean, "scale": scale}, sound)
    hidden = np.maximum((sound**2 - mean) / scale @ layers[0]["kernel"] + layers[0]["bias"], 0)
    expected = hidden @ layers[1]["kernel"] + layers[1]["bias"]
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def test_the_group_lasso_shortens_the_weights_of_each_feature():
    kernel = jnp.asarray([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    layers = [{"kernel": kernel, "bias": jnp.ones(2)}, {"kernel": jnp.ones((2, 2))}]
    given = front_net._shrunk(layers, 1.0)
    np.testing.assert_allclose(given[0]["kernel"], [[2.4, 3.2], [0, 0], [0, 0]], rtol=1e-6)
    np.testing.assert_array_equal(given[0]["bias"], layers[0]["bias"])
    assert given[1] is layers[1]


def test_a_network_begins_undecided_with_the_variance_of_he():
    config = FrontConfig(squares, 2, widths=(400,), first=0.5)
    first, last = front_net._first(config, 100, jax.random.key(0))
    np.testing.assert_array_equal(last["kernel"], np.zeros((400, 2)))
    np.testing.assert_allclose(np.var(first["kernel"]), 0.25 * 2 / 100, rtol=0.05)


@pytest.mark.full_size
def test_a_feature_that_tells_nothing_gets_no_weight():
    random = np.random.default_rng(2)
    sounds = random.uniform(0, 1, (200, 3)).astype(np.float32)
    labels = (sounds[:, 1] > 0.5).astype(int)
    network = trained_behind(CONFIG, sounds, labels, seed=0, steps=150, batch=64, rate=0.03)
    heard = np.argmax(jax.vmap(network)(jnp.asarray(sounds)), axis=1)
    assert np.mean(heard == labels) > 0.95
    moved = sounds[::-1].copy()
    moved[:, 1] = sounds[:, 1]
    logits = [np.asarray(jax.vmap(network)(jnp.asarray(each))) for each in (sounds, moved)]
    np.testing.assert_array_equal(*logits)
    again = trained_behind(CONFIG, sounds, labels, seed=0, steps=150, batch=64, rate=0.03)
    np.testing.assert_array_equal(jax.vmap(again)(jnp.asarray(sounds)), logits[0])
