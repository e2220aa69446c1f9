"""Sampled orders, one by one, and what they approach."""

import jax
import numpy as np
import pytest

from audioxai_jax.attribution.kernel_shap import kernel_shap
from audioxai_jax.attribution.shapley_sampling import shapley_sampling
from tests.helpers.games import EACH, close, explain, largest, network, normal, values_of_largest


def test_sampled_orders_one_by_one(x64):
    """The same draws, slowly."""
    x, permutations, count = normal(6), 5, 4
    numbers = np.array([0, 1, 2, 2, 3, 0])
    method = shapley_sampling(permutations=permutations, segments=numbers, baseline=0.5, chunk=3)
    found = explain(method, network, x, seed=5)
    logit = jax.jit(lambda x: network(x)[0])
    gains = np.zeros((permutations, count))
    for number in range(permutations):
        order = jax.random.permutation(jax.random.fold_in(jax.random.key(5), number), count)
        now = np.full(6, 0.5)
        for group in np.asarray(order):
            before = logit(now)
            now = np.where(numbers == group, x, now)
            gains[number, group] = logit(now) - before
    close(found.relevance, gains.mean(0)[numbers])
    error = gains.std(0, ddof=1) / np.sqrt(permutations)
    close(found.info["standard_error"], error[numbers])
    assert found.info["completeness_gap"] < 1e-12


@pytest.mark.parametrize(
    "method",
    [shapley_sampling(permutations=2000, segments=EACH), kernel_shap(samples=8000, segments=EACH)],
    ids=["shapley_sampling", "kernel_shap"],
)
def test_sampled_values_approach_the_exact_ones(method, x64):
    x = np.array([0.3, 1.2, 0.1, 0.7, 0.9])
    found = explain(method, largest, x)
    error = found.info["standard_error"]
    assert np.max(error) < 0.01
    assert np.max(np.abs(found.relevance - values_of_largest(x)) / error) < 4
