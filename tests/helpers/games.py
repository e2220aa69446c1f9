"""Models and games with known answers, for the methods that perturb their input."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.attribution.segments import blocks
from audioxai_jax.core.records import as_model

EACH = blocks(1)


@jax.jit
def run(method, model, x, target, key):
    return method(model, x, target, key=key)


def explain(method, function, x, target=0, seed=0):
    return run(method, as_model(function), jnp.asarray(x), target, jax.random.key(seed))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def close(found, wanted, tolerance=1e-11):
    assert np.shape(found) == np.shape(wanted)
    assert np.max(np.abs(found - wanted)) <= tolerance * max(1, np.max(np.abs(wanted)))


WEIGHTS = normal(24, seed=9)


def linear(x):
    """Two logits, of inputs of any rank."""
    w = jnp.asarray(WEIGHTS[: x.size], x.dtype).reshape(x.shape)
    return jnp.stack([jnp.sum(w * x) + 3, 1 - 2 * jnp.sum(w * x)])


def product(x):
    return jnp.prod(x, keepdims=True)


def largest(x):
    return jnp.max(x, keepdims=True)


QUADRATIC = normal(24, 24, seed=8)
QUADRATIC = QUADRATIC + QUADRATIC.T


def quadratic(x):
    v = x.ravel()
    return (v @ jnp.asarray(QUADRATIC[: v.size, : v.size], x.dtype) @ v)[None]


def network(x):
    """Neither additive nor symmetric."""
    v = x.ravel()
    inner = jnp.asarray(normal(24, 5, seed=7)[: v.size], x.dtype)
    return jnp.tanh(v @ inner) @ jnp.asarray(normal(5, 3, seed=6), x.dtype)


def values_of_largest(x):
    """Each rise of the sorted values is shared by those that reach it."""
    order = np.argsort(x)
    rises = np.diff(np.concatenate([[0], x[order]])) / np.arange(len(x), 0, -1)
    values = np.zeros(len(x))
    values[order] = np.cumsum(rises)
    return values


def values_by_orders(function, x, base, numbers, count):
    """All orders, one after the other: as the definition says it."""
    coalitions = np.array(list(itertools.product([False, True], repeat=count)))
    mixed = np.where(coalitions[:, numbers], x, base)
    logits = np.asarray(jax.jit(jax.vmap(function))(mixed))[:, 0]
    worth = {tuple(c): v for c, v in zip(coalitions.tolist(), logits, strict=True)}
    values = np.zeros(count)
    for order in itertools.permutations(range(count)):
        present = [False] * count
        for group in order:
            before = worth[tuple(present)]
            present[group] = True
            values[group] += (worth[tuple(present)] - before) / math.factorial(count)
    return values
