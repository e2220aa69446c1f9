"""Deletion scores of methods by each operator, and how alike the operators rank the methods."""

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import Static
from audioxai_jax.metrics.curve_scores import area
from audioxai_jax.perturbation.curves import perturbation_curve
from audioxai_jax.perturbation.rank import ORDERS
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.statistics.rank_agreement import tau_interval
from audioxai_jax.truth import Trial
from audioxai_jax.truth.answers import merged_shape
from experiments.truth.methods import feature_shape, players

FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
"""Of the units, deleted."""
UNITS = ("feature", "segment")
SCORES = ("morf", "lerf", "difference")
"""Minus the area as the most relevant goes first, the area as the least does, and their sum."""
Rows = list[dict[str, Any]]


def units_of(trial: Trial, unit: str) -> np.ndarray:
    """Labels of features that are deleted as one, which broadcast to the features."""
    if unit == "segment":
        return players(trial)
    shape, merged = feature_shape(trial), merged_shape(trial)
    labels = np.arange(np.prod(merged)).reshape(merged)
    return labels.reshape(merged + (1,) * (len(shape) - len(merged)))


def deletion_scores(
    trial: Trial, relevance: np.ndarray, values: Mapping[str, np.ndarray], unit: str
) -> dict[str, np.ndarray]:
    """Scores of one method, `[N, operators, 3]` in the order of SCORES; higher is better.

    Asked is the probability of the target.

    Args:
      trial: the trial that was explained.
      relevance: merged relevance, `[N, ..]`.
      values: values by operator, `[N, ..]` each.
      unit: one of UNITS.
    """
    labels = units_of(trial, unit)
    static = Static((labels.tobytes(), str(labels.dtype), labels.shape))
    bases = np.stack(list(values.values()), axis=1)
    examples = (trial.examples, jnp.asarray(trial.targets, jnp.int32), relevance, bases)
    areas = map_examples(_areas, (trial.view, static), examples, key=jax.random.key(0), chunk=2)
    morf, lerf = -areas[:, :, 0], areas[:, :, 1]
    return np.stack([morf, lerf, morf + lerf], axis=-1)


def _areas(shared: Any, example: Any, key: Array) -> Array:
    """Areas under deletion curves, `[operators, orders]`."""
    del key
    (view, static), (opened, target, relevance, bases) = shared, example
    data, dtype, shape = static.value
    units = np.frombuffer(data, dtype).reshape(shape)
    model, features = view(opened)
    spread = jnp.reshape(relevance, relevance.shape + (1,) * (features.ndim - relevance.ndim))
    ranked = jnp.broadcast_to(spread, features.shape)

    def curve(base: Array, order: str) -> Array:
        how: dict[str, Any] = {"fractions": list(FRACTIONS), "units": units, "base": base}
        return area(
            perturbation_curve(model, features, ranked, target, order=order, **how), FRACTIONS
        )

    by_order = [jax.vmap(functools.partial(curve, order=order))(bases) for order in ORDERS]
    return jnp.stack(by_order, axis=1)


def method_rows(table: Mapping[str, np.ndarray], operators: list[str], seed: int) -> Rows:
    """The mean of each score of each method by each operator, with its interval over clips."""
    rows = []
    for method, scores in table.items():
        ends = mean_with_intervals(scores, jax.random.key(seed))
        for (i, operator), (j, score) in itertools.product(enumerate(operators), enumerate(SCORES)):
            at = {name: float(np.asarray(end)[i, j]) for name, end in ends.items()}
            rows.append({"method": method, "operator": operator, "score": score, **at})
    return rows


def agreement_rows(
    table: Mapping[str, np.ndarray],
    operators: list[str],
    truths: Mapping[str, np.ndarray],
    seed: int,
) -> Rows:
    """Kendall's tau between operators, and of each with scores of the truth.

    Args:
      table: scores of each method, `[N, operators, 3]`; controls left out.
      operators: names of the operators.
      truths: scores of the methods by the truth, `[N, methods]` each; clips of NaN are left out.
      seed: decides the bootstrap.
    """
    cube = np.stack(list(table.values()), axis=-1)
    key, rows = jax.random.key(seed), []
    for number, score in enumerate(SCORES):
        by = {name: cube[:, i, number] for i, name in enumerate(operators)}
        for a, b in itertools.combinations(operators, 2):
            rows.append({"score": score, "a": a, "b": b, **tau(by[a], by[b], key)})
        for a, (name, truth) in itertools.product(operators, truths.items()):
            known = np.isfinite(truth).all(axis=1)
            ends = tau(by[a][known], truth[known], key)
            rows.append({"score": score, "a": a, "b": f"truth: {name}", **ends})
    return rows


def tau(a: np.ndarray, b: np.ndarray, key: Array) -> dict[str, float]:
    return {name: float(value) for name, value in tau_interval(a, b, key).items()}
