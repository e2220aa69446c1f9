"""Methods applied to activations, and what the rest of a model is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax import deep_lift, integrated_gradients, propagation, saliency
from audioxai_jax.attribution.layer import layer_attribution
from audioxai_jax.attribution.smoothgrad import smoothgrad


def rest(params, hidden):
    return params["out"] @ jax.nn.relu(params["middle"] @ hidden + params["bias"])


def network(params, x):
    return rest(params, checkpoint_name(jnp.tanh(params["in"] @ x), "hidden"))


def residual(params, x):
    first = params["in"] @ x
    hidden = checkpoint_name(jax.nn.relu(first), "hidden")
    return params["out"] @ jax.nn.relu(params["middle"] @ (hidden + first) + params["bias"])


METHODS = {
    "saliency": saliency(),
    "integrated_gradients": integrated_gradients(steps=5, baseline=0.1),
    "smoothgrad": smoothgrad(samples=3),
    "deep_lift": deep_lift(),
    "lrp": propagation.lrp(),
    "lrp_alpha_beta": propagation.lrp("epsilon_alpha2_beta1"),
}


@pytest.fixture
def params(x64):
    draw = np.random.default_rng(0).normal
    shapes = {"in": (4, 3), "middle": (6, 4), "bias": (6,), "out": (2, 6)}
    return {name: jnp.asarray(draw(size=shape)) for name, shape in shapes.items()}


@pytest.fixture
def x(x64):
    return jnp.array([0.3, -1.2, 0.9])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("target", [0, 1])
def test_equals_the_rest_written_by_hand(name, params, x, target, key):
    method = METHODS[name]
    one = jax.jit(
        lambda params, x: layer_attribution(
            method, Partial(network, params), x, target, "hidden", key=key
        )
    )
    found, activation = one(params, x)
    hidden = jnp.tanh(params["in"] @ x)
    np.testing.assert_allclose(activation, hidden, rtol=1e-12)
    wanted = method(Partial(rest, params), hidden, target, key=key)
    np.testing.assert_allclose(found.relevance, wanted.relevance, rtol=1e-10, atol=1e-14)
    for what, value in wanted.info.items():
        np.testing.assert_allclose(found.info[what], value, rtol=1e-6, atol=1e-12)


def test_the_rest_keeps_the_names_of_its_weights(params, x):
    """Rules by path apply to it: a closure would hide its products from LRP."""
    _, model = propagation.split(Partial(network, params), x, "hidden")
    found = propagation.propagate(
        propagation.PRESETS["epsilon_plus"](), model, jnp.tanh(params["in"] @ x), 0
    )
    assert list(found.ledger.names) == ["dense middle", "activation:relu", "dense out"]


def test_what_goes_around_the_point_is_constant(params, x, key):
    first = params["in"] @ x
    by_hand = lambda hidden: (
        params["out"] @ jax.nn.relu(params["middle"] @ (hidden + first) + params["bias"])
    )
    for method in (saliency(), integrated_gradients(steps=4)):
        model = Partial(residual, params)
        found, hidden = layer_attribution(method, model, x, 1, "hidden", key=key)
        wanted = method(by_hand, hidden, 1, key=key).relevance
        np.testing.assert_allclose(found.relevance, wanted, rtol=1e-12)


def test_layers_are_explained_under_vmap(params, x, key):
    model = Partial(network, params)
    one = lambda x: layer_attribution(METHODS["lrp"], model, x, 0, "hidden", key=key)[0].relevance
    batch = jnp.stack([x, -x])
    np.testing.assert_allclose(
        jax.jit(jax.vmap(one))(batch), [one(x) for x in batch], rtol=1e-10, atol=1e-14
    )


def test_weights_that_are_prepared_before_the_point(x64, key):
    """The rest computes again what depends on the weights alone."""

    def model(params, x):
        scaled = params["out"] / jnp.sqrt(jnp.sum(params["out"] ** 2))
        return scaled @ checkpoint_name(x**2, "hidden")

    params = {"out": jnp.array([[3.0, 4.0]])}
    found, _ = layer_attribution(
        propagation.lrp(), Partial(model, params), jnp.ones(2), 0, "hidden", key=key
    )
    np.testing.assert_allclose(found.relevance, [0.6, 0.8], rtol=1e-5)


def test_layers_that_are_not_there_are_refused(params, x, key):
    model = Partial(network, params)
    with pytest.raises(ValueError, match="the point 'nowhere' fits no operation"):
        layer_attribution(saliency(), model, x, 0, "nowhere", key=key)
    with pytest.raises(ValueError, match="target 2 is not a class"):
        layer_attribution(saliency(), model, x, 2, "hidden", key=key)
    with pytest.raises(ValueError, match="smoothgrad draws at random: give it a key"):
        layer_attribution(smoothgrad(), model, x, 0, "hidden", key=None)
