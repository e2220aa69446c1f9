"""Infidelity and faithfulness: closed forms, slow recomputation in NumPy."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax.tree_util import Partial

from audioxai_jax.metrics.faithfulness import (
    faithfulness_correlation,
    faithfulness_estimate,
    faithfulness_of,
)
from audioxai_jax.metrics.infidelity import infidelity, infidelity_of
from audioxai_jax.perturbation.noise import (
    gaussian_noise,
    perturbed_inputs,
    random_subset,
    uniform_noise,
)

SHAPE, KEY = (4, 3), jax.random.key(3)
RANDOM = np.random.default_rng(0)
WEIGHTS, X, BASE, RELEVANCE = (RANDOM.normal(size=size) for size in ((2, *SHAPE), *[SHAPE] * 3))


def linear(weights, x):
    return jnp.sum(weights * x, axis=(1, 2))


def bent(weights, x):
    return jnp.tanh(jnp.sum(weights * x**2, axis=(1, 2)))


@pytest.fixture
def given(x64):
    return jnp.asarray(WEIGHTS), jnp.asarray(X), jnp.asarray(BASE), jnp.asarray(RELEVANCE)


def slow_infidelity(x, relevance, changed, base=None, best=False):
    f = lambda x: np.tanh(np.sum(WEIGHTS[1] * x**2))
    told, dropped = [], []
    for one in changed:
        move = x - one if base is None else (x - one) / (x - base)
        told.append(np.sum(move * relevance))
        dropped.append(f(x) - f(one))
    scale = np.linalg.lstsq(np.c_[told], np.array(dropped), rcond=None)[0][0] if best else 1
    return np.mean((scale * np.array(told) - dropped) ** 2)


@pytest.mark.parametrize("perturb", [gaussian_noise(0.3), random_subset(0.1, 0.4)])
def test_the_slope_of_a_linear_model_is_faithful(given, perturb):
    weights, x, base, relevance = given
    model = Partial(linear, weights)
    assert infidelity(model, x, weights[1], 1, perturb, key=KEY, samples=9) < 1e-25
    contribution = weights[1] * (x - base)
    settled = dict(key=KEY, samples=9, baseline=base)
    assert infidelity(model, x, contribution, 1, perturb, **settled) < 1e-25
    assert infidelity(model, x, 3 * contribution, 1, perturb, **settled, normalise=True) < 1e-25
    assert infidelity(model, x, relevance, 1, perturb, **settled) > 0.01


def test_the_expectation_of_normal_noise(given):
    """E (I (R - w))^2 = deviation^2 |R - w|^2."""
    weights, x, _, relevance = given
    found = infidelity(
        Partial(linear, weights),
        x,
        relevance,
        0,
        gaussian_noise(0.5),
        key=KEY,
        samples=4000,
        chunk=4000,
    )
    wanted = 0.25 * np.sum((RELEVANCE - WEIGHTS[0]) ** 2)
    assert found == pytest.approx(wanted, rel=5 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("contributions", [False, True])
@pytest.mark.parametrize("best", [False, True])
def test_infidelity_recomputed(given, contributions, best):
    weights, x, base, relevance = given
    base = base if contributions else None
    changed = perturbed_inputs(uniform_noise(0.5), x, KEY, 7)
    found = infidelity(
        Partial(bent, weights),
        x,
        relevance,
        1,
        uniform_noise(0.5),
        key=KEY,
        samples=7,
        baseline=base,
        normalise=best,
        chunk=3,
    )
    wanted = slow_infidelity(
        X, RELEVANCE, np.asarray(changed), BASE if contributions else None, best
    )
    assert found == pytest.approx(wanted, rel=1e-10)


def test_no_relevance_foretells_nothing(given):
    weights, x, _, _ = given
    changed = perturbed_inputs(uniform_noise(0.5), x, KEY, 7)
    drops = [
        np.tanh(np.sum(WEIGHTS[1] * X**2)) - np.tanh(np.sum(WEIGHTS[1] * np.asarray(c) ** 2))
        for c in changed
    ]
    for best in (False, True):
        found = infidelity_of(
            Partial(bent, weights), x, jnp.zeros(SHAPE), 1, changed, normalise=best
        )
        assert found == pytest.approx(np.mean(np.square(drops)))


def test_perturbations():
    x = jnp.ones((50, 40))
    noise = perturbed_inputs(gaussian_noise(2.0), x, KEY, 3) - 1
    assert float(jnp.std(noise)) == pytest.approx(2, rel=0.05)
    ball = perturbed_inputs(uniform_noise(2.0), x, KEY, 3) - 1
    assert 1.9 < float(jnp.max(ball)) <= 2 and -2 <= float(jnp.min(ball)) < -1.9
    subset = perturbed_inputs(random_subset(7.0, 0.25), x, KEY, 3)
    np.testing.assert_array_equal(jnp.sum(subset == 7, axis=(1, 2)), 500)
    assert jnp.any(subset[0] != subset[1])
    np.testing.assert_array_equal(perturbed_inputs(uniform_noise(2.0), x, KEY, 2) - 1, ball[:2])
    with pytest.raises(ValueError, match="between 0 and 1"):
        random_subset(0.0, 1.5)
    with pytest.raises(ValueError, match="1 or more"):
        perturbed_inputs(uniform_noise(1.0), x, KEY, 0)
    with pytest.raises(ValueError, match="expected"):
        perturbed_inputs(lambda x, key: x[0], x, KEY, 2)


def test_faithful_contributions_correlate_fully(given):
    weights, x, base, relevance = given
    model, contribution = Partial(linear, weights), weights[0] * (x - base)
    settled = dict(key=KEY, base=base, subsets=30)
    correlation = jax.jit(
        lambda relevance: faithfulness_correlation(model, x, relevance, 0, size=5, **settled)
    )
    estimate = jax.jit(lambda relevance: faithfulness_estimate(model, x, relevance, 0, base=base))
    for scale in (1, -2):
        for measure in (correlation, estimate):
            found = measure(scale * contribution)
            assert found == pytest.approx(np.sign(scale), abs=1e-9)
    assert abs(faithfulness_correlation(model, x, relevance, 0, **settled)) < 0.9


@pytest.mark.parametrize("step", [1, 5])
def test_faithfulness_recomputed(given, step):
    weights, x, base, relevance = given
    f = lambda x: np.tanh(np.sum(WEIGHTS[1] * x**2))
    order = np.argsort(-RELEVANCE.ravel())
    groups = [order[start : start + step] for start in range(0, order.size, step)]
    taken, drops = [], []
    for group in groups:
        edited = X.copy().ravel()
        edited[group] = BASE.ravel()[group]
        taken.append(RELEVANCE.ravel()[group].sum())
        drops.append(f(X) - f(edited.reshape(SHAPE)))
    found = faithfulness_estimate(
        Partial(bent, weights), x, relevance, 1, base=base, step=step, chunk=5
    )
    assert found == pytest.approx(scipy.stats.pearsonr(taken, drops)[0], abs=1e-10)


def test_subsets_are_of_one_size_and_given_ones_are_used(given, monkeypatch):
    weights, x, base, relevance = given
    seen = {}

    def spy(model, x, relevance, target, chosen, **settings):
        seen["chosen"] = chosen
        return faithfulness_of(model, x, relevance, target, chosen, **settings)

    module = importlib.import_module("audioxai_jax.metrics.faithfulness")
    monkeypatch.setattr(module, "faithfulness_of", spy)
    faithfulness_correlation(Partial(bent, weights), x, relevance, 1, key=KEY, size=5, subsets=8)
    chosen = np.asarray(seen["chosen"])
    assert chosen.dtype == bool and chosen.shape == (8, *SHAPE)
    np.testing.assert_array_equal(chosen.sum((1, 2)), 5)
    assert len(np.unique(chosen.reshape(8, -1), axis=0)) > 5


def test_what_correlates_with_nothing(given):
    weights, x, base, relevance = given
    model = Partial(linear, weights)
    assert jnp.isnan(faithfulness_estimate(model, x, jnp.ones(SHAPE), 0))
    assert jnp.isnan(faithfulness_estimate(model, x, relevance, 0, base=x))
    for size, subsets in ((0, 5), (12, 5), (3, 1)):
        with pytest.raises(ValueError, match="two subsets or more"):
            faithfulness_correlation(model, x, relevance, 0, key=KEY, size=size, subsets=subsets)
    with pytest.raises(ValueError, match="less than two groups"):
        faithfulness_estimate(model, x, relevance, 0, step=12)
    with pytest.raises(ValueError, match="does not fit"):
        faithfulness_estimate(model, x, relevance[0], 0)
    with pytest.raises(ValueError, match="relevance is"):
        infidelity(model, x, relevance[0], 0, key=KEY)
