"""Muon treats each matrix of the transformer as a matrix, and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.training.optimisers import adamw, matrices, muon


def flat(tree):
    is_leaf = lambda leaf: isinstance(leaf, contrib.MuonDimensionNumbers) or leaf is None
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_leaf)
    return {"/".join(entry.key for entry in path): leaf for path, leaf in leaves}


def test_matrices_of_the_transformer():
    config = transformer.TransformerConfig(layers=1)
    params = jax.eval_shape(lambda key: transformer.init(config, key), jax.random.key(0))
    found = flat(matrices(params))
    hidden = {name for name, axes in found.items() if axes is not None}
    assert hidden == {
        "embed/kernel",
        "up_0/kernel",
        "down_0/kernel",
        "attention_0/query/kernel",
        "attention_0/key/kernel",
        "attention_0/value/kernel",
        "attention_0/out/kernel",
    }
    shapes = flat(params)
    for name in hidden:  # in and out cover every axis, and only `out` has its heads going in
        axes = found[name]
        going_in = np.atleast_1d(axes.reduction_axis).tolist()
        going_out = np.atleast_1d(axes.output_axis).tolist()
        assert sorted(going_in + going_out) == list(range(shapes[name].ndim))
        assert len(going_in) == (2 if name.endswith("out/kernel") else 1)


def test_first_step_of_muon_is_nearly_orthogonal():
    """With weight decay 0 every singular value of a matrix' step is about the same, whatever
    the gradient's are (Newton-Schulz with Muon's coefficients ends between 0.7 and 1.2)."""
    params = {"hidden": {"kernel": jnp.zeros((16, 32)), "bias": jnp.zeros(32)}}
    gradient = jax.tree.map(lambda p: jax.random.normal(jax.random.key(0), p.shape), params)
    gradient["hidden"]["kernel"] *= jnp.linspace(0.1, 3, 16)[:, None]
    optimiser = muon(100, 0.02, 0.0)
    update, _ = optimiser.update(gradient, optimiser.init(params), params)
    sizes = jnp.linalg.svd(update["hidden"]["kernel"], compute_uv=False)
    assert sizes.max() / sizes.min() < 2
    assert jnp.linalg.cond(gradient["hidden"]["kernel"]) > 20


@pytest.mark.parametrize("make", [adamw, muon])
def test_goes_downhill_and_ends_at_rest(make):
    optimiser = make(200, 3e-2, 0.0)
    wanted = jax.random.normal(jax.random.key(1), (8, 8))
    loss = lambda p: jnp.mean((p["hidden"]["kernel"] - wanted) ** 2)
    params = {"hidden": {"kernel": jnp.zeros((8, 8))}}

    def step(carry, _):
        params, state = carry
        update, state = optimiser.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, update), state), optax.tree.norm(update)

    (last, _), sizes = jax.lax.scan(step, (params, optimiser.init(params)), length=200)
    assert loss(last) < 0.2 * loss(params)
    assert sizes[-1] < 0.02 * sizes.max()
