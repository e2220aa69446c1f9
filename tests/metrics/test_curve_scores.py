"""Areas and drops of perturbation curves: closed forms, and a slow replica's curves."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.domains import frequencies
from audioxai_jax.metrics import curve_scores
from audioxai_jax.metrics.table import METRICS
from tests.helpers.curves import FRACTIONS, MODEL, OTHER, RELEVANCE, TARGET, X, slow

SCORES = ("deletion_auc", "insertion_auc", "aopc", "abpc", "faithfulness")


def test_areas_in_closed_form(x64):
    """Height falls as (1 - fraction)^2 at equal and unequal fractions."""
    fine = np.linspace(0, 1, 1001)
    assert curve_scores.area(jnp.asarray((1 - fine) ** 2), fine) == pytest.approx(1 / 3, abs=1e-6)
    assert curve_scores.area(jnp.asarray([1.0, 0.0, 0.0]), [0.0, 0.5, 1.0]) == pytest.approx(0.25)
    assert curve_scores.area(jnp.asarray([1.0, 0.5, 0.0]), [0.0, 0.2, 1.0]) == pytest.approx(
        0.2 * 0.75 + 0.8 * 0.25
    )
    assert curve_scores.area(jnp.asarray([3.0, 3.0]), [0.2, 0.4]) == pytest.approx(3)
    assert curve_scores.mean_drop(jnp.asarray([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert np.isnan(curve_scores.area(jnp.asarray([1.0, np.nan]), 1))


def test_scores_are_those_of_the_curves(x64):
    settings = {"fractions": FRACTIONS, "base": OTHER}
    deleted, kept = slow(question="probability"), slow(edit="keep", question="probability")
    last = slow(order="lerf", question="probability")
    wanted = {
        "deletion_auc": np.trapezoid(deleted, FRACTIONS),
        "insertion_auc": np.trapezoid(kept, FRACTIONS),
        "aopc": np.mean(deleted[0] - deleted),
        "abpc": np.trapezoid(last - deleted, FRACTIONS),
        "faithfulness": np.trapezoid(kept - deleted, FRACTIONS),
    }
    given = MODEL, jnp.asarray(X), jnp.asarray(RELEVANCE), TARGET
    found = jax.jit(lambda: {name: METRICS[name].function(*given, **settings) for name in wanted})()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_refusals():
    with pytest.raises(ValueError, match="must rise"):
        curve_scores.area(jnp.ones(2), [0.5, 0.5])
    with pytest.raises(ValueError, match="3 fractions for a curve of"):
        curve_scores.area(jnp.ones(2), 2)
    with pytest.raises(ValueError, match="first fraction must be 0"):
        curve_scores.aopc(MODEL, jnp.asarray(X), jnp.asarray(X), TARGET, fractions=[0.5, 1.0])


@pytest.mark.parametrize("name", SCORES)
def test_all_options_are_spelt_out(name):
    """So that `help` and completion show them."""
    options = inspect.signature(METRICS[name].function).parameters
    assert {"fractions", "base", "question", "domain", "units", "chunk"} <= set(options)
    assert not any(option.kind is option.VAR_KEYWORD for option in options.values())


def test_any_domain_of_a_model_of_audio(x64):
    """Energy of a tone that is deleted first: one frequency of nine holds all of it."""
    sound = jnp.cos(2 * jnp.pi * 3 * jnp.arange(16) / 16)
    domain = frequencies(16)
    relevance = domain.analyse(sound) ** 2
    given = {"domain": domain, "fractions": [0.0, 1 / 9, 1.0], "question": "logit"}
    of_energy = lambda x: jnp.stack([jnp.sum(x**2), 0.0])
    area = curve_scores.deletion_auc(of_energy, sound, relevance, 0, **given)
    assert area == pytest.approx(8 / 9 / 2)  # falls from 8 to 0 within the first ninth
