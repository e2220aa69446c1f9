"""The leaderboard, on made-up truths whose rows are known."""

import dataclasses
import json
import re
import runpy
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax.attribution import METHODS
from audioxai_jax.data.tasks import Clips
from audioxai_jax.domains import samples, time_frequency
from audioxai_jax.truth import TRUTHS, Bar, Check, Trial, Truth, score
from audioxai_jax.truth.answers import Boxes, Exact, Masks, feature_shape
from audioxai_jax.truth.views import Plain, sounds_trial
from experiments.truth import heard, methods, mixtures, resampling, table
from experiments.truth.attack_table import by_method
from experiments.truth.markdown import markdown, ranking

FEATURES = 6


def linear(weights, x):
    return jnp.stack([x @ weights, -(x @ weights)])


def two_features(seed, *, clips=24, data=None, holds=True):
    """A model that reads features 1 and 4 of six, all of one size."""
    del data
    random = np.random.default_rng([seed, 99])
    weights = np.zeros(FEATURES, np.float32)
    weights[[1, 4]] = 2, 3
    x = (1 + 0.1 * random.random((clips, FEATURES))).astype(np.float32)
    mask = np.broadcast_to((weights > 0).astype(np.int8), x.shape)
    check = Check("feature 1 removed: falls by", 2.0 if holds else 0.5, low=1)
    return Trial(
        Plain(Partial(linear, jnp.asarray(weights))),
        x,
        np.zeros(clips, np.int64),
        Masks(mask),
        (check,),
        np.arange(FEATURES),
    )


def exact(seed, *, clips=24, data=None):
    """The same in double precision, with relevance in closed form."""
    trial = two_features(seed, clips=clips)
    weights = np.zeros(FEATURES)
    weights[[1, 4]] = 2, 3
    x = trial.examples.astype(float)
    view = Plain(Partial(linear, jnp.asarray(weights)))
    return Trial(view, x, trial.targets, Exact(x * weights), (), trial.segments)


def energies(_, sound):
    """Energy of the first and of the last half."""
    half = sound.shape[0] // 2
    return jnp.stack([jnp.sum(sound[:half] ** 2), jnp.sum(sound[half:] ** 2)])


def louder_half(seed, *, clips=24, data=None, classifier=None):
    """Sounds of 0.1 s whose first half is one of the model's two outputs."""
    del data
    if classifier is None:
        classifier = ax.Classifier(Partial(energies, ()), reads=samples(16_000))
    audio = np.random.default_rng([seed, 98]).standard_normal((clips, 1_600)).astype(np.float32)
    audio[:, 800:] *= 0.9
    heard = np.array([int(jnp.argmax(classifier(jnp.asarray(clip)))) for clip in audio])
    check = Check("the louder half is heard", float(np.mean(heard == 0)), low=0.9)
    boxes = np.tile([0, 0.05, -np.inf, np.inf], (clips, 1, 1))
    targets = np.zeros(clips, np.int64)
    return sounds_trial(
        classifier,
        audio,
        targets,
        Boxes(boxes),
        (check,),
        domain=samples(16_000),
        grid=(0.01, None),
    )


