"""Whole networks against NumPy replicas: transformers by AttnLRP, recurrent nets by their gates.

A replica computes a network step by step; each step also hands back how relevance goes through
it, written again from R. Achtibat et al., "AttnLRP", arXiv 2402.05602, and L. Arras et al.,
"Explaining Recurrent Neural Network Predictions in Sentiment Analysis", arXiv 1706.07206.
Double precision, 1e-9 of the largest relevance.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.nets.classifiers import gru, transformer
from audioxai_jax.propagation import composite, kind, propagate, rules
from audioxai_jax.propagation.composites import attn_lrp, epsilon_plus, latent_transformer
from tests.helpers.rows import rows
from tests.helpers.small_models import random_params

SIZES = {"frames": 5, "channels": 3, "classes": 3}
SMALL = partial(transformer.TransformerConfig, **SIZES, width=8, layers=2, heads=2, feedforward=6)
CONFIGS = {"pre_norm": SMALL(reach=1), "post_norm": SMALL(reach=0, layers=1, norm_first=False)}
DENSE = (kind("conv", "dense"), rules.epsilon())
CONSTANT_WEIGHTS = composite([DENSE, (kind("attention"), rules.values())])
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


@jax.jit
def explain(made, model, x):
    """What `propagate` finds for each class."""
    return jax.vmap(lambda target: propagate(made, model, x, target))(jnp.arange(3))


def network(net, config, dtype):
    """A model with values of about 1, its parameters, and an input."""
    params = random_params(lambda: net.init(config, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: np.asarray(5 * leaf, dtype), params)
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(dtype)
    return net.model(config, params), params, x


def check(found, replica, x):
    logits, back = replica(x)
    np.testing.assert_allclose(found.logits[0], logits, rtol=1e-12, atol=1e-12)
    for relevance, start in zip(found.relevance, np.diag(logits), strict=True):
        expected = back(start)
        assert np.max(np.abs(relevance - expected)) < 1e-9 * np.max(np.abs(expected))
    check_conservation(found, 1e-10)


def check_conservation(found, tolerance):
    """The logit is the relevance of the input and what biases and stabilisers took."""
    ledger = found.ledger
    size = sum(np.sum(np.abs(column), axis=1) for column in jax.tree.leaves(ledger))
    absorbed = np.sum(ledger.bias + ledger.stabiliser, axis=1)
    error = np.diagonal(found.logits) - np.sum(found.relevance, axis=(1, 2)) - absorbed
    assert np.all(np.abs(error) < tolerance * size)
    assert np.all(np.abs(ledger.missing) < tolerance * size[:, None])


def ratio(R, z, epsilon=1e-6):
    """R / (z + epsilon sign(z)), epsilon in units of the root mean square; 0 if all of z is 0."""
    stable = z + np.where(z < 0, -epsilon, epsilon) * np.sqrt(np.mean(z**2))
    return R / stable if np.any(z) else np.zeros_like(z)


# Steps of replicas: of x, they return z and a function from relevance of z to relevance of x.


def chain(x, *steps):
    backs = []
    for step in steps:
        x, back = step(x)
        backs.append(back)
    return x, lambda R: reduce(lambda R, back: back(R), reversed(backs), R)


def product(w, b, x):
    """R_i = x_i sum_j w_ij R_j / z_j, z with its bias."""
    z = x @ w + b
    return z, lambda R: x * (ratio(R, z) @ w.T)


def dense(p, x, more=0.0):
    """With a flax layer's weights."""
    return product(p["kernel"].reshape(x.shape[-1], -1), p["bias"].ravel() + more, x)


sigmoid = lambda x: 1 / (1 + np.exp(-x))
tanh_gelu = lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
gelu = lambda x: (tanh_gelu(x), lambda R: R)
relu = lambda x: (np.maximum(x, 0), lambda R: R)
shift = lambda b, x: (x + b, lambda R: x * ratio(R, x + b))
mean = lambda x: (np.mean(x, axis=0), lambda R: x / len(x) * ratio(R, np.mean(x, axis=0)))
added = lambda a, b: (a + b, lambda R: (a * ratio(R, a + b), b * ratio(R, a + b)))


