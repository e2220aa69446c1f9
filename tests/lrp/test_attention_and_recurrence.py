"""Whole networks against NumPy replicas: transformers by AttnLRP, recurrent nets by their gates.

A replica computes a network step by step; each step also hands back how relevance goes through
it, written again from R. Achtibat et al., "AttnLRP", arXiv 2402.05602, and L. Arras et al.,
"Explaining Recurrent Neural Network Predictions in Sentiment Analysis", arXiv 1706.07206.
Double precision, 1e-9 of the largest relevance.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.lrp import composite, kind, propagate, rules
from audioxai_jax.lrp.composites import attn_lrp, epsilon_plus
from audioxai_jax.nets import gru, transformer
from tests.small_models import random_params

FRAMES, CHANNELS, CLASSES = 5, 3, 3
SMALL = transformer.TransformerConfig(
    frames=FRAMES, channels=CHANNELS, classes=CLASSES, width=8, layers=2, heads=2, feedforward=6
)
OPTIONS = {
    "pre_norm": {"norm_first": True, "reach": 1},
    "post_norm": {"norm_first": False, "reach": 0},
}
DENSE = (kind("conv", "dense"), rules.epsilon())
LINEAR_NORM = composite([DENSE, (kind("normalise"), rules.epsilon())])
CONSTANT_WEIGHTS = composite([DENSE, (kind("softmax"), rules.constant())])


@jax.jit
def explain(made, model, x):
    """What `propagate` finds for each class."""
    return jax.vmap(lambda target: propagate(made, model, x, target))(jnp.arange(CLASSES))


def network(net, config, dtype, change=lambda leaf: leaf):
    """A model with values of about 1, its parameters, and an input."""
    params = random_params(lambda: net.init(config, jax.random.key(0)))
    params = change(jax.tree.map(lambda leaf: np.asarray(5 * leaf, dtype), params))
    x = np.random.default_rng(1).normal(size=(FRAMES, CHANNELS)).astype(dtype)
    return net.model(config, params), params, x


def check(found, replica, x):
    """Logits, relevance for every class, and that nothing is missing from the ledger."""
    logits, back = replica(x)
    np.testing.assert_allclose(found.logits[0], logits, rtol=1e-12, atol=1e-12)
    for target, relevance in enumerate(found.relevance):
        expected = back(logits * (np.arange(CLASSES) == target))
        assert np.max(np.abs(expected)) > 1e-3
        assert np.max(np.abs(relevance - expected)) < 1e-9 * np.max(np.abs(expected))
    check_conservation(found, 1e-10)


def check_conservation(found, tolerance):
    """logit = relevance of the input + what biases and stabilisers took."""
    ledger = found.ledger
    columns = ledger.received, ledger.passed_on, ledger.bias, ledger.stabiliser
    size = sum(np.sum(np.abs(column), axis=1) for column in columns)
    explained = np.sum(found.relevance, axis=(1, 2)) + np.sum(ledger.bias + ledger.stabiliser, 1)
    assert np.all(np.abs(np.diagonal(found.logits) - explained) < tolerance * size)
    assert np.all(np.abs(ledger.missing) < tolerance * size[:, None])


# Steps of replicas: x -> z, and a function from relevance of z to relevance of x.


def stable(z, epsilon=1e-6):
    """z + epsilon sign(z), in units of the root mean square of all of z; sign(0) is 1."""
    return z + np.where(z < 0, -epsilon, epsilon) * np.sqrt(np.mean(z**2))


def ratio(R, z):
    """R / stable(z); nothing is handed on by an operation whose outputs are all zero."""
    return R / stable(z) if np.any(z) else np.zeros_like(z)


def chain(x, *steps):
    backs = []
    for step in steps:
        x, back = step(x)
        backs.append(back)

    def whole(R):
        for back in reversed(backs):
            R = back(R)
        return R

    return x, whole


def dense(p, x):
    """R_i = x_i sum_j w_ij R_j / z_j, z with its bias."""
    w = p["kernel"].reshape(x.shape[-1], -1)
    z = x @ w + p["bias"].ravel()
    return z, lambda R: x * (ratio(R, z) @ w.T)


def shift(b, x):
    return x + b, lambda R: x * ratio(R, x + b)


def mean(x):
    z = np.mean(x, axis=0)
    return z, lambda R: x / len(x) * ratio(R, z)


def added(a, b):
    """By value: to either summand what it contributed."""
    return a + b, lambda R: (a * ratio(R, a + b), b * ratio(R, a + b))


def gelu(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2, lambda R: R


def relu(x):
    return np.maximum(x, 0), lambda R: R


def windows(reach, x):
    """Each frame beside its neighbours."""
    padded = np.pad(x, ((reach, reach), (0, 0)))
    places = np.arange(len(x))[:, None] + np.arange(2 * reach + 1)

    def back(R):
        found = np.zeros_like(padded)
        np.add.at(found, places, R.reshape(*places.shape, -1))
        return found[reach : len(found) - reach]

    return padded[places].reshape(len(x), -1), back


def softmax(x):
    """Proposition 3.1."""
    s = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
    return s, lambda R: x * (R - s * np.sum(R, axis=-1, keepdims=True))


def matmul(a, v):
    """Proposition 3.3; the stabiliser is of the product, before it is doubled."""
    terms = np.einsum("hji,hip->hjip", a, v)
    z = np.sum(terms, axis=2)

    def back(R):
        shares = terms * ratio(R / 2, z)[:, :, None]
        return np.sum(shares, axis=3), np.sum(shares, axis=1)

    return z, back


def norm(p, x, *, linear):
    """Proposition 3.4, the identity; or linear in x - mean, 1 / std a constant, shift a bias."""
    scale = p["scale"] / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-6)
    z = (x - np.mean(x, axis=-1, keepdims=True)) * scale + p["bias"]

    def back(R):
        s = scale * ratio(R, z)
        return x * (s - np.mean(s, axis=-1, keepdims=True))

    return z, back if linear else lambda R: R


def attention(p, heads, x):
    """Queries are divided by the root of their size, biases too."""
    size = x.shape[1] // heads
    split = lambda y: y.reshape(len(y), heads, size).swapaxes(0, 1)
    merge = lambda y: y.swapaxes(0, 1).reshape(len(x), -1)
    queries = {name: leaf / np.sqrt(size) for name, leaf in p["query"].items()}
    (q, of_q), (k, of_k), (v, of_v) = (dense(d, x) for d in (queries, p["key"], p["value"]))
    scores, of_scores = matmul(split(q), split(k).swapaxes(1, 2))
    weights, of_weights = softmax(scores)
    mixed, of_mixed = matmul(weights, split(v))
    z, of_out = dense(p["out"], merge(mixed))

    def back(R):
        R_weights, R_v = of_mixed(split(of_out(R)))
        R_q, R_k = of_scores(of_weights(R_weights))
        return of_q(merge(R_q)) + of_k(merge(R_k.swapaxes(1, 2))) + of_v(merge(R_v))

    return z, back


def residual(branch, normalise, first, x):
    """x + branch(norm(x)), or norm(x + branch(x))."""
    y, of_branch = chain(x, normalise, branch) if first else branch(x)
    z, of_sum = added(x, y)
    z, of_norm = (z, lambda R: R) if first else normalise(z)

    def back(R):
        own, other = of_sum(of_norm(R))
        return own + of_branch(other)

    return z, back


def transformer_replica(config, p, linear, x):
    first, act = config.norm_first, gelu if config.norm_first else relu
    normalise = lambda name: partial(norm, p[name], linear=linear)
    steps = [partial(windows, config.reach), partial(dense, p["embed"])]
    steps += [gelu] * first + [partial(shift, p["positions"])]
    for i in range(config.layers):
        attend = partial(attention, p[f"attention_{i}"], config.heads)
        up, down = (partial(dense, p[f"{name}_{i}"]) for name in ("up", "down"))
        perceptron = lambda y, up=up, down=down: chain(y, up, act, down)
        steps.append(partial(residual, attend, normalise(f"norm_a{i}"), first))
        steps.append(partial(residual, perceptron, normalise(f"norm_b{i}"), first))
    steps += [normalise("norm")] if first else []
    return chain(x, *steps, mean, partial(dense, p["logits"]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_layer(p, x):
    """Gates get nothing, so that relevance reaches the candidate's third of a product alone."""
    rows, of_rows = dense(p["input"], x)
    v, hidden = p["recurrent"], len(p["bias"])
    state, steps = np.zeros(hidden), []
    for row in rows:
        product = state @ v
        r, u = np.split(sigmoid(row + product)[: 2 * hidden], 2)
        inner, of_shift = shift(p["bias"], product[2 * hidden :])
        candidate, of_candidate = added(row[2 * hidden :], r * inner)
        new, of_new = added((1 - u) * np.tanh(candidate), u * state)
        steps.append((state, product, of_shift, of_candidate, of_new))
        state = new

    def back(R):
        found, R_state = np.zeros_like(rows), np.zeros(hidden)
        for t, (state, product, of_shift, of_candidate, of_new) in reversed([*enumerate(steps)]):
            R_candidate, carried = of_new(R[t] + R_state)
            found[t, 2 * hidden :], R_inner = of_candidate(R_candidate)
            R_product = np.concatenate([np.zeros(2 * hidden), of_shift(R_inner)])
            R_state = carried + state * (v @ ratio(R_product, product))
        return of_rows(found)

    after = [new for new, *_ in steps[1:]] + [state]
    return np.stack(after), back


