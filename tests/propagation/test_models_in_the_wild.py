"""Constructions that people write, each of which was once explained wrongly or not at all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax import deep_lift, guided_backprop
from audioxai_jax.nets.adapters import from_linen
from audioxai_jax.propagation import (
    PRESETS,
    composite,
    kind,
    lrp,
    propagate,
    rules,
)
from tests.helpers.small_models import random_params

KEY = jax.random.key(0)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


P = {"in": draw(4, 4), "out": draw(4, 3, seed=1), "b": draw(4, seed=2)}
X = draw(6, 4, seed=3)


def attention(mask):
    def network(p, x):
        y = x @ p["in"]
        return (jax.nn.softmax(mask(y @ y.T)) @ y).mean(0) @ p["out"]

    return Partial(network, P)


CAUSAL = np.tril(np.ones((6, 6), bool))


def test_masks_before_a_softmax(x64):
    """Added or chosen, large or infinite: one relevance, and numbers everywhere."""
    made = PRESETS["attn_lrp"]()
    masks = [
        lambda s: jnp.where(CAUSAL, s, -jnp.inf),
        lambda s: s + jnp.where(CAUSAL, 0, -1e9),
        lambda s: jnp.where(CAUSAL, s, jnp.finfo(s.dtype).min),
    ]
    found = [propagate(made, attention(mask), X, 1) for mask in masks]
    for one in found:
        np.testing.assert_allclose(one.relevance, found[0].relevance, rtol=1e-6, atol=1e-9)
        assert np.max(np.abs(one.ledger.missing)) < 1e-8
    slope = jax.grad(lambda m: propagate(made, m, X, 1).relevance[0, 0])(attention(masks[0]))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))


def kinds(function, x=X):
    table = composite([]).table(function, x)
    return [line.split()[0] for line in table.splitlines()[2:-1]]


@pytest.mark.parametrize(
    "function, expected",
    [
        (lambda x: x / x.mean(0), ["normalise"]),
        (lambda x: x * lax.rsqrt(jnp.square(x).mean(0)), ["normalise"]),
        (lambda x: x * x.mean(0), ["sum:reduce_sum", "product:mul"]),
        (lambda x: jax.nn.logsumexp(x, axis=0), ["softmax:logsumexp"]),
        (lambda x: x - jax.nn.softmax(x + 1.0), ["softmax", "add:sub"]),
        (lambda x: jax.nn.elu(x), ["activation"]),
        (lambda x: jnp.where(x > 0, x, 0), ["activation:relu"]),
        (lambda x: x * (x > 0), ["activation:relu"]),
        (lambda x: jnp.clip(x, 0), ["activation:relu"]),
        (lambda x: jnp.maximum(x, jnp.zeros_like(x)), ["activation:relu"]),
        (lambda x: jnp.where(x > 0, x, 0.1 * x), ["activation"]),
        (lambda x: x * lax.stop_gradient(jnp.abs(x)), ["scale"]),
    ],
)
def test_what_is_recognised(function, expected):
    assert kinds(function) == expected


def test_a_statistic_that_is_also_subtracted(x64):
    """(x - m) / m is not an affine map of x given m where m is subtracted as well."""
    model = lambda x: ((x - x.mean(0, keepdims=True)) / x.mean(0, keepdims=True))[0]
    shared = lambda x: (lambda m: ((x - m) / m)[0])(x.mean(0, keepdims=True))
    for function in (model, shared):
        found = propagate(PRESETS["epsilon_plus"](), function, X, 1)
        assert np.all(np.isfinite(found.relevance))
        assert np.max(np.abs(found.ledger.missing)) < 1e-8


CURVES = {
    "leaky": lambda v: jax.nn.leaky_relu(v, 0.1),
    "where": lambda v: jnp.where(v > 0, v, 0),
    "times": lambda v: v * (v > 0),
    "selu": jax.nn.selu,
    "elu": jax.nn.elu,
    "hard_tanh": jax.nn.hard_tanh,
    "clip": lambda v: jnp.clip(v, -0.5, 0.5),
}


@pytest.mark.parametrize("curve", CURVES)
def test_activations_written_with_where(curve, x64):
    """DeepLIFT's contributions sum; guided backpropagation sees the rectifier."""
    model = Partial(lambda p, x: CURVES[curve](x @ p["in"] + p["b"]).mean(0) @ p["out"], P)
    assert deep_lift()(model, X, 1, key=KEY).info["completeness_gap"] < 1e-9
    if curve in ("where", "times"):
        plain = Partial(lambda p, x: jax.nn.relu(x @ p["in"] + p["b"]).mean(0) @ p["out"], P)
        one, other = (guided_backprop()(m, X, 1, key=KEY).relevance for m in (model, plain))
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    "fill",
    [
        lambda x: jnp.concatenate([jnp.full((1, 4), 0.7), x]),
        lambda x: jnp.pad(x, ((1, 0), (0, 0)), constant_values=2.0),
        lambda x: x.at[0].set(3.0),
        lambda x: jnp.where(jnp.arange(6)[:, None] < 2, -1.5, x),
        lambda x: jnp.full((8, 4), -2.0).at[jnp.arange(6)].add(x),
    ],
)
def test_constants_among_values_take_their_share(fill, x64):
    """A class token, padding, masks of the spectrogram: what they contribute counts as bias."""
    model = Partial(lambda p, x: fill(jax.nn.relu(x @ p["in"])).mean(0) @ p["out"], P)
    found = propagate(PRESETS["epsilon_plus"](), model, X, 1)
    assert np.max(np.abs(found.ledger.missing)) < 1e-9
    rest = found.ledger.bias.sum() + found.ledger.stabiliser.sum()
    np.testing.assert_allclose(found.relevance.sum() + rest, found.logits[1], rtol=1e-9)
    assert abs(found.ledger.bias.sum()) > 1e-3