def windows(reach, x):
    """Each frame beside its neighbours, zeros beyond the ends."""
    t, offsets = np.arange(len(x)), np.arange(-reach, reach + 1)
    copies = (t[:, None, None] + offsets[:, None] == t) * 1.0
    z = np.einsum("tis,sc->tic", copies, x)
    return z.reshape(len(x), -1), lambda R: np.einsum("tis,tic->sc", copies, R.reshape(z.shape))


def softmax(x):
    """Proposition 3.1."""
    s = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
    return s, lambda R: x * (R - s * np.sum(R, axis=-1, keepdims=True))


def matmul(a, v):
    """Proposition 3.3, the stabiliser that of one product, not of two."""
    terms = np.einsum("hji,hip->hjip", a, v)
    z = np.sum(terms, axis=2)
    shares = lambda R: terms * ratio(R / 2, z)[:, :, None]
    return z, lambda R: (np.sum(shares(R), axis=3), np.sum(shares(R), axis=1))


def norm(p, linear, x):
    """Proposition 3.4, the identity; or linear in x, 1 / std a constant, the shift a bias."""
    scale = p["scale"] / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-6)
    centred = lambda y: y - np.mean(y, axis=-1, keepdims=True)
    z = centred(x) * scale + p["bias"]
    return z, lambda R: x * centred(scale * ratio(R, z)) if linear else R


def attention(p, heads, x):
    """Queries, their bias included, are divided by the root of their size."""
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


def residual(branch, x):
    y, of_branch = chain(x, *branch)
    z, of_sum = added(x, y)
    join = lambda own, other: own + of_branch(other)
    return z, lambda R: join(*of_sum(R))


def transformer_replica(config, p, linear, x):
    """Where nothing is between the embedding and the positions, they are part of its bias."""
    first, act = config.norm_first, gelu if config.norm_first else relu
    steps = [partial(dense, p["embed"], more=0.0 if first else p["positions"])]
    steps += [gelu, partial(shift, p["positions"])] if first else []
    for i in range(config.layers):
        up, down = (partial(dense, p[f"{name}_{i}"]) for name in ("up", "down"))
        attend = partial(attention, p[f"attention_{i}"], config.heads)
        for name, branch in (("a", [attend]), ("b", [up, act, down])):
            normalise = partial(norm, p[f"norm_{name}{i}"], linear)
            steps.append(partial(residual, [normalise, *branch] if first else branch))
            steps += [] if first else [normalise]
    steps += [partial(norm, p["norm"], linear)] if first else []
    return chain(x, partial(windows, config.reach), *steps, mean, partial(dense, p["logits"]))


@pytest.mark.full_size
@each_config
@pytest.mark.parametrize("preset", [attn_lrp, latent_transformer])
def test_a_transformer_equals_its_replica(config, preset, x64):
    model, params, x = network(transformer, config, float)
    linear = preset is latent_transformer
    check(explain(preset(), model, x), partial(transformer_replica, config, params, linear), x)


def test_without_biases_constant_attention_weights_conserve(x64):
    """All of the logit reaches the input, by the values, but for what stabilisers take."""
    config = CONFIGS["post_norm"]
    _, params, x = network(transformer, config, float)
    bare = lambda path, leaf: 0 * leaf if path[-1].key in ("bias", "positions") else leaf
    model = transformer.model(config, jax.tree_util.tree_map_with_path(bare, params))
    found = explain(CONSTANT_WEIGHTS, model, x)
    check_conservation(found, 1e-10)
    assert not np.any(found.ledger.bias)
    totals = np.sum(found.relevance, axis=(1, 2))
    np.testing.assert_allclose(totals, np.diagonal(found.logits), rtol=1e-4)


@pytest.mark.parametrize("name", rows(CONFIGS, full_size=("post_norm",)))
def test_conservation_in_single_precision(name):
    config = CONFIGS[name]
    model, _, x = network(transformer, config, np.float32)
    check_conservation(explain(attn_lrp(), model, x), 1e-4)


