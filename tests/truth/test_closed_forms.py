"""Closed forms: exact values against all coalitions, and methods against exact values, to 1e-12."""

import itertools
import math

import numpy as np
import pytest

from audioxai_jax import (
    deep_lift,
    feature_ablation,
    input_x_gradient,
    integrated_gradients,
    kernel_shap,
    lrp,
    shapley_sampling,
    shapley_values,
)
from audioxai_jax.propagation import composites
from audioxai_jax.truth import additive, interaction
from audioxai_jax.truth.closed import CLASSES, EXACT, PLAYERS, Drawn, closed_trial, outputs
from audioxai_jax.truth.score import explained, scores

KINDS = ("additive", *interaction.KINDS)
LEVELS = np.random.default_rng(5).uniform(0, 4, size=(5, PLAYERS))
TARGETS = np.arange(5) % CLASSES
LEVELS[0, 0] = 0
LEVELS[1, 3:6] = LEVELS[1, 6]


def closed(kind, seed=2):
    return additive.closed(seed) if kind == "additive" else interaction.closed(seed, kind)


def trial(kind):
    return closed_trial(closed(kind), Drawn(LEVELS, TARGETS))


def worth(kind, params, x, label):
    """The output, written once more in plain numbers."""
    if kind == "additive":
        weights, bias = params["weights"][label], params["bias"][label]
        return sum(float(w) * float(v) for w, v in zip(weights, x, strict=True)) + float(bias)
    groups = [[int(i) for i in group if i < PLAYERS] for group in params["groups"][label]]
    if kind == "max":
        return sum(max(x[i] for i in group) for group in groups)
    if kind == "product":
        return sum(math.prod(x[i] / 3 for i in group) for group in groups)
    ((i, j),) = groups
    a, b = x[i] / 3, x[j] / 3
    return a * (1 - b) + b * (1 - a)


def by_coalitions(kind, params, x, label):
    """Shapley values: the definition, over all 1024 coalitions of ten players."""
    table = {}
    for present in itertools.product([False, True], repeat=PLAYERS):
        table[present] = worth(kind, params, np.where(present, x, 0.0), label)
    values = np.zeros(PLAYERS)
    weight = [
        math.factorial(n) * math.factorial(PLAYERS - n - 1) / math.factorial(PLAYERS)
        for n in range(PLAYERS)
    ]
    for present, value in table.items():
        for i in itertools.compress(range(PLAYERS), (not p for p in present)):
            joined = table[(*present[:i], True, *present[i + 1 :])]
            values[i] += weight[sum(present)] * (joined - value)
    return values


@pytest.mark.parametrize("kind", KINDS)
def test_exact_values_are_those_of_all_coalitions(kind):
    made = closed(kind)
    for x, label in list(zip(LEVELS, TARGETS, strict=True))[:2]:
        wanted = by_coalitions(kind, made.model.args[0], x, label)
        values = made.values(x, label)
        assert np.abs(values - wanted).max() <= EXACT * np.abs(wanted).max()
        assert (values[~made.read[label]] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_interventions_hold_and_a_wrong_closed_form_fails_them(kind):
    made = closed(kind)
    assert trial(kind).proven
    wrong = lambda x, target: made.values(x, target) * (1 + 1e-9)
    lying = type(made)(made.model, wrong, made.falls, made.read)
    assert not closed_trial(lying, Drawn(LEVELS, TARGETS)).proven
    lying = type(made)(made.model, made.values, wrong, made.read)
    assert not closed_trial(lying, Drawn(LEVELS, TARGETS)).proven


EACH = {"segments": np.arange(PLAYERS)}
PATH, SHAPLEY = integrated_gradients(steps=4), shapley_values(**EACH, chunk=512)
PROMISED = {
    "additive": {
        "integrated_gradients": PATH,
        "shapley_values": SHAPLEY,
        "input_x_gradient": input_x_gradient(),
        "deep_lift": deep_lift(),
        "lrp, epsilon 0": lrp(composites.attn_lrp(0.0)),
        "feature_ablation": feature_ablation(**EACH),
        "shapley_sampling": shapley_sampling(**EACH, permutations=2),
        "kernel_shap": kernel_shap(**EACH, samples=64),
    },
    "product": {"integrated_gradients": PATH, "shapley_values": SHAPLEY},
    "max": {"shapley_values": SHAPLEY},
    "xor": {
        "integrated_gradients": PATH,
        "shapley_values": SHAPLEY,
        "deep_lift": deep_lift(),
        "lrp, epsilon 0": lrp(composites.attn_lrp(0.0)),
    },
}
"""Methods whose relevance is the Shapley value of each kind."""


def promises():
    slow = ("kernel_shap", "shapley_sampling")
    for kind, methods in PROMISED.items():
        for name in methods:
            yield pytest.param(kind, name, marks=[pytest.mark.full_size] * (name in slow))


@pytest.mark.parametrize("kind, name", list(promises()))
def test_methods_that_promise_it_are_exact(kind, name, x64, key):
    asked = trial(kind)
    relevance, _ = explained(asked, PROMISED[kind][name], key=key, chunk=5)
    told = scores(asked, relevance)
    assert relevance.dtype == np.float64 and told["error"].max() <= EXACT
    regions = relevance[~closed(kind).read[TARGETS]]
    sampled = ("shapley_values", "kernel_shap")
    assert np.abs(regions).max() <= (EXACT if name in sampled else 0)


def test_integrated_gradients_give_a_maximum_to_the_largest_alone(x64, key):
    relevance, _ = explained(trial("max"), PATH, key=key, chunk=5)
    groups, row = closed("max").model.args[0]["groups"], 2
    wanted = np.zeros(PLAYERS)
    for group in groups[TARGETS[row]]:
        largest = group[np.argmax(LEVELS[row][group])]
        wanted[largest] = LEVELS[row][largest]
    np.testing.assert_allclose(relevance[row], wanted, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_what_they_say(kind):
    made = closed(kind)
    wanted = [
        [worth(kind, made.model.args[0], x, label) for label in range(CLASSES)] for x in LEVELS
    ]
    np.testing.assert_allclose(outputs(made, LEVELS), wanted, rtol=1e-12, atol=1e-12)
