"""Initial weights: deviations by name."""

import jax
import jax.numpy as jnp
import pytest

from audioxai_jax.training import initialisers

SHAPES = {
    "conv_0": {"kernel": jnp.zeros((3, 50, 400)), "bias": jnp.zeros(400)},
    "dense_0": {"kernel": jnp.zeros((150, 400)), "bias": jnp.zeros(400)},
    "logits": {"kernel": jnp.zeros((600, 100)), "bias": jnp.zeros(100)},
}


def test_he_has_the_variance_of_its_fan():
    found = initialisers.he(SHAPES, jax.random.key(0))
    wanted = {"conv_0": (2 / 150) ** 0.5, "dense_0": (2 / 150) ** 0.5, "logits": (1 / 600) ** 0.5}
    for name, deviation in wanted.items():
        kernel = found[name]["kernel"]
        assert float(jnp.std(kernel)) == pytest.approx(deviation, rel=0.02)
        assert abs(float(jnp.mean(kernel))) < 0.02 * deviation
        assert not found[name]["bias"].any()
    assert not jnp.allclose(found["conv_0"]["kernel"].ravel(), found["dense_0"]["kernel"].ravel())


def test_gaussian_by_name():
    deviations, biases = {"dense_*": 0.005, "*": 0.01}, {"dense_0": 0.1}
    found = initialisers.gaussian(SHAPES, jax.random.key(0), deviations, biases)
    assert float(jnp.std(found["dense_0"]["kernel"])) == pytest.approx(0.005, rel=0.02)
    assert float(jnp.std(found["logits"]["kernel"])) == pytest.approx(0.01, rel=0.02)
    assert jnp.all(found["dense_0"]["bias"] == jnp.float32(0.1))
    assert not found["conv_0"]["bias"].any()


def test_a_layer_without_pattern_is_refused():
    with pytest.raises(ValueError, match="no pattern of dense_\\* is for the layer 'conv_0'"):
        initialisers.gaussian(SHAPES, jax.random.key(0), {"dense_*": 0.005}, {})
