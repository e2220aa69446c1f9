"""Relevance is an ordinary JAX computation: compiled, batched, differentiated, read anywhere."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax import as_model
from audioxai_jax.nets.adapters import from_linen, from_nnx
from audioxai_jax.propagation import PRESETS, composite, kind, lrp, propagate, rules, split

KEY = jax.random.key(0)
SOME = ["epsilon_gamma_box", "epsilon_alpha2_beta1_flat", "attn_lrp"]  # rules of every family
TRACES = []


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


PARAMS = {
    "conv": {"kernel": draw(3, 4, 6), "bias": draw(6, seed=1)},
    "hidden": {"kernel": draw(6, 5, seed=2), "bias": draw(5, seed=3)},
    "logits": {"kernel": draw(5, 3, seed=4), "bias": draw(3, seed=5)},
}
X = draw(10, 4, seed=6)


def plain(p, x):
    TRACES.append(1)
    y = lax.conv_general_dilated(
        x[None], p["conv"]["kernel"], (1,), "SAME", dimension_numbers=("NTC", "TIO", "NTC")
    )[0]
    y = jax.nn.relu(y + p["conv"]["bias"]).mean(0)
    y = jax.nn.relu(y @ p["hidden"]["kernel"] + p["hidden"]["bias"])
    return y @ p["logits"]["kernel"] + p["logits"]["bias"]


MODEL = Partial(plain, PARAMS)


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x):
        y = nn.relu(nn.Conv(6, (3,), name="conv")(x)).mean(0)
        return nn.Dense(3, name="logits")(nn.relu(nn.Dense(5, name="hidden")(y)))


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(4, 6, (3,), rngs=rngs)
        self.hidden, self.logits = nnx.Linear(6, 5, rngs=rngs), nnx.Linear(5, 3, rngs=rngs)
        for name, values in PARAMS.items():
            for part, value in values.items():
                getattr(getattr(self, name), part)[...] = value

    def __call__(self, x):
        return self.logits(nnx.relu(self.hidden(nnx.relu(self.conv(x)).mean(0))))


class Equinox(eqx.Module):
    conv: eqx.nn.Conv1d
    hidden: eqx.nn.Linear
    logits: eqx.nn.Linear

    def __call__(self, x):
        y = jax.nn.relu(self.conv(x.T)).mean(1)
        return self.logits(jax.nn.relu(self.hidden(y)))


def equinox():
    conv = eqx.nn.Conv1d(4, 6, 3, padding=1, key=KEY)
    layers = [conv, eqx.nn.Linear(6, 5, key=KEY), eqx.nn.Linear(5, 3, key=KEY)]
    weights = [PARAMS["conv"]["kernel"].transpose(2, 1, 0)]
    weights += [PARAMS[name]["kernel"].T for name in ("hidden", "logits")]
    biases = [PARAMS[name]["bias"] for name in PARAMS]
    biases[0] = biases[0][:, None]
    where = lambda layer: (layer.weight, layer.bias)
    return Equinox(
        *(
            eqx.tree_at(where, layer, pair)
            for layer, pair in zip(layers, zip(weights, biases, strict=True), strict=True)
        )
    )


@pytest.mark.full_size
@pytest.mark.parametrize("name", SOME)
def test_one_network_in_four_libraries(name):
    """The relevance is the same, and so are rules chosen by the parameters' paths."""
    made = PRESETS[name]()
    models = [MODEL, from_linen(Linen(), {"params": PARAMS}), from_nnx(Nnx(nnx.Rngs(0)))]
    found = [propagate(made, model, X, 1) for model in (*models, as_model(equinox()))]
    for other in found[1:]:
        np.testing.assert_allclose(other.logits, found[0].logits, rtol=1e-5)
        gap = np.max(np.abs(other.relevance - found[0].relevance))
        assert gap < 1e-5 * np.max(np.abs(found[0].relevance))


@pytest.mark.parametrize(
    "make",
    [
        lambda: MODEL,
        lambda: from_linen(Linen(), {"params": PARAMS}),
        lambda: from_nnx(Nnx(nnx.Rngs(0))),
        equinox,
    ],
)
def test_paths_in_four_libraries(make):
    table = composite([]).table(as_model(make()), X)
    for layer in ("conv", "hidden", "logits"):
        assert any(f" {layer}/" in line for line in table.splitlines())


@pytest.mark.parametrize("name", SOME)
def test_compiled_and_batched(name):
    method, batch = lrp(name), draw(4, 10, 4, seed=7)
    one = jax.jit(lambda x, target: method(MODEL, x, target, key=KEY).relevance)
    targets = jnp.array([0, 1, 2, 1])
    found = jax.jit(jax.vmap(one))(batch, targets)
    for i in range(4):
        alone = one(batch[i], targets[i])
        assert np.max(np.abs(found[i] - alone)) < 1e-5 * np.max(np.abs(alone))


