"""Flax modules as models: the same numbers, dropout off, batch statistics left alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx

from audioxai_jax import as_model, integrated_gradients
from audioxai_jax.nets.adapters import from_linen, from_nnx

X = jax.random.normal(jax.random.key(1), (6, 5))


class Linen(nn.Module):
    train: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.BatchNorm(use_running_average=not self.train)(nn.Dense(4)(x))
        return nn.Dropout(0.5, deterministic=not self.train)(nn.relu(x)).mean(0)


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.dense = nnx.Linear(5, 4, rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(nnx.relu(self.norm(self.dense(x)))).mean(0)


def linen(seed):
    return Linen(), Linen().init(jax.random.key(seed), X)


def modules(seed):
    """(model, the same called directly) of both kinds."""
    module, variables = linen(seed)
    other = Nnx(nnx.Rngs(seed))
    other.eval()
    return {
        "linen": (from_linen(module, variables), lambda x: module.apply(variables, x)),
        "nnx": (from_nnx(other), other),
    }


@pytest.fixture(params=["linen", "nnx"])
def kind(request):
    return request.param


def test_a_model_computes_what_its_module_does(kind):
    model, direct = modules(0)[kind]
    assert as_model(model) is model
    for _ in range(2):  # batch statistics do not move
        np.testing.assert_allclose(jax.jit(lambda m, x: m(x))(model, X), direct(X), atol=1e-6)


def test_fresh_modules_have_one_structure(kind):
    structures = [jax.tree.structure(modules(seed)[kind][0]) for seed in (0, 1)]
    assert structures[0] == structures[1]


def test_models_can_be_explained_under_vmap_and_jit(kind):
    model, direct = modules(0)[kind]
    method = integrated_gradients(steps=3)
    one = lambda model, x: method(model, x, 1, key=jax.random.key(0)).relevance
    found = jax.jit(jax.vmap(one, (None, 0)))(model, jnp.stack([X, 2 * X]))
    wanted = [method(direct, x, 1, key=jax.random.key(0)).relevance for x in (X, 2 * X)]
    np.testing.assert_allclose(found, jnp.stack(wanted), atol=1e-5)


def test_a_snapshot_is_taken_of_nnx_modules():
    module = nnx.Linear(5, 4, rngs=nnx.Rngs(0))
    model = from_nnx(module)
    before = model(X)
    module.kernel[...] = 2 * module.kernel[...]
    assert np.array_equal(model(X), before) and not np.allclose(module(X), before)
