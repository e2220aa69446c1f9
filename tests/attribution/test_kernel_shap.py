"""Kernel SHAP: its coalitions, and its regression by a multiplier."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.attribution.kernel_shap import draw_coalition, kernel_shap
from tests.helpers.games import EACH, close, explain, network, normal


def test_coalitions_of_kernel_shap():
    count = 6
    draw = jax.jit(jax.vmap(lambda key: draw_coalition(key, count)))
    found = np.asarray(draw(jax.random.split(jax.random.key(0), 20000)))
    sizes = np.bincount(found.sum(1), minlength=count + 1) / len(found)
    kernel = np.array([1 / (s * (count - s)) for s in range(1, count)])
    np.testing.assert_allclose(sizes[1:-1], kernel / kernel.sum(), atol=0.02)
    assert sizes[0] == sizes[-1] == 0
    np.testing.assert_allclose(found.mean(0), 0.5, atol=0.02)


def test_kernel_shap_by_lagrange(x64):
    """The same draws; the constraint by a multiplier, in NumPy."""
    x, count, samples = normal(6), 6, 50
    found = explain(kernel_shap(samples=samples, segments=EACH, baseline=0.5), network, x, seed=5)
    keys = [jax.random.fold_in(jax.random.key(5), number) for number in range(samples)]
    z = np.array([draw_coalition(key, count) for key in keys], float)
    logits = np.asarray(jax.jit(jax.vmap(network))(0.5 + z * (x - 0.5)))[:, 0]
    ends = np.asarray(jax.vmap(network)(jnp.stack([jnp.full(6, 0.5), jnp.asarray(x)])))[:, 0]
    system = np.block([[2 * z.T @ z, np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
    right = np.append(2 * z.T @ (logits - ends[0]), ends[1] - ends[0])
    close(found.relevance, np.linalg.solve(system, right)[:-1], 1e-9)
    assert found.info["completeness_gap"] < 1e-12
