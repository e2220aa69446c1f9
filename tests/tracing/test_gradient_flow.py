"""Where no gradient can flow, it is said before anything is computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import METHODS, integrated_gradients, occlusion, propagation, saliency
from audioxai_jax.tracing.gradient_flow import (
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
        with pytest.raises(NoGradient, match=rf"cut by {culprit} at .*test_gradient_flow\.py:\d+"):
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


@jax.custom_vjp
def spike(v):
    return (v > 0).astype(v.dtype)


spike.defvjp(lambda v: (spike(v), v), lambda v, g: (g / (1 + 10 * jnp.abs(v)) ** 2,))


@jax.custom_jvp
def rounded_through(v):
    return jnp.round(4 * v) / 4


rounded_through.defjvps(lambda t, out, v: t)


@jax.custom_vjp
def nearest(v):
    return quantised(jnp.linspace(-1.0, 1.0, 8)[:, None], v[:, None])[:, 0]


nearest.defvjp(lambda v: (nearest(v), None), lambda _, g: (g,))


@jax.custom_vjp
def mixed(v):
    return jnp.round(v)


mixed.defvjp(lambda v: (mixed(v), None), lambda _, g: (jnp.cumsum(g),))

OWN = {
    "surrogate": spike,
    "straight through": rounded_through,
    "codebook": nearest,
    "compiled": jax.jit(spike),
    "mapped": jax.vmap(rounded_through),
    "loop": lambda v: jax.lax.scan(lambda c, one: (spike(one + 0.5 * c),) * 2, 0.0, v)[1],
    "again": jax.checkpoint(lambda v: spike(v)),
    "branch": lambda v: jax.lax.cond(True, spike, jnp.tanh, v),
    "not of single values": mixed,
}


@pytest.mark.parametrize("name", OWN)
def test_derivatives_of_a_model_s_own_count(name):
    """Surrogate gradients of spikes, straight-through estimators: as `jax.grad` has it."""
    out = jnp.linspace(-1.0, 2.0, 18).reshape(6, 3)
    model = lambda x: OWN[name](jnp.tanh(2 * x)) @ out
    wanted = jax.grad(lambda x: model(x)[1])(X)
    assert np.any(wanted != 0)
    for method in (METHODS["signed_gradient"](), METHODS["guided_backprop"]()):
        found = method(model, X, 1, key=jax.random.key(0)).relevance
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    if name in ("branch", "not of single values"):
        with pytest.raises(ValueError, match="no rule for (cond|custom mixed) at"):
            METHODS["lrp" if name != "branch" else "deep_lift"]()(model, X, 1, key=None)
        return
    assert np.any(METHODS["lrp"]()(model, X, 1, key=None).relevance != 0)
    assert METHODS["deep_lift"]()(model, X, 1, key=None).info["completeness_gap"] < 1e-5


def test_a_rule_of_zeros_is_a_cut():
    zero = jax.custom_vjp(lambda v: jnp.round(v))
    zero.defvjp(lambda v: (jnp.round(v), None), lambda _, g: (jnp.zeros_like(g),))
    with pytest.raises(NoGradient, match="cut by round"):
        check_path(lambda x: zero(x), X)


def test_the_rest_of_a_model_keeps_its_derivatives():
    """Grad-CAM's cut, before a spike whose own derivative the gradient goes through."""
    kernel = np.ones((3, 1, 2), np.float32) * np.array([1.0, -0.5], np.float32)
    form = ("NWC", "WIO", "NWC")

    def model(x):
        made = jax.lax.conv_general_dilated(
            x[None, :, None], kernel, (1,), "SAME", None, None, form
        )
        return spike(made[0]).mean(0)

    activation, rest = propagation.split_last(model, X, "conv")
    slope = jax.grad(lambda a: rest(a)[0])(activation)
    wanted = jax.grad(lambda a: spike(a[0] if a.ndim > 2 else a).mean(0)[0])(activation)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6)
    assert METHODS["grad_cam"]()(model, X, 0, key=None).relevance.shape == X.shape


def test_whole_numbers_have_no_gradient():
    with pytest.raises(ValueError, match="int32, expected floating point"):
        check_path(lambda x: x * 1.0, jnp.arange(3))
