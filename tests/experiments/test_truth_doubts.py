"""Operators, deletion scores and the column of robustness, on models whose numbers are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.truth.answers import Masks
from audioxai_jax.truth.record import Trial
from audioxai_jax.truth.views import Plain
from experiments.truth.attack_table import markdown as attack_markdown
from experiments.truth.attack_table import robustness
from experiments.truth.attacking import sums
from experiments.truth.deleting import SCORES, agreement_rows, deletion_scores, units_of
from experiments.truth.masking_table import markdown
from experiments.truth.operators import OPERATORS, counterparts, values

WEIGHTS = np.array([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]], np.float32)
EXAMPLES = np.array([[1.0, 1.0, 0.5, 0.0], [0.0, 0.5, 1.0, 1.0], [2.0, 1.0, 0.0, 0.5]], np.float32)
TARGETS = np.array([0, 1, 0])


@jax.tree_util.Partial
def linear(x):
    return 4 * jnp.asarray(WEIGHTS) @ x


@pytest.fixture(scope="module")
def trial():
    inside = (WEIGHTS[TARGETS] > 0).astype(np.int8)
    segments = np.array([0, 0, 1, 1])
    return Trial(Plain(linear), EXAMPLES, TARGETS, Masks(inside), (), segments, baseline=-1.0)


@pytest.fixture(scope="module")
def made(trial):
    return values(trial, 0)[0]


def test_what_the_operators_put_in_place(trial, made):
    assert list(made) == list(OPERATORS)
    np.testing.assert_array_equal(made["absent"], -1)
    np.testing.assert_allclose(made["mean"][1], EXAMPLES.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(made["another class"], EXAMPLES[[1, 2, 1]])
    np.testing.assert_array_equal(made["adversarial"], counterparts(trial).x)


def test_an_operator_that_does_not_apply_says_why(trial):
    alone = Trial(trial.view, EXAMPLES[:1], TARGETS[:1], trial.answer, (), trial.segments)
    made, refused = values(alone, 0)
    assert "another class" not in made and "two classes" in refused["another class"]


def test_deletion_by_segment_in_closed_form(trial):
    """Two segments: at fractions below 0.25 neither is gone, up to 0.75 one is, then both."""
    relevance = WEIGHTS[TARGETS] * EXAMPLES
    found = deletion_scores(trial, relevance, {"absent": np.zeros_like(EXAMPLES)}, "segment")
    assert found.shape == (3, 1, len(SCORES))
    logits = lambda x: 4 * WEIGHTS @ x
    chance = lambda x: np.exp(logits(x)[0]) / np.exp(logits(x)).sum()
    x, first = EXAMPLES[0], EXAMPLES[0] * [0, 0, 1, 1]
    last = EXAMPLES[0] * [1, 1, 0, 0]
    fractions = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0])
    gone = np.round(2 * fractions)
    curve = lambda one: np.select([gone == 0, gone == 1], [chance(x), chance(one)], 0.5)
    areas = [np.trapezoid(curve(one), fractions) for one in (first, last)]
    np.testing.assert_allclose(found[0, 0], [-areas[0], areas[1], areas[1] - areas[0]], rtol=1e-5)


def test_units_are_features_or_segments(trial):
    assert units_of(trial, "feature").tolist() == [0, 1, 2, 3]
    assert units_of(trial, "segment").tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(sums(trial, EXAMPLES)[0], [2, 0.5])


@pytest.mark.full_size
def test_agreement_of_operators_with_each_other_and_the_truth():
    quality = np.arange(4.0)
    table = {f"m{i}": np.tile([[[q] * 3, [-q] * 3]], (5, 1, 1)) for i, q in enumerate(quality)}
    truths = {"auc": np.tile(quality, (5, 1))}
    rows = agreement_rows(table, ["absent", "noise"], truths, 0)
    by = {(row["score"], row["a"], row["b"]): row["tau"] for row in rows}
    for score in SCORES:
        assert by[score, "absent", "noise"] == -1
        assert by[score, "absent", "truth: auc"] == 1 and by[score, "noise", "truth: auc"] == -1
    about = {"truth": "made up", "unit": "segment", "kind": "agreement", "methods": 4}
    ends = {"mean": 0.5, "low": 0.4, "high": 0.6}
    method = about | {"kind": "method", "method": "m0"} | ends
    rows = [about | row for row in rows]
    rows += [method | {"operator": "absent", "score": "difference"}]
    rows += [method | {"operator": "truth", "score": "auc"}]
    text = markdown(rows)
    assert (
        "| least relevant first | absent | 1.00 (1.00 to 1.00) | -1.00 (-1.00 to -1.00) |" in text
    )
    assert "| `m0` | 50 (40 to 60) | 0.50 (0.40 to 0.60) |" in text


def test_robustness_is_that_of_the_strongest_attack_that_keeps_the_answers():
    ends = lambda value: {"mean": value, "low": value, "high": value}
    rows = []
    for attack, moved, kept in (("a", 0.6, 1.0), ("b", 0.4, 1.0), ("c", 0.1, 0.5)):
        about = {"truth": "t", "attack": attack}
        told = {"clips": 2, "model": 1.0, "listener": kept, "moved": 1.0}
        told |= {"snr_db": 20.0, "above": 0.01, "drift": 0.02}
        for change, value in (("attack", moved), ("noise", 0.9)):
            rows.append({"kind": "change", "change": change, **about, **told})
            names = ("segments", "rank", "auc_before", "auc_after")
            columns = {name: ends(value) for name in names}
            rows.append({"kind": "map", "change": change, "method": "m", **about, **columns})
    (row,) = robustness(rows)
    assert row["attack"] == "b" and row["segments"]["mean"] == 0.4 and row["noise"]["mean"] == 0.9
    assert "| `m` | 0.40 (0.40 to 0.40) | 0.90 (0.90 to 0.90) |" in attack_markdown([*rows, row])