MADE_UP = {
    "pair": Truth(
        "Which two of six features count?", two_features, (Bar("auc", low=0.9, energy=0.6),)
    ),
    "pair_broken": Truth("The same, not proven.", two_features, options={"holds": False}),
    "pair_exact": Truth("In closed form?", exact, (Bar("error", high=1e-12),), exact=True),
    "half": Truth("Which half is loud?", louder_half, (Bar("share", low=0.9),)),
}
OWN = """
import jax.numpy as jnp
import audioxai_jax as ax

@ax.record()
class Mine:
    def __call__(self, model, x, target, *, key):
        return ax.Attribution(jnp.zeros_like(x).at[1].set(1).at[4].set(1), ax.make_info())

def build():
    return Mine()

def broken():
    return lambda model, x, target, *, key: x.no_such_thing

def model():
    return ax.Classifier(lambda x: jnp.stack([jnp.sum(x**2), jnp.sum(x[:0])]),
                         reads=ax.domains.samples(16000))
"""


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The command on made-up truths: the leaderboard, its bytes and the text."""

    def call(*arguments, out="out", status=0):
        monkeypatch.delenv("AUDIOXAI_DATA", raising=False)
        for name in list(TRUTHS):
            monkeypatch.delitem(TRUTHS, name)
        for name, truth in MADE_UP.items():
            monkeypatch.setitem(TRUTHS, name, truth)
        command = ["run", "--out", str(tmp_path / out), "--clips", "4", "--seeds", "2"]
        command += ["--processes", "1"]
        monkeypatch.setattr(sys, "argv", [*command, *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_module("experiments.truth.run", run_name="__main__")
        assert (stop.value.code or 0) == status
        if status:
            return capsys.readouterr().err.splitlines()[-1]
        bytes_of = {
            name: (tmp_path / out / f"leaderboard.{name}").read_bytes() for name in ("json", "md")
        }
        return json.loads(bytes_of["json"]), bytes_of

    return call


def row_of(board, truth, method):
    asked = next(row for row in board["truths"] if row["truth"] == truth)
    return next(row for row in asked["methods"] if row["method"] == method)


def test_a_method_that_knows_passes_and_a_control_does_not(run):
    board, _ = run("--truths", "pair", "--methods", "input_x_gradient,random")
    truth = board["truths"][0]
    assert truth["verdict"] == "reached" and truth["scored"] == [0, 1]
    known = row_of(board, "pair", "input_x_gradient")
    assert known["passes"] and known["evaluations"] == 1
    assert known["scores"]["auc"] | {"seeds": 0} == {
        "mean": 1.0,
        "low": 1.0,
        "high": 1.0,
        "seeds": 0,
        "undefined": 0,
        "clips": 8,
    }
    assert known["scores"]["share"]["mean"] == 1
    energy = row_of(board, "pair", "energy")
    assert energy["control"] and not energy["passes"]
    assert energy["scores"]["share"]["low"] < 1 / 3 < energy["scores"]["share"]["high"] + 0.05
    first = board["ranking"][0]
    assert (first["method"], first["passed"], first["rank"]) == ("input_x_gradient", 1, 1.0)


def test_the_same_command_gives_the_same_bytes_and_more_methods_keep_what_is_there(
    run, tmp_path, monkeypatch
):
    command = ("--truths", "pair", "--methods")
    _, alone = run(*command, "saliency,rise")
    run(*command, "rise", out="other")
    kept = sorted((tmp_path / "other" / "trials").iterdir())
    before = [json.loads(file.read_text())["methods"]["rise"] for file in kept]
    _, resumed = run(*command, "saliency,rise", out="other")
    assert resumed == alone
    after = [json.loads(file.read_text())["methods"]["rise"] for file in kept]
    assert after == before and len(kept) == 2
    built = []
    broken = Truth("", lambda *_, **__: built.append(1), MADE_UP["pair"].bars)
    monkeypatch.setitem(MADE_UP, "pair", broken)
    board, _ = run(*command, "rise", out="other")
    assert not built and row_of(board, "pair", "rise")["scores"]  # all of it was there


def test_a_model_that_fails_an_intervention_is_not_scored(run):
    board, written = run("--truths", "pair,pair_broken", "--methods", "saliency")
    broken = board["truths"][1]
    assert broken["verdict"] == "not scored" and broken["methods"] == [] == broken["scored"]
    assert "| pair_broken | 0 | feature 1 removed: falls by | 0.500 | >= 1 | **no** |" in (
        written["md"].decode()
    )
    assert all(row["asked"] == 1 for row in board["ranking"])


def test_closed_forms_are_compared_in_double_precision(run):
    board, _ = run(
        "--truths", "pair_exact", "--methods", "input_x_gradient,saliency,shapley_values"
    )
    assert row_of(board, "pair_exact", "input_x_gradient")["passes"]
    assert row_of(board, "pair_exact", "shapley_values")["passes"]
    assert not row_of(board, "pair_exact", "saliency")["passes"]
    assert board["ranking"][-1]["method"] != "input_x_gradient"  # the smaller the better


def test_an_error_that_is_small_but_too_large_for_its_bar_does_not_pass(run, monkeypatch):
    def nearly(seed, *, clips=24, data=None):
        trial = exact(seed, clips=clips)
        answer = Exact(trial.answer.relevance * (1 + 1e-9))
        return dataclasses.replace(trial, answer=answer)

    monkeypatch.setitem(
        MADE_UP, "nearly", Truth("", nearly, (Bar("error", high=1e-12),), exact=True)
    )
    board, _ = run("--truths", "nearly", "--methods", "input_x_gradient")
    row = row_of(board, "nearly", "input_x_gradient")
    assert not row["passes"] and row["scores"]["error"]["mean"] == pytest.approx(1e-9, rel=1e-3)
    (ranked,) = (r for r in board["ranking"] if r["method"] == "input_x_gradient")
    assert ranked["low"] <= ranked["rank"] <= ranked["high"]


def test_a_method_that_refuses_the_model_says_so(run):
    board, written = run("--truths", "pair", "--methods", "grad_cam,saliency")
    assert "no operation of kind 'conv'" in row_of(board, "pair", "grad_cam")["refused"]
    assert re.search(r"\| grad_cam \|.*refused: .*kind 'conv'", written["md"].decode())
    refused = next((r for r in board["ranking"] if r["method"] == "grad_cam"), None)
    assert refused is None


def test_methods_of_outsiders_are_rows_and_a_changed_file_is_asked_again(run, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    command = ("--truths", "pair", "--methods", "saliency", "--method", f"{file}:build")
    board, _ = run(*command, "--method", f"{file}:broken")
    assert row_of(board, "pair", "own.py:build")["scores"]["mass"]["mean"] == 1
    assert "no_such_thing" in row_of(board, "pair", "own.py:broken")["refused"]
    file.write_text(OWN.replace("set(1).at[4]", "set(1).at[3]"))
    board, _ = run(*command)
    assert row_of(board, "pair", "own.py:build")["scores"]["mass"]["mean"] == 0.5


def test_a_classifier_of_an_outsider_is_proven_and_explained(run, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    command = ("--truths", "half", "--methods", "input_x_gradient")
    board, _ = run(*command)
    assert row_of(board, "half", "input_x_gradient")["scores"]["share"]["mean"] == 1
    board, _ = run(*command, "--classifier", f"half={file}:model")
    assert row_of(board, "half", "input_x_gradient")["scores"]["share"]["mean"] < 0.7
    line = run("--truths", "pair", "--classifier", f"pair={file}:model", status=1)
    assert "the model of pair is a part of its question" in line
    assert "write TRUTH=SPEC" in run("--classifier", f"{file}:model", status=1)


@pytest.mark.full_size
def test_other_domains_are_asked_where_the_answer_is_known(run):
    board, _ = run(
        *("--truths", "half,pair", "--methods", "input_x_gradient"),
        *("--domains", "time_frequency,frequencies"),
    )
    half, pair = board["truths"]
    cells = half["domains"]["time_frequency"]["methods"]
    assert [row["method"] for row in cells] == ["energy", "input_x_gradient"]
    assert cells[1]["scores"]["auc"]["mean"] > 0.95
    assert "no such axis" in half["domains"]["frequencies"]["refused"]
    assert "one domain alone" in pair["domains"]["frequencies"]["refused"]


def test_names_that_are_unknown_are_refused(run):
    assert "unknown truth 'pear'" in run("--truths", "pear", status=1)
    assert "unknown method 'magic'" in run("--methods", "magic", status=1)


def test_every_method_of_the_library_has_a_row():
    alone = set(METHODS) - set(methods.COMBINATORS)
    named = {name.split(":")[0] for name in methods.ROWS}
    named |= {"magnitude_control", "random_control"}
    assert alone <= named and set(methods.SHORT) <= set(methods.ROWS)
    trial = two_features(0, clips=4)
    assert list(methods.standard_methods(trial)) == list(methods.ROWS)


def test_parts_of_a_complex_value_are_one_player():
    trial = louder_half(0, clips=2)
    moved = sounds_trial(
        trial.classifier,
        trial.examples,
        trial.targets,
        trial.answer,
        trial.checks,
        domain=time_frequency(sample_rate=16_000),
        grid=(0.05, 4_000.0),
    )
    shape, labels = feature_shape(moved), methods.players(moved)
    assert shape[-1] == 2 and labels.ndim == len(shape) and labels.shape[-1] == 1
    assert np.broadcast_to(labels, shape)[..., 0].max() == moved.segments.max()
    assert methods.along_axes(labels, shape)[-1] is None


def test_the_area_counts_pairs_and_ties_half():
    random = np.random.default_rng(0)
    inside, outside = random.integers(9, size=12), random.integers(8, size=20)
    pairs = [(a > b) + (a == b) / 2 for a in inside for b in outside]
    assert score.area(inside, outside) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert np.isnan(score.area(np.ones(2), np.ones(0)))


def test_intervals_draw_seeds_and_clips_within_them():
    drawn = resampling.weights([3, 5], 0, draws=400)
    assert drawn.shape == (400, 8)
    assert set(drawn.sum(1)) == {6.0, 8.0, 10.0}  # two of one seed, both, two of the other
    means = resampling.resampled_means(np.array([0.0] * 3 + [1.0] * 5), drawn)
    assert set(means) == {0.0, 5 / 8, 1.0}
    alone = resampling.resampled_means(np.array([np.nan] * 3 + [1.0] * 5), drawn)
    assert np.isnan(alone).any() and resampling.interval(alone) == (1.0, 1.0)
    np.testing.assert_array_equal(
        resampling.ranks(np.array([[2.0, 1.0, 2.0, np.nan]])), [[1.5, 3, 1.5, np.nan]]
    )


def test_a_method_that_answers_for_few_clips_does_not_pass():
    bars, energy = (Bar("share", low=0.9),), {"share": {"undefined": 0}}
    score = {"mean": 0.95, "undefined": 2, "clips": 24}
    assert table.passes({"share": score}, energy, bars)
    assert not table.passes({"share": score | {"undefined": 3}}, energy, bars)
    assert table.passes({"share": score | {"undefined": 3}}, {"share": {"undefined": 1}}, bars)
    assert table.passes({}, {}, ()) is None


def test_an_energy_control_that_has_it_all_spoils_the_question():
    energy = {"method": "energy", "control": True, "scores": {"auc": {"mean": 0.7}}}
    method = {"method": "mine", "control": False, "passes": True}
    bar = Bar("auc", low=0.9, energy=0.6)
    assert table.verdict([energy, method], [bar]) == "energy alone has too much: auc"
    assert table.verdict([energy, method], [Bar("auc", low=0.9)]) == "reached"
    assert table.verdict([energy, method | {"passes": False}], [Bar("auc", low=0.9)]) == "missed"


@pytest.mark.parametrize(
    ("bar", "best"),
    [(Bar("auc", low=0.9), 2), (Bar("auc", high=0.1), 0), (Bar("auc", low=0.4, high=0.6), 1)],
)
def test_what_a_bar_asks_decides_the_rank(bar, best):
    assert np.argmax(table.goodness(np.array([0.1, 0.45, 0.9]), bar)) == best


def test_doses_are_a_table_of_their_own():
    def truth(level, share):
        score = {"mean": share, "low": share, "high": share}
        row = {"method": "mine", "control": False, "scores": {"share": score}, "passes": None}
        row["evaluations"] = 1
        return {
            "truth": f"onset_{level}",
            "question": "",
            "seeds": [0],
            "scored": [0],
            "bars": [],
            "checks": [],
            "methods": [row],
            "domains": {},
            "verdict": "no bar",
        }

    rising = [truth(0, 0.1), truth(50, 0.3), truth(100, 0.8)]
    text = markdown({"truths": rising, "ranking": []})
    assert (
        "| mine | 0.10 (0.10 to 0.10) | 0.30 (0.30 to 0.30) | 0.80 (0.80 to 0.80) | yes |" in text
    )
    text = markdown({"truths": [*rising[:2], truth(100, 0.2)], "ranking": []})
    assert "| 0.20 (0.20 to 0.20) | no |" in text


@pytest.mark.parametrize("kind", mixtures.KINDS)
def test_words_and_what_is_mixed_in_are_equally_loud(kind):
    random = np.random.default_rng(0)
    names = np.array(["a", "b", "c"])
    audio = (4_000 * random.standard_normal((3, 1_600))).astype(np.int16)
    nobody = np.zeros(3, str)
    clips = Clips(audio, np.arange(3), names, names, nobody, {})
    mixed, words = mixtures.mixed(kind, clips, seed=0)
    other = mixed.astype(float) - words
    level = lambda sounds: np.sqrt(np.mean(sounds.astype(float) ** 2, axis=1))
    np.testing.assert_allclose(level(other), level(words), rtol=1e-3)
    assert np.abs(mixed.astype(int)).max() <= 0.9 * 2**15 + 1
    again, _ = mixtures.mixed(kind, clips, seed=0)
    np.testing.assert_array_equal(again, mixed)
    if kind == "speech":
        alike = np.corrcoef(np.concatenate([other, audio]))[:3, 3:]
        assert np.all(np.diag(alike) < 0.5) and np.all(alike.max(axis=1) > 0.99)


def test_a_listener_that_does_not_hear_the_words_is_of_no_use():
    def rows(alone):
        share = {"word alone": alone, "mixture": 0.2}
        return [
            {"sound": name, "clips": 8, "words": 10, "heard": {"mean": mean}}
            for name, mean in share.items()
        ]

    assert "hears 40% of the words alone and 20% of the mixtures: it is of no use" in (
        heard.verdict(rows(0.4))
    )
    assert "8 of 10 mixtures right" in heard.verdict(rows(0.8))
    assert "it can tell" in heard.verdict(rows(0.8))


def test_robustness_is_a_column_where_it_was_measured():
    kinds = {"method": "saliency", "kind": "robustness"}
    rows = [
        kinds | {"truth": name, "segments": {"mean": r}} for name, r in (("a", 0.2), ("b", 0.6))
    ]
    known = by_method([*rows, {"kind": "map", "method": "saliency", "segments": {"mean": 1.0}}])
    assert known == {"saliency": pytest.approx(0.4)}
    row = {"control": False, "rank": 1.0, "low": 1.0, "high": 2.0, "passed": 1, "asked": 2}
    row |= {"refused": 0, "evaluations": 1}
    table = ranking([row | {"method": "saliency"}, row | {"method": "lime"}], known)
    assert [line.split("|")[-2].strip() for line in table] == ["robustness", "---", "0.40", ""]
    assert "robustness" not in ranking([row | {"method": "lime"}])[0]