def walk(step, start, rows):
    """All states of a recurrent net; back through time, each also has relevance from the next."""
    state, states, backs = start, [], []
    for row in rows:
        state, back = step(state, row)
        states.append(state)
        backs.append(back)

    def whole(R):
        carried, found = np.zeros_like(start), []
        for given, back in zip(R[::-1], backs[::-1], strict=True):
            carried, R_row = back(given + carried)
            found.append(R_row)
        return np.stack(found[::-1])

    return np.stack(states), whole


def gru_step(p, state, row):
    """Gates get nothing; of the recurrent product, only the candidate's third has relevance."""
    size = len(state)
    moved, of_moved = product(p["recurrent"], 0.0, state)
    r, u = np.split(sigmoid(row + moved)[: 2 * size], 2)
    inner, of_inner = shift(p["bias"], moved[2 * size :])
    candidate, of_candidate = added(row[2 * size :], r * inner)
    new, of_new = added((1 - u) * np.tanh(candidate), u * state)
    third = lambda R: np.concatenate([np.zeros(2 * size), R])

    def back(R):
        R_candidate, R_kept = of_new(R)
        R_row, R_inner = of_candidate(R_candidate)
        return R_kept + of_moved(third(of_inner(R_inner))), third(R_row)

    return new, back


def gru_replica(p, x):
    steps = []
    for layer in (p["layer_0"], p["layer_1"]):
        loop = partial(walk, partial(gru_step, layer), np.zeros(len(layer["bias"])))
        steps += [partial(dense, layer["input"]), loop]
    return chain(x, *steps, mean, partial(dense, p["between"]), relu, partial(dense, p["logits"]))


def test_a_gru_equals_its_replica(x64):
    config = gru.GruConfig(**SIZES, hidden=4, layers=2, between=6)
    model, params, x = network(gru, config, float)
    check(explain(epsilon_plus(), model, x), partial(gru_replica, params), x)


def lstm(p, x):
    """c <- f c + i tanh(g), h <- o tanh(c), from the last row to the first; its h is read."""

    def step(carry, row):
        c, h = carry
        z = row @ p["w"] + h @ p["v"] + p["b"]
        i, f, o = jnp.split(jax.nn.sigmoid(z[:12]), 3)
        c = f * c + i * jnp.tanh(z[12:])
        return (c, o * jnp.tanh(c)), None

    (_, h), _ = jax.lax.scan(step, (jnp.zeros(4), jnp.zeros(4)), x, reverse=True)
    return h @ p["kernel"] + p["bias"]


def lstm_step(p, state, row):
    """Relevance of h is that of c; all of i tanh(g) is g's, and all of f c is c's."""
    c, h = state
    (a, of_row), (b, of_h) = product(p["w"], 0.0, row), product(p["v"], 0.0, h)
    both, of_both = added(a, b)
    z, of_z = shift(p["b"], both)
    i, f, o = np.split(sigmoid(z[:12]), 3)
    c, of_c = added(f * c, i * np.tanh(z[12:]))

    def back(R):
        R_c, R_g = of_c(R[0] + R[1])
        R_a, R_b = of_both(of_z(np.concatenate([np.zeros(12), R_g])))
        return np.stack([R_c, of_h(R_b)]), of_row(R_a)

    return np.stack([c, o * np.tanh(c)]), back


def lstm_replica(p, x):
    turn = lambda x: (x[::-1], lambda R: R[::-1])
    loop = partial(walk, partial(lstm_step, p), np.zeros((2, 4)))
    last = lambda s: (s[-1, 1], lambda R: np.pad(R[None, None], ((len(s) - 1, 0), (1, 0), (0, 0))))
    return chain(x, turn, loop, last, partial(dense, p))


def test_an_lstm_equals_its_replica(x64):
    draw = np.random.default_rng(2).normal
    sizes = {"w": (3, 16), "v": (4, 16), "b": 16, "kernel": (4, 3), "bias": 3}
    params, x = {name: draw(size=size) for name, size in sizes.items()}, draw(size=(5, 3))
    check(explain(epsilon_plus(), Partial(lstm, params), x), partial(lstm_replica, params), x)
