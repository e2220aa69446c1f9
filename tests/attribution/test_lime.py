"""LIME against NumPy, and what regressions refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.attribution.kernel_shap import kernel_shap
from audioxai_jax.attribution.lime import lime
from tests.helpers.games import EACH, close, explain, linear, network, normal


@pytest.mark.parametrize("width, ridge", [(0.25, 1.0), (0.6, 0.0)])
def test_lime_equals_weighted_least_squares_of_numpy(width, ridge, x64):
    x, numbers, samples = normal(6), np.array([0, 1, 2, 3, 4, 4]), 50
    method = lime(samples=samples, segments=numbers, width=width, ridge=ridge, baseline=0.5)
    found = explain(method, network, x, seed=5)
    keys = [jax.random.fold_in(jax.random.key(5), number) for number in range(samples)]
    z = np.array([jax.random.bernoulli(key, jnp.float32(0.5), (5,)) for key in keys])
    logits = np.asarray(jax.jit(jax.vmap(network))(np.where(z[:, numbers], x, 0.5)))[:, 0]
    norms = np.maximum(np.linalg.norm(z, axis=1), 1e-300)
    weight = np.exp(-((1 - z.sum(1) / norms / np.sqrt(5)) ** 2) / width**2)
    root = np.sqrt(weight)[:, None]
    rows = np.concatenate([root * z, root], axis=1)
    penalty = np.sqrt(ridge) * np.eye(5, 6)
    stacked = np.concatenate([rows, penalty]), np.append(root[:, 0] * logits, np.zeros(5))
    wanted = np.linalg.lstsq(*stacked, rcond=None)[0][:-1]
    close(found.relevance, wanted[numbers], 1e-9)


def test_regressions_refuse_too_few_samples():
    x, key = jnp.ones(6), jax.random.key(0)
    with pytest.raises(ValueError, match="kernel_shap: 5 samples cannot tell 6 groups apart"):
        kernel_shap(samples=5, segments=EACH)(linear, x, 0, key=key)
    with pytest.raises(ValueError, match="lime: 6 samples cannot tell"):
        lime(samples=6, segments=EACH)(linear, x, 0, key=key)
    with pytest.raises(ValueError, match="lime: width must be positive, got 0"):
        lime(width=0)
    with pytest.raises(ValueError, match="lime: ridge must not be negative, got -1"):
        lime(ridge=-1)
