"""What gates, attention weights, norms and probabilities are, however people write them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

from audioxai_jax import deep_lift
from audioxai_jax.propagation import PRESETS, SoftmaxOutput, base, composite, kind, propagate, rules

X = np.random.default_rng(0).normal(size=(6, 4))
P = {
    "a": np.random.default_rng(1).normal(size=(4, 4)),
    "b": np.random.default_rng(2).normal(size=(4, 4)),
    "out": np.random.default_rng(3).normal(size=(4, 3)),
}


def kinds(function, params=P):
    table = composite([]).table(Partial(function, params), X)
    return [line.split()[0] for line in table.splitlines()[2:-1]]


GATES = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": lambda s: 0.5 * (jnp.tanh(s / 2) + 1),
    "tanh, shifted last": lambda s: 0.5 * jnp.tanh(0.5 * s) + 0.5,
    "exp": lambda s: 1 / (1 + jnp.exp(-s)),
    "hard sigmoid": jax.nn.hard_sigmoid,
    "hard sigmoid by clip": lambda s: jnp.clip(0.2 * s + 0.5, 0, 1),
    "hard sigmoid by clamp": lambda s: lax.clamp(0.0, s / 6 + 0.5, 1.0),
    "normal": lambda s: (1 + lax.erf(s)) / 2,
    "one minus": lambda s: 1.0 - jax.nn.sigmoid(s),
    "part": lambda s: 0.9 * jax.nn.sigmoid(s) + 0.1,
    "clipped": lambda s: jnp.clip(jax.nn.sigmoid(s), 1e-6, 1 - 1e-6),
    "padded": lambda s: jnp.pad(jax.nn.sigmoid(s)[1:], ((1, 0), (0, 0)), constant_values=1.0),
}
SIGNALS = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "relu of tanh": lambda s: jax.nn.relu(jnp.tanh(s)),
    "relu6": jax.nn.relu6,
    "twice": lambda s: 2.0 * jax.nn.sigmoid(s),
    "below": lambda s: jax.nn.sigmoid(s) - 0.5,
    "padded": lambda s: jnp.pad(jax.nn.sigmoid(s)[1:], ((1, 0), (0, 0)), constant_values=2.0),
    "unknown factor": lambda s: jax.nn.sigmoid(s) * P["a"][0],
    "one over tanh": lambda s: 1 / jnp.tanh(s),
}


@pytest.mark.parametrize("curve", GATES)
def test_gates_are_recognised(curve):
    product = lambda p, x: ((x @ p["a"]) * GATES[curve](x @ p["b"])).mean(0) @ p["out"]
    assert [one for one in kinds(product) if one.startswith(("gate", "product"))] == ["gate:mul"]


@pytest.mark.parametrize("curve", SIGNALS)
def test_signals_are_no_gates(curve):
    product = lambda p, x: (x @ p["a"]) * SIGNALS[curve](x @ p["b"])
    assert kinds(product)[-1] == "product:mul"


def test_gates_that_are_computed_before_a_loop(x64):
    """As in an SRU: the loop gets them row by row; the sign of a carried state is not known."""

    def model(p, x):
        step = lambda state, row: (row[0] * row[1] + state, None)
        rows = (x @ p["a"], 0.5 * (jnp.tanh(x @ p["b"]) + 1))
        return lax.scan(step, jnp.zeros(4), rows)[0] @ p["out"]

    assert "gate:mul" in kinds(model)
    found = propagate(PRESETS["epsilon_plus"](), Partial(model, P), X, 1)
    plain = lambda p, x, gate: ((x @ p["a"]) * gate).sum(0) @ p["out"]
    gate = jax.nn.sigmoid(2 * (X @ P["b"]))
    slope = jax.grad(lambda x: plain(P, x, gate)[1])(X)
    np.testing.assert_allclose(found.relevance, X * slope, rtol=1e-3, atol=1e-4)


CAUSAL = np.tril(np.ones((6, 6)))
exp = lambda s: jnp.exp(s - s.max(-1, keepdims=True))
over = lambda w, least=0.0: w / (w.sum(-1, keepdims=True) + least)
WEIGHTS = {
    "times a mask": lambda s: jax.nn.softmax(s) * CAUSAL,
    "chosen": lambda s: jnp.where(CAUSAL > 0, jax.nn.softmax(s), 0),
    "times a mask, divided by the sum": lambda s: over(jax.nn.softmax(s) * CAUSAL),
    "chosen, divided by the sum": lambda s: over(jnp.where(CAUSAL > 0, jax.nn.softmax(s), 0), 1e-9),
    "masked inside": lambda s: over(exp(s) * CAUSAL),
    "with something in the denominator": lambda s: over(exp(s), 1.0),
    "dropped": lambda s: jnp.where(CAUSAL > 0, jax.nn.softmax(s) / 0.9, 0.0),
}


@pytest.mark.parametrize("weigh", WEIGHTS)
def test_attention_weights(weigh, x64):
    def model(p, x):
        y = x @ p["a"]
        return (WEIGHTS[weigh](y @ y.T) @ y).mean(0) @ p["out"]

    assert "attention:dot_general" in kinds(model)
    assert any(one.startswith("softmax") for one in kinds(model))
    found = propagate(PRESETS["attn_lrp"](), Partial(model, P), X, 1)
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance)
    assert np.max(np.abs(found.ledger.missing)) < 1e-8 * np.max(np.abs(found.ledger.received))


spread = lambda w: jnp.broadcast_to(w, (6, 4))
POOLED = {
    "a column": lambda w, y: (y * w).sum(0),
    "a column, first": lambda w, y: jnp.sum(spread(w) * y, axis=0),
    "in parts of its sum": lambda w, y: (
        (y * (w * CAUSAL[3:4].T)).sum(0) / (w * CAUSAL[3:4].T).sum()
    ),
    "mean": lambda w, y: (y * w).mean(0),
    "with a bias": lambda w, y: (y * w).sum(0) + P["out"][:, 0],
    "of frames turned round": lambda w, y: (w.T * y.T).sum(-1),
}


@pytest.mark.parametrize("pool", POOLED)
def test_softmax_pooling_is_attention(pool, x64):
    """As `softmax(a).T @ h` is, by AttnLRP's rule and with the weights as constants."""

    def model(p, x):
        y, weights = x @ p["a"], jax.nn.softmax(jnp.tanh(x @ p["b"])[:, :1], 0)
        return POOLED[pool](weights, y) @ p["out"]

    def as_product(p, x):
        y, w = x @ p["a"], jax.nn.softmax(jnp.tanh(x @ p["b"])[:, :1], 0)
        if pool == "in parts of its sum":
            w = w * CAUSAL[3:4].T
            return (w.T @ y)[0] / w.sum() @ p["out"]
        bias = p["out"][:, 0] if pool == "with a bias" else 0
        return ((w.T @ y)[0] / (6 if pool == "mean" else 1) + bias) @ p["out"]

    found = kinds(model)
    assert "attention:reduce_sum" in found and not {"product:mul", "gate:mul"} & set(found)
    layers = [(kind("attention"), rules.values(epsilon=0)), (kind("dense"), rules.zero())]
    for made in (PRESETS["attn_lrp"](0), composite(layers, base=base(0))):
        here, there = (propagate(made, Partial(f, P), X, 1) for f in (model, as_product))
        np.testing.assert_allclose(here.relevance, there.relevance, rtol=1e-9, atol=1e-12)
        assert np.max(np.abs(here.ledger.missing)) < 1e-9 * np.max(np.abs(here.ledger.received))