def test_cutting_patches_is_no_layer(x64):
    """`conv_general_dilated_patches` moves values; the dense layer after it is the first."""

    def model(p, x):
        rows = lax.conv_general_dilated_patches(x.T[None], (3,), (1,), "SAME")[0]
        return jax.nn.relu(p["w"] @ rows).mean(1) @ p["out"]

    bound = Partial(model, {"w": draw(4, 12, seed=5), "out": P["out"]})
    assert kinds(bound)[:2] == ["sum:conv_general_dilated", "dense"]
    made = composite([(kind("dense"), rules.zero())])
    found = propagate(made, bound, X, 1)
    slope = jax.grad(lambda x: bound(x)[1])(X)
    np.testing.assert_allclose(found.relevance, X * slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "dtype, name", [(jnp.bfloat16, "attn_lrp"), (jnp.float16, "latent_transformer")]
)
def test_half_precision_inside(dtype, name):
    from flax import linen as nn

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            y = nn.LayerNorm(dtype=dtype)(nn.Dense(8, dtype=dtype)(x))
            y = y.astype(jnp.float32) * jax.nn.sigmoid(y.astype(jnp.float32))
            return nn.Dense(3, dtype=dtype)(y.mean(0)).astype(jnp.float32)

    x = jnp.asarray(X, jnp.float32)
    model = from_linen(Net(), random_params(lambda: Net().init(KEY, x)))
    found = propagate(PRESETS[name](), model, x, 1).relevance
    assert found.dtype == jnp.float32 and np.all(np.isfinite(found)) and np.any(found != 0)


@pytest.mark.parametrize("rule", [rules.z_plus(), rules.gamma(), rules.z_box(-1, 1), rules.flat()])
def test_rules_for_weights_want_weights(rule):
    with pytest.raises(ValueError, match="is for operations of kind conv, dense"):
        propagate(composite([(kind("add"), rule)]), lambda x: x[0] + x[1], X, 0)


def test_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="expected floating point"):
        lrp()(lambda x: x.astype(jnp.float32), jnp.arange(3), 0, key=KEY)


def test_a_named_point_is_kept_from_folding():
    """A batch norm after it would take the convolution, and the point with it, otherwise."""

    def model(p, x):
        return checkpoint_name(x @ p["in"], "here") * p["b"] + 1.0

    bound = Partial(lambda p, x: model(p, x)[0], P)
    found = propagate(PRESETS["epsilon_plus"](), bound, jnp.asarray(X), 1, at=["here"])
    np.testing.assert_allclose(found.points["here"].activation, X @ P["in"], rtol=1e-5)
