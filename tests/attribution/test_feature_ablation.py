"""Feature ablation against a closed form."""

import numpy as np

from audioxai_jax.attribution.feature_ablation import feature_ablation
from tests.helpers.games import QUADRATIC, close, explain, normal, quadratic


def test_ablation_of_a_quadratic(x64):
    """x'Qx without group g: the terms that touch g are gone."""
    x, numbers = normal(6), np.array([0, 0, 1, 2, 2, 2])
    found = explain(feature_ablation(segments=numbers), quadratic, x)
    terms = x[:, None] * QUADRATIC[:6, :6] * x
    touched = [np.sum(terms[(numbers[:, None] == g) | (numbers[None] == g)]) for g in range(3)]
    close(found.relevance, np.array(touched)[numbers])