def test_all_classes_at_once():
    method = lrp("epsilon_plus")
    one = jax.jit(lambda target: method(MODEL, X, target, key=KEY).relevance)
    found = jax.jit(jax.vmap(one))(jnp.arange(3))
    for target in range(3):
        np.testing.assert_allclose(found[target], one(target), rtol=1e-4, atol=1e-5)


def test_one_trace_per_shape():
    explain = jax.jit(lambda method, model, x, t: method(model, x, t, key=KEY).relevance)
    explain(lrp("epsilon_plus"), MODEL, X, 0)
    TRACES.clear()
    other = jax.tree.map(lambda leaf: leaf + 1, MODEL)
    explain(lrp("epsilon_plus"), MODEL, X + 1, 2)
    explain(lrp(PRESETS["epsilon_plus"]()), other, X, 1)
    assert not TRACES
    explain(lrp("epsilon_plus"), MODEL, X[:8], 0)
    assert len(TRACES) == 1


def test_relevance_is_differentiable(x64):
    """With respect to the parameters, against finite differences."""
    model = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), MODEL)
    x, made = jnp.asarray(X, jnp.float64), PRESETS["epsilon_plus"]()

    @jax.jit
    def first_frame(model):
        return jnp.sum(propagate(made, model, x, 1).relevance[0])

    slope = jax.grad(first_frame)(model)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))
    step = 1e-6
    way = jax.tree.map(lambda leaf: jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape), model)
    ends = [
        first_frame(jax.tree.map(lambda a, b, s=s: a + s * b, model, way)) for s in (step, -step)
    ]
    expected = (ends[0] - ends[1]) / (2 * step)
    found = sum(jnp.sum(a * b) for a, b in zip(*map(jax.tree.leaves, (slope, way)), strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_zeros_and_huge_inputs_give_numbers():
    inputs = jnp.stack([jnp.zeros_like(X), 1e15 * X, 1e-20 * X])
    for name in SOME:
        relevance = lambda x, made=PRESETS[name](): propagate(made, MODEL, x, 1).relevance
        found, back = jax.vjp(jax.vmap(relevance), inputs)
        assert np.all(np.isfinite(found))
        assert np.all(np.isfinite(back(jnp.ones_like(found))[0]))


def test_relevance_grows_with_the_input_whatever_its_size():
    """The stabiliser is in units of the values: a bias-free net is explained alike at any level."""
    model = Partial(plain, jax.tree.map(lambda v: v if v.ndim > 1 else 0 * v, PARAMS))
    loud, soft = (
        propagate(PRESETS["epsilon_plus"](), model, s * X, 1).relevance for s in (1e3, 1e-6)
    )
    np.testing.assert_allclose(loud / 1e3, soft / 1e-6, rtol=1e-3, atol=1e-6)


# -- points ----------------------------------------------------------------------------------


def named(p, x):
    y = checkpoint_name(jax.nn.relu(p["in"] @ x), "hidden")
    return p["out"] @ y


NAMED = Partial(named, {"in": draw(5, 4, seed=8), "out": draw(3, 5, seed=9)})


def test_activation_and_relevance_at_named_points():
    x = draw(4, seed=10)
    made = composite([(kind("dense"), rules.zero())])
    found = propagate(made, NAMED, x, 2, at=["hidden", "in"])
    p = NAMED.args[0]
    hidden = np.maximum(p["in"] @ x, 0)
    np.testing.assert_allclose(found.points["hidden"].activation, hidden, rtol=1e-6)
    np.testing.assert_allclose(found.points["hidden"].relevance, p["out"][2] * hidden, rtol=1e-5)
    np.testing.assert_allclose(found.points["in"].activation, p["in"] @ x, rtol=1e-6)
    total = found.points["hidden"].relevance.sum()
    np.testing.assert_allclose(total, found.relevance.sum(), rtol=1e-5)


def test_a_model_is_cut_in_two_at_a_point():
    """What layer attributions and Grad-CAM need: the activation, and the rest as a function."""
    x = draw(4, seed=10)
    hidden, rest = split(NAMED, x, "hidden")
    np.testing.assert_allclose(rest(hidden), NAMED(x), rtol=1e-6)
    slope = jax.grad(lambda a: rest(a)[1])(hidden)
    np.testing.assert_allclose(slope, NAMED.args[0]["out"][1], rtol=1e-6)


@pytest.mark.parametrize("name, problem", [("nowhere", "fits no"), ("*", "fits 2 operations")])
def test_a_point_must_be_one(name, problem):
    with pytest.raises(ValueError, match=f"{problem}.*Known: .*hidden"):
        propagate(PRESETS["epsilon_plus"](), NAMED, draw(4), 0, at=[name])