def gru_replica(p, x):
    layers = partial(gru_layer, p["layer_0"]), partial(gru_layer, p["layer_1"])
    ends = partial(dense, p["between"]), relu, partial(dense, p["logits"])
    return chain(x, *layers, mean, *ends)


def lstm(p, x, reverse):
    """The last state of c <- f c + i g, h <- o tanh(c)."""

    def step(carry, row):
        c, h = carry
        i, f, g, o = jnp.split(row @ p["w"] + h @ p["v"] + p["b"], 4)
        i, f, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jax.nn.sigmoid(o)
        c = f * c + i * jnp.tanh(g)
        return (c, o * jnp.tanh(c)), None

    start = jnp.zeros(len(p["v"]), x.dtype)
    return jax.lax.scan(step, (start, start), x, reverse=reverse)[0][1]


def lstm_replica(p, x):
    """Relevance of h is that of c; of c, all of i g is g's, and all of f c is c's."""
    size = len(p["v"])
    c, h, steps = np.zeros(size), np.zeros(size), []
    for row in x:
        sides = row @ p["w"], h @ p["v"]
        both, of_both = added(*sides)
        z, of_shift = shift(p["b"], both)
        i, f, g, o = np.split(z, 4)
        old, (c, of_c) = h, added(sigmoid(f) * c, sigmoid(i) * np.tanh(g))
        h = sigmoid(o) * np.tanh(c)
        steps.append((row, old, sides, of_both, of_shift, of_c))

    def back(R_h):
        R_c, found = np.zeros(size), []
        for row, old, sides, of_both, of_shift, of_c in reversed(steps):
            R_c, R_g = of_c(R_c + R_h)
            R_z = np.concatenate([np.zeros(2 * size), R_g, np.zeros(size)])
            R_row, R_old = of_both(of_shift(R_z))
            found.append(row * (p["w"] @ ratio(R_row, sides[0])))
            R_h = old * (p["v"] @ ratio(R_old, sides[1]))
        return np.stack(found[::-1])

    return h, back


