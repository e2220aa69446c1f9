"""Deletion curves of models whose answers are known, and of a slow replica."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.domains import frequencies, samples
from audioxai_jax.perturbation.deletion import RESERVED, ask_labels, deletion_curves
from audioxai_jax.perturbation.rank import random_scores

DRAW = np.random.default_rng(0)
INPUTS = DRAW.normal(size=(7, 20)).astype(np.float32)
WEIGHTS = DRAW.normal(size=(20, 3)).astype(np.float32)
LABELS = DRAW.integers(0, 3, size=7)
RELEVANCE = {"a": DRAW.normal(size=(7, 20)).astype(np.float32), "b": np.round(2 * INPUTS)}
FRACTIONS = [0.0, 0.15, 0.5, 1.0]
TRACES = []


def linear(weights, x):
    TRACES.append(1)
    return x @ weights


def curves(key=0, model=None, **changes):
    settings = {
        "inputs": INPUTS,
        "labels": LABELS,
        "relevance": RELEVANCE,
        "fractions": FRACTIONS,
        "draws": 3,
        "chunk": 4,
        **changes,
    }
    model = Partial(linear, jnp.asarray(WEIGHTS)) if model is None else model
    return deletion_curves(model, key=jax.random.key(key), **settings)


def slow(x, label, score, counts):
    """The curve of one ranking, by sorting and looking."""
    order = sorted(range(len(x)), key=lambda index: (-float(score[index]), index))
    rows = []
    for count in counts:
        edited = x.copy()
        edited[order[:count]] = 0
        logits = edited @ WEIGHTS
        softmax = np.exp(logits) / np.sum(np.exp(logits))
        said = int(np.argmax(logits))
        rows.append([said == label, said == int(np.argmax(x @ WEIGHTS)), softmax[label]])
    return np.asarray(rows, float).T


NAMES = ("label", "prediction", "probability")


@pytest.mark.parametrize("among", [None, INPUTS > -0.3])
def test_every_curve_is_that_of_a_slow_replica(among):
    found = curves(among=among)
    assert set(found) == {"a", "b", *RESERVED}
    for number, (x, label) in enumerate(zip(INPUTS, LABELS)):
        allowed = np.ones(20, bool) if among is None else among[number]
        counts = [round(fraction * int(allowed.sum())) for fraction in FRACTIONS]
        keys = jax.random.split(jax.random.fold_in(jax.random.key(0), number), 3)
        random = [random_scores(key, 20) for key in keys]
        scores = {
            **{name: [rows[number]] for name, rows in RELEVANCE.items()},
            "magnitude": [np.abs(x)],
            "random": np.asarray(random),
        }
        for name, several in scores.items():
            each = [slow(x, label, np.where(allowed, s, -np.inf), counts) for s in several]
            for place, wanted in zip(NAMES, np.mean(each, axis=0)):
                np.testing.assert_allclose(found[name][place][number], wanted, atol=1e-6)
        whole = slow(x, label, x, [0])[:, 0]
        for place, wanted in zip(NAMES, whole):
            np.testing.assert_allclose(found["original"][place][number], wanted, atol=1e-6)


def test_relevance_of_a_linear_model_falls_fastest():
    """Of a logit w x against 0, no other order of deletion takes away more, at any count."""
    inputs = DRAW.normal(size=(4, 6)).astype(np.float32)
    weights = DRAW.normal(size=6).astype(np.float32)
    padded = jnp.stack([jnp.asarray(weights), jnp.zeros(6)], axis=1)
    fractions = np.arange(7) / 6
    found = curves(
        model=Partial(linear, padded),
        inputs=inputs,
        labels=np.zeros(4, int),
        relevance={"ours": inputs * weights},
        fractions=fractions,
        draws=50,
    )
    for number, terms in enumerate(inputs * weights):
        for count in range(7):
            rest = [
                sum(terms) - sum(terms[list(gone)])
                for gone in itertools.combinations(range(6), count)
            ]
            wanted = 1 / (1 + np.exp(-min(rest)))
            assert found["ours"]["probability"][number, count] == pytest.approx(wanted, abs=1e-6)
    middle = slice(1, 6)
    for other in ("random", "magnitude"):
        higher = found[other]["probability"] - found["ours"]["probability"]
        assert np.all(higher > -1e-6)
        assert np.mean(higher[:, middle]) > 0.1


def test_nothing_depends_on_chunks_or_on_what_is_compared():
    whole = curves()

    def same(found, start=0):
        """Products of matrices of other sizes may differ in the last digits."""
        for name, values in found.items():
            for place in NAMES:
                wanted = whole[name][place][start:]
                np.testing.assert_allclose(values[place], wanted, rtol=1e-5, atol=1e-7)

    same(curves(chunk=1, relevance={"a": RELEVANCE["a"]}))
    same(
        curves(
            inputs=INPUTS[3:],
            labels=LABELS[3:],
            relevance={name: rows[3:] for name, rows in RELEVANCE.items()},
            first_index=3,
        ),
        3,
    )


def test_another_call_compiles_nothing():
    curves()
    TRACES.clear()
    model = Partial(linear, jnp.asarray(2 * WEIGHTS))
    curves(1, model, fractions=[0.1, 0.2, 0.3, 0.4], inputs=-INPUTS)
    assert len(TRACES) == 1  # of the check that labels are classes, by shape alone


def test_frequencies():
    """A model of two tones loses the one whose bins are relevant."""
    time = np.arange(40)
    tones = np.stack([np.sin(2 * np.pi * k * time / 40) for k in (4, 9)])

    def loudest(x):
        return jnp.abs(jnp.fft.rfft(x))[jnp.array([4, 9])]

    inputs = (tones.T @ [[1.0, 0.6], [0.8, 1.0]]).T.astype(np.float32)
    relevance = np.zeros((2, 21, 1), np.float32)
    relevance[0, 4], relevance[1, 9] = 2, 1
    parts = np.concatenate([3 * relevance, -2 * relevance], axis=2)  # their sum over each pair
    found = curves(
        model=loudest,
        inputs=inputs,
        labels=np.array([0, 1]),
        relevance={"right": relevance, "wrong": -relevance, "parts": parts},
        fractions=[1 / 21, 18 / 21],
        domain=frequencies(40),
    )
    np.testing.assert_array_equal(found["right"]["label"], 0)
    np.testing.assert_array_equal(found["parts"]["label"], 0)
    np.testing.assert_array_equal(found["wrong"]["label"][:, 0], 1)
    np.testing.assert_array_equal(found["magnitude"]["label"][:, 0], 0)


def test_cells_of_a_spectrogram():
    """Features of a model's own domain: they fall to a floor, and the loudest has the most dB."""
    inputs = np.full((2, 3, 4), -80, np.float32)
    inputs[0, 1, 2], inputs[1, 2, 0] = -10.0, -20.0

    def rows(x):
        return jnp.max(x, axis=1)

    found = curves(
        model=rows,
        inputs=inputs,
        labels=np.array([1, 2]),
        relevance={},
        fractions=[0, 1 / 12],
        base=-80.0,
        magnitude=inputs,
    )
    np.testing.assert_array_equal(found["magnitude"]["label"], [[1, 0], [1, 0]])
    assert set(found) == set(RESERVED)