def test_other_sums_of_products_stay_as_they_are():
    gated = lambda p, x: ((x @ p["a"]) * jax.nn.sigmoid(x @ p["b"])).sum(0) @ p["out"]
    scores = lambda p, x: ((x @ p["a"]) * (x @ p["b"])).sum(0) @ p["out"]
    assert "gate:mul" in kinds(gated) and "product:mul" in kinds(scores)


def test_statistics_pooling(x64):
    """Weighted mean and standard deviation, as speaker networks have it: nothing is missing."""

    def model(p, x):
        y = x @ p["a"]
        w = jax.nn.softmax(jnp.tanh(y) @ p["b"], axis=0)
        mean = (y * w).sum(0)
        spread = jnp.sqrt(jnp.maximum((y * y * w).sum(0) - mean**2, 1e-7))
        return jnp.concatenate([mean, spread]) @ jnp.concatenate([p["out"], p["out"][::-1]])

    assert kinds(model).count("attention:reduce_sum") == 2
    for name in ("epsilon_plus", "attn_lrp"):
        found = propagate(PRESETS[name](), Partial(model, P), X, 1)
        assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance)
        assert np.max(np.abs(found.ledger.missing)) < 1e-9 * np.max(np.abs(found.ledger.received))
    info = deep_lift()(Partial(model, P), X, 1, key=jax.random.key(0)).info
    assert info["completeness_gap"] < 1e-9


