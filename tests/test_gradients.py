"""Where no gradient can flow, it is said before anything is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import METHODS, integrated_gradients, occlusion, saliency
from audioxai_jax.gradients import (
    NoGradient,
    check_dependence,
    check_path,
    straight_through,
    value_and_gradient,
)

X = jnp.linspace(-1.0, 1.0, 6)


def test_value_and_gradient():
    value, slope = value_and_gradient(lambda x: jnp.stack([jnp.sum(x), jnp.sum(x**2)]), X, 1)
    assert value == jnp.sum(X**2) and np.array_equal(slope, 2 * X)


def rounded(x):
    return jnp.round(4 * x)  # the line that errors name


@pytest.mark.parametrize(
    "model, culprit",
    [
        (lambda x: jnp.sum(rounded(x))[None], "round"),
        (lambda x: jnp.sum(jax.lax.stop_gradient(x) ** 2)[None], "stop_gradient"),
        (lambda x: jnp.eye(6)[jnp.argmax(x)], "argmax"),
        (lambda x: jnp.sum((x > 0).astype(jnp.float32))[None], "gt"),
        (lambda x: jax.jit(lambda x: jnp.sum(jnp.floor(x))[None])(x), "floor"),
        (lambda x: jax.lax.map(lambda v: jnp.sign(v), x), "sign"),
    ],
    ids=["round", "stop_gradient", "argmax", "compare", "jit", "map"],
)
def test_a_cut_path_is_told_with_its_place(model, culprit):
    for method in (saliency(), integrated_gradients(steps=2)):
        with pytest.raises(NoGradient, match=rf"cut by {culprit} at .*test_gradients\.py:\d+"):
            method(model, X, 0, key=jax.random.key(0))


def test_one_path_of_several_is_enough():
    check_path(lambda x: jnp.round(x) + jnp.tanh(x), X)


def test_a_path_is_enough_whose_gradient_is_zero_here():
    """A silent clip, or a saturated unit, has relevance zero: that is no error."""
    dead = lambda x: jnp.sum(jax.nn.relu(x - 5))[None]
    assert np.all(saliency()(dead, X, 0, key=jax.random.key(0)).relevance == 0)


def test_methods_without_gradients_need_none():
    steps = lambda x: jnp.sum(rounded(x))[None]
    check_dependence(steps, X)
    found = occlusion(window=1)(steps, X, 0, key=jax.random.key(0))
    assert np.array_equal(found.relevance, jnp.round(4 * X))


def test_an_input_that_is_ignored():
    for check in (check_path, check_dependence):
        with pytest.raises(NoGradient, match="does not depend on its input"):
            check(lambda x: jnp.ones(3), X)


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "lrp", "deep_lift"])
def test_all_families_refuse_it(name):
    with pytest.raises(ValueError, match="does not depend on its input"):
        METHODS[name]()(lambda x: jnp.ones(3), X, 0, key=jax.random.key(0))


def quantised(codebook, latent):
    """The nearest row of a codebook `[N, C]` for each frame of a latent `[F, C]`."""
    distance = jnp.sum((latent[:, None] - codebook) ** 2, axis=-1)
    return codebook[jnp.argmin(distance, axis=1)]


def test_a_latent_behind_the_quantiser():
    codebook = jax.random.normal(jax.random.key(1), (16, 3))
    latent = jax.random.normal(jax.random.key(2), (5, 3))
    head = lambda z: jnp.tanh(z).sum(axis=0)
    hard = lambda z: head(quantised(codebook, z))
    with pytest.raises(NoGradient, match="argmin"):
        saliency()(hard, latent, 0, key=jax.random.key(0))
    through = lambda z: head(straight_through(lambda z: quantised(codebook, z), z))
    np.testing.assert_allclose(through(latent), hard(latent), rtol=1e-5)
    found = saliency()(through, latent, 0, key=jax.random.key(0)).relevance
    wanted = saliency()(head, quantised(codebook, latent), 0, key=jax.random.key(0)).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_whole_numbers_have_no_gradient():
    with pytest.raises(ValueError, match="int32, expected floating point"):
        check_path(lambda x: x * 1.0, jnp.arange(3))