def both_ways(p, x):
    """An LSTM forwards and one backwards."""
    ends = lstm(p["ahead"], x, False), lstm(p["behind"], x, True)
    return jnp.concatenate(ends) @ p["out"]["kernel"] + p["out"]["bias"]


def both_ways_replica(p, x):
    (a, of_a), (b, of_b) = lstm_replica(p["ahead"], x), lstm_replica(p["behind"], x[::-1])
    z, of_out = dense(p["out"], np.concatenate([a, b]))

    def back(R):
        R_a, R_b = np.split(of_out(R), 2)
        return of_a(R_a) + of_b(R_b)[::-1]

    return z, back


@pytest.mark.parametrize("linear", [False, True], ids=["attn_lrp", "linear_norm"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_transformer(options, linear, x64):
    config = transformer.TransformerConfig(**{**vars(SMALL), **options})
    model, params, x = network(transformer, config, float)
    found = explain(LINEAR_NORM if linear else attn_lrp(), model, x)
    check(found, partial(transformer_replica, config, params, linear), x)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_conservation_in_single_precision(options):
    config = transformer.TransformerConfig(**{**vars(SMALL), **options})
    model, _, x = network(transformer, config, np.float32)
    check_conservation(explain(attn_lrp(), model, x), 1e-4)


def test_gru(x64):
    config = gru.GruConfig(FRAMES, CHANNELS, CLASSES, hidden=4, layers=2, between=6)
    model, params, x = network(gru, config, float)
    check(explain(epsilon_plus(), model, x), partial(gru_replica, params), x)


def test_lstm(x64):
    draw = np.random.default_rng(2).normal
    sizes = {"w": (CHANNELS, 16), "v": (4, 16), "b": (16,)}
    params = {way: {name: draw(size=size) for name, size in sizes.items()}
              for way in ("ahead", "behind")}  # fmt: skip
    params["out"] = {"kernel": draw(size=(8, CLASSES)), "bias": draw(size=CLASSES)}
    x = draw(size=(FRAMES, CHANNELS))
    found = explain(epsilon_plus(), Partial(both_ways, params), x)
    check(found, partial(both_ways_replica, params), x)