MASKS = {
    "chosen": lambda s, m, low: jnp.where(m, s, low),
    "added": lambda s, m, low: s + jnp.where(m, 0, low),
    "reshaped": lambda s, m, low: jnp.where(m, s, low).reshape(1, 6, 6)[0],
}


@pytest.mark.parametrize("low", [-1e9, np.finfo(np.float32).min], ids=["-1e9", "min"])
@pytest.mark.parametrize("mask", MASKS)
def test_rows_of_attention_that_are_masked_entirely(mask, low):
    """Padding frames: whatever they attend to, there are numbers everywhere."""
    keep = np.ones((6, 6), bool)
    keep[4:] = False

    def model(p, x):
        y = x @ p["a"]
        return (jax.nn.softmax(MASKS[mask](y @ y.T, keep, low)) @ y).mean(0) @ p["out"]

    params = jax.tree.map(lambda leaf: leaf.astype(np.float32), P)
    found = propagate(PRESETS["attn_lrp"](), Partial(model, params), X.astype(np.float32), 1)
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance)
    assert all(np.all(np.isfinite(column)) for column in jax.tree.leaves(found.ledger))
    if mask != "reshaped":  # there, masked scores themselves are what a Taylor expansion has
        assert np.max(np.abs(found.ledger.missing)) < 1e-3


NORMS = {
    "einsum": lambda x: x * lax.rsqrt(jnp.einsum("fc,fc->f", x, x))[:, None],
    "einsum, mean": lambda x: x / jnp.sqrt(jnp.einsum("fc,fc->f", x, x) / 4 + 1e-6)[:, None],
    "vdot": lambda x: x / jnp.sqrt(jnp.vdot(x, x)),
    "linalg.norm": lambda x: x / jnp.linalg.norm(x, axis=1, keepdims=True),
    "row by row": lambda x: jax.vmap(lambda row: row / jnp.sqrt(row @ row))(x),
    "largest": lambda x: x / jnp.max(jnp.abs(x)),
    "min-max": lambda x: (x - x.min()) / (x.max() - x.min()),
    "min-max per row": lambda x: (lambda low, high: (x - low) / (high - low + 1e-6))(
        x.min(1, keepdims=True), x.max(1, keepdims=True)
    ),
    "min-max to -1, 1": lambda x: 2 * (x - x.min()) / (x.max() - x.min()) - 1,
    "centred": lambda x: (x - x.mean(0)) / x.std(0),
}


