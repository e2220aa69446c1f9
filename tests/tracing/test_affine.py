"""The affine beginning of a model, split off without a change of values or derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import attribute_batch, integrated_gradients
from audioxai_jax.attribution.quadrature import gauss_legendre
from audioxai_jax.tracing import affine

pytestmark = pytest.mark.usefixtures("x64")
DRAW = np.random.default_rng(0).normal
X = DRAW(size=(9, 4))
PARAMS = {
    "kernel": DRAW(size=(3, 4, 5)),
    "bias": DRAW(size=5),
    "gain": DRAW(size=(5, 1)),
    "out": DRAW(size=(5, 3)),
}


def convolution(p, x):
    layout = ("NWC", "WIO", "NWC")
    return jax.lax.conv_general_dilated(
        x[None], p["kernel"], (1,), "SAME", dimension_numbers=layout
    )[0]


def plain(p, x):
    hidden = (convolution(p, x) + p["bias"]) / 3
    return jax.nn.relu(hidden).mean(0) @ p["out"]


def normalised_weights(p, x):
    weights = p["kernel"] / jnp.sqrt(jnp.sum(p["kernel"] ** 2, (0, 1)))
    return jnp.tanh(convolution(p | {"kernel": weights}, jnp.pad(x, ((2, 0), (0, 0))))).sum(0)[:3]


def residual(p, x):
    first = x @ p["kernel"][0][:, :4]
    return jnp.tanh(first + jnp.sin(x)).sum(0)[:3]


def patches(p, x):
    cut = jnp.stack([x[i : i + 7] for i in range(3)], axis=1)
    return jax.nn.gelu(jnp.einsum("fwc,wcd->fd", cut, p["kernel"])).mean(0) @ p["out"]


def jitted_layer(p, x):
    return jnp.tanh(jax.jit(convolution)(p, x)).mean(0) @ p["out"]


def branching(p, x):
    hidden = jnp.where(jnp.arange(9)[:, None] > 3, x @ p["kernel"][1], x @ p["kernel"][2])
    return jnp.exp(hidden / 9).sum(0)[:3]


def fully_affine(p, x):
    return (x.reshape(-1)[::-1] @ p["kernel"].reshape(-1)[:36]) * jnp.ones(3) - p["bias"][:3]


MODELS = [plain, normalised_weights, residual, patches, jitted_layer, branching, fully_affine]
CLOSED = Partial(lambda x: plain(PARAMS, x))


@pytest.mark.parametrize("function", MODELS)
def test_the_parts_make_the_whole(function):
    model, x = Partial(function, jax.tree.map(jnp.asarray, PARAMS)), jnp.asarray(X)
    parts = affine.split(model, x)
    assert not (len(parts.head(x)) == 1 and parts.head(x)[0] is x)  # something was split off
    np.testing.assert_allclose(parts.tail(parts.head(x)), model(x), rtol=1e-12)
    other = jnp.asarray(DRAW(size=X.shape))
    between = parts.head(0.3 * x + 0.7 * other)
    for value, one, two in zip(between, parts.head(x), parts.head(other), strict=True):
        np.testing.assert_allclose(value, 0.3 * one + 0.7 * two, atol=1e-12)
    slope = jax.jit(jax.grad(lambda values: parts.tail(values)[1]))(parts.head(x))
    found = affine.transposed(parts.head, x, slope)
    wanted = jax.jit(jax.grad(lambda x: model(x)[1]))(x)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@jax.custom_vjp
def louder(x):
    return x * 1.0


louder.defvjp(lambda x: (x * 1.0, None), lambda _, g: (100.0 * g,))


@pytest.mark.parametrize(
    "beginning",
    [louder, lambda x: jax.nn.relu(x), lambda x: x * x, lambda x: x.astype(jnp.float32)],
    ids=["custom_vjp", "custom_jvp", "square", "cast"],
)
def test_what_is_not_affine_is_not_split_off(beginning):
    """Derivatives that a model defines itself are its own, also of what looks affine."""
    model = lambda x: (beginning(x) @ PARAMS["kernel"][0]).sum(0)[:3]
    parts = affine.split(model, jnp.asarray(X))
    assert parts.head(X)[0] is X
    slope = jax.grad(lambda values: parts.tail(values)[0])((jnp.asarray(X),))[0]
    np.testing.assert_allclose(slope, jax.grad(lambda x: model(x)[0])(jnp.asarray(X)))


def test_a_product_that_rounds_is_not_split_off():
    model = lambda x: jnp.tanh(
        jnp.dot(x, jnp.ones((4, 3)), preferred_element_type=jnp.bfloat16)
    ).astype(jnp.float32)[0]
    x = jnp.asarray(X, jnp.float32)
    assert affine.split(model, x).head(x)[0] is x
    assert integrated_gradients(steps=5)(model, x, 0, key=None).relevance.dtype == jnp.float32


@pytest.mark.parametrize(
    "masked",
    [
        lambda h: jnp.where(jnp.arange(5) < 3, h, -jnp.inf),
        lambda h: jnp.pad(h, ((0, 0), (0, 2)), constant_values=-jnp.inf),
    ],
    ids=["where", "pad"],
)
def test_masks_of_minus_infinity_do_not_move(masked):
    """Minus infinity less minus infinity is not a number: no step leads from one to the other."""
    model = lambda x: jax.nn.softmax(masked(x @ jnp.asarray(PARAMS["kernel"][0])), -1).mean(0)
    x, nodes = jnp.asarray(X), gauss_legendre(8)
    slope = jax.jit(jax.grad(lambda x: model(x)[1]))
    wanted = x * sum(w * slope(a * x) for a, w in zip(*nodes, strict=True))
    found = jax.jit(lambda x: integrated_gradients(steps=8)(model, x, 1, key=None).relevance)(x)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_beginning_that_makes_many_values_is_left_alone():
    wide = lambda x: jnp.tanh(x @ jnp.ones((4, 9))).sum(0)[:3]
    assert affine.split(wide, X).head(X)[0] is X


def test_a_kink_has_the_derivative_of_the_model():
    """relu has derivative 0 at 0, where a maximum has a half."""
    model = lambda x: jax.nn.relu(x @ jnp.eye(4)).sum(0)
    parts = affine.split(model, jnp.zeros((9, 4)))
    slope = jax.grad(lambda values: parts.tail(values)[0])((jnp.zeros((9, 4)),))[0]
    assert np.all(slope == 0)


@pytest.mark.parametrize("function", MODELS)
def test_integrated_gradients_equal_the_slow_sum(function):
    model, x = Partial(function, jax.tree.map(jnp.asarray, PARAMS)), jnp.asarray(X)
    base = jnp.asarray(DRAW(size=X.shape))
    nodes, weights = gauss_legendre(5)
    slope = jax.jit(jax.grad(lambda x: model(x)[2]))
    wanted = sum(w * slope(base + a * (x - base)) for a, w in zip(nodes, weights, strict=True))
    method = integrated_gradients(steps=5, baseline=base, chunk=2)
    for found in (
        jax.jit(lambda model, x: method(model, x, 2, key=None).relevance)(model, x),
        attribute_batch(method, model, x[None], 2, key=jax.random.key(0)).relevance[0],
    ):
        np.testing.assert_allclose(found, (x - base) * wanted, atol=1e-12)


def test_closed_over_parameters_are_parameters_too():
    x = jnp.asarray(X)
    method = integrated_gradients(steps=3)
    found = method(CLOSED, x, 0, key=None).relevance
    model = Partial(plain, jax.tree.map(jnp.asarray, PARAMS))
    np.testing.assert_allclose(found, method(model, x, 0, key=None).relevance, atol=1e-12)


def test_folding_leaves_fewer_operations():
    """Half of this model is its first layer, which is computed three times instead of 100."""
    model = Partial(lambda p, x: jnp.tanh(jnp.tanh(x @ p) @ p).sum(0), jnp.ones((64, 64)))
    x = jnp.ones((8, 64))

    def flops(method):
        call = jax.jit(lambda model, x: method(model, x, 0, key=None).relevance)
        return call.lower(model, x).cost_analysis()["flops"]

    whole = flops(integrated_gradients(steps=50))
    once = jax.jit(lambda model, x: jax.grad(lambda x: model(x)[0])(x)).lower(model, x)
    assert whole < 0.6 * 50 * once.cost_analysis()["flops"]