def test_units_of_a_name_go_together():
    """Milliseconds of five samples, by the sum of relevance over each."""
    found = curves(domain=samples(5000), unit="millisecond", fractions=[0.25], relevance=RELEVANCE)
    for number, x in enumerate(INPUTS):
        sums = RELEVANCE["a"][number].reshape(4, 5).sum(axis=1)
        edited = np.where(np.arange(20) // 5 == np.argmax(sums), 0, x)
        wanted = np.argmax(edited @ WEIGHTS) == LABELS[number]
        assert found["a"]["label"][number, 0] == wanted


def test_a_model_that_fails_is_neither_right_nor_wrong():
    def fails(x):
        return jnp.where(x[0] == 0, jnp.nan, 1.0) * x[:3]

    found = curves(model=fails, relevance={"first": np.eye(1, 20, dtype=np.float32).repeat(7, 0)})
    for place in NAMES:
        np.testing.assert_array_equal(np.isnan(found["first"][place][:, 1:]), True)
        np.testing.assert_array_equal(np.isnan(found["first"][place][:, 0]), False)
    one = ask_labels(fails(jnp.zeros(20)), jnp.asarray(0), jnp.asarray(0))
    assert all(np.isnan(value) for value in one.values())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"relevance": {"a": RELEVANCE["a"][:, :5]}}, r"relevance 'a' is \[7, 5\], .*\[7, 20\]"),
        ({"relevance": {"a": np.ones((7, 20), int)}}, "relevance 'a' is int"),
        (
            {"relevance": {"a": np.where(np.arange(7)[:, None] == 3, np.nan, INPUTS)}},
            "relevance 'a' of example 3 is not finite",
        ),
        ({"relevance": {"random": INPUTS}}, "cannot be named 'random'"),
        (
            {"inputs": np.where(np.arange(7)[:, None] == 2, np.inf, INPUTS)},
            "inputs of example 2 is not finite",
        ),
        ({"inputs": INPUTS[:0]}, r"inputs must be a batch \[N, ...\], got \[0, 20\]"),
        ({"labels": LABELS + 2}, "is not a class"),
        ({"labels": LABELS[:3]}, "do not fit 7 examples"),
        ({"labels": LABELS[:, None]}, r"one class for each input \[N\], got \[7, 1\]"),
        ({"fractions": [0.5, 1.5]}, "between 0 and 1"),
        ({"fractions": [float("nan")]}, "between 0 and 1"),
        ({"fractions": []}, "between 0 and 1"),
        ({"draws": 0}, "at least one"),
        ({"among": INPUTS}, "among is float32"),
        ({"among": INPUTS[:, :3] > 0}, r"among is bool \[7, 3\]"),
        ({"domain": frequencies(20)}, r"expected \[7, 11, 2\] or \[7, 11, 1\]"),
        ({"chunk": 0}, "chunk must be"),
        ({"unit": "frame"}, "unit 'frame' needs a domain"),
        (
            {"domain": samples(20), "unit": "word"},
            "unknown unit 'word' of the domain 'samples': choose one of",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        curves(**changes)