@pytest.mark.parametrize("norm", NORMS)
def test_norms_are_recognised(norm, x64):
    """One operation each, affine once its statistics are given, and relevance is conserved."""
    model = lambda p, x: NORMS[norm](x @ p["a"])[1] @ p["out"]
    names = [one for one in kinds(model) if one not in ("scale", "affine")]
    assert names == ["dense", "normalise", "dense"]
    found = propagate(PRESETS["epsilon_plus"](), Partial(model, P), X, 1)
    taken = found.ledger.bias.sum() + found.ledger.stabiliser.sum()
    np.testing.assert_allclose(found.relevance.sum() + taken, found.logits[1], rtol=1e-9)


def test_min_max_norm_by_hand(x64):
    """Of x / (M - m) - m / (M - m), the second is a bias, and nothing goes to M and m."""
    x = np.array([1.0, 4.0, 2.0])
    model = lambda x: (x - x.min()) / (x.max() - x.min())
    found = propagate(PRESETS["epsilon_plus"](), model, x, 2)
    np.testing.assert_allclose(found.relevance, [0, 0, 2 / 3], rtol=1e-5)
    np.testing.assert_allclose(found.ledger.bias.sum(), -1 / 3, rtol=1e-5)


def accumulated(y):
    add = lambda total, row: (total + jax.nn.softmax(row) / 6, None)
    return lax.scan(add, jnp.zeros(3), y)[0]


soft, log_soft = jax.nn.softmax, jax.nn.log_softmax
PROBABILITIES = {
    "mean over frames": lambda y: soft(y).mean(0),
    "mean of logarithms": lambda y: log_soft(y).mean(0),
    "largest over frames": lambda y: soft(y).max(0),
    "cond": lambda y: lax.cond(y[0, 0] > 0, soft, lambda v: v, y.mean(0)),
    "map": lambda y: lax.map(soft, y)[0],
    "mean of a map": lambda y: lax.map(soft, y).mean(0),
    "log in a map": lambda y: lax.map(log_soft, y)[-1],
    "last step": lambda y: lax.scan(lambda s, row: (soft(s + row), None), jnp.zeros(3), y)[0],
    "accumulated": accumulated,
    "two networks": lambda y: (soft(y[0]) + soft(y[1])) / 2,
    "log of a softmax": lambda y: jnp.log(soft(y[0]) + 1e-9),
    "clipped": lambda y: jnp.clip(soft(y[0]), 1e-6, 1.0),
}


@pytest.mark.parametrize("end", PROBABILITIES)
@pytest.mark.parametrize("made", [PRESETS["epsilon_plus"]()], ids=["epsilon_plus"])
def test_probabilities_are_refused(end, made):
    model = Partial(lambda p, x: PROBABILITIES[end](x @ p["a"] @ p["out"]), P)
    with pytest.raises(SoftmaxOutput, match="ends in a .*softmax.*leave the softmax off"):
        propagate(made, model, X, 1)


LOGITS = {
    "beside a softmax": lambda y: y[0] - soft(y[1]),
    "pooled by a softmax": lambda y: (soft(y[:, :1], axis=0) * y).sum(0),
    "a state beside a softmax": lambda y: lax.scan(
        lambda s, row: (s + row, soft(row)), jnp.zeros(3), y
    )[0],
    "a mean": lambda y: lax.map(lambda row: row * 2, y).mean(0),
    "after a softmax": lambda y: soft(y).mean(0) @ P["out"][:3],
}


@pytest.mark.parametrize("end", LOGITS)
def test_logits_are_not_refused(end, x64):
    model = Partial(lambda p, x: LOGITS[end](x @ p["a"] @ p["out"]), P)
    assert np.any(propagate(PRESETS["epsilon_plus"](), model, X, 1).relevance)


def test_the_other_transformations_are_told_of_probabilities_too(x64):
    model = Partial(lambda p, x: soft(x @ p["a"] @ p["out"]).mean(0), P)
    with pytest.raises(SoftmaxOutput):
        deep_lift()(model, X, 1, key=jax.random.key(0))
