"""Outputs that are values, such as a quality or a pitch: value and change, and no probability."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import soundfile
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax import Classifier, cli
from audioxai_jax.perturbation.ask import answer, prediction, says
from audioxai_jax.perturbation.curves import perturbation_curve
from audioxai_jax.report import phrases
from audioxai_jax.report.folder import as_json
from audioxai_jax.report.page import page
from audioxai_jax.results import SOUNDS, Answer, Value
from audioxai_jax.runs import predictions
from audioxai_jax.runs.curves import make_study
from tests.helpers.pages import Elements, explained
from tests.helpers.refusals import complaint

SAMPLES = ax.domains.samples(400)
SCORES = {
    "original": (3.25, -100.0),
    "reconstruction": (3.0, -90.0),
    "explanation": (2.5, -80.0),
    "removed": (1.25, 250.0),
    "random": (-0.5, 0.0),
}
KEY = jax.random.key(0)


def made_up(**changes):
    options = {"scores": SCORES, "labels": ("quality", "pitch"), "outputs": "value", "target": 0}
    return explained(**options | changes)


def test_each_sound_has_the_value_and_its_change_from_the_clips():
    explanation, result = made_up()
    assert result.prediction == Value("quality", 3.25, None)
    for name in SOUNDS[1:]:
        value, first = SCORES[name][0], SCORES["original"][0]
        assert result.sounds[name].heard == Value("quality", value, value - first)
        assert result.sounds[name].values == dict(zip(("quality", "pitch"), SCORES[name]))
        assert result.sounds[name].probabilities == {}
    assert result.target.value == {name: SCORES[name][0] for name in SOUNDS}
    assert result.target.probability is None
    with pytest.raises(ValueError, match="values have no probabilities"):
        explanation.probabilities("original")


def test_the_target_is_the_value_that_was_asked_for():
    _, result = made_up(target=1)
    assert result.sounds["removed"].heard == Value("pitch", 250.0, 350.0)


def test_a_page_says_value_and_change_and_nothing_of_probabilities_or_flips():
    _, result = made_up()
    text = page(result)
    Elements(text)
    assert phrases.plain(phrases.headline(result)) == (
        "The model gives “quality” 3.25. From the 10\u202f% most relevant features alone it gives "
        "2.5 (\N{MINUS SIGN}0.75); without them 1.25 (\N{MINUS SIGN}2)."
    )
    assert "chosen at random, gives \N{MINUS SIGN}0.5 (" in phrases.controls(result)
    assert phrases.checks(result) == [] and '<ul class="checks">' not in text
    for word in ("Probability", "Enough alone", "heard as", "sounds like"):
        assert word not in text.split("How it was made")[0], word
    rows = text.split("What the model says")[1].split("</table>")[0]
    assert rows.count('<th scope="row">') == 2 and "350" in rows and "\N{MINUS SIGN}2" in rows
    assert "speaks for a higher" in text and "the value of" in text
    said = as_json(result)
    assert said["prediction"] == {"label": "quality", "value": 3.25, "change": None}
    assert said["removed"] == {"label": "quality", "value": 1.25, "change": -2.0}
    assert "probability" not in said["target"] and said["outputs"] == "value"
    json.dumps(said, allow_nan=False)


def test_a_listener_of_values_gives_its_first():
    heard = predictions.answer_to(
        np.array([2.0, 9.0]), "value", ("a", "b"), target=0, original=np.array([5.0, 9.0])
    )
    assert heard == Value("a", 2.0, -3.0)
    logits = np.array([0.0, np.log(3)])
    said = predictions.answer_to(logits, "softmax", ("a", "b"), target=0, original=logits)
    assert said == Answer("b", pytest.approx(0.75))


def louder(weights, x):
    """Two values: a weighted loudness, always negative, and its opposite."""
    power = jnp.mean(x.reshape(-1, 4) ** 2, axis=0) @ weights
    return jnp.stack([-1 - power, 1 + power])


def classifier(first=2, **changes):
    model = Partial(louder, jnp.arange(1.0, 5.0))
    fields = {"labels": ("a", "b")[:first], "outputs": "value"} | changes
    one = lambda x: model(x)[:first]
    return Classifier(one, SAMPLES, **fields)


CLIP = 0.3 * jax.random.normal(KEY, (400,))


def test_one_value_is_the_target_whatever_its_sign():
    found = ax.explain(classifier(1), CLIP, key=KEY)
    assert found.target == 0 and float(found.logits["original"][0]) < 0
    assert found.finite and prediction(found.logits["original"], "value") == 0


def test_of_several_values_one_has_to_be_named():
    with pytest.raises(ValueError, match="outputs are 2 values, of which the largest is not"):
        ax.explain(classifier(), CLIP, key=KEY)
    found = ax.explain(classifier(), CLIP, target="a", key=KEY)
    np.testing.assert_allclose(
        found.relevance, ax.explain(classifier(1), CLIP, key=KEY).relevance, rtol=1e-5
    )
    with pytest.raises(ValueError, match="outputs are 2 values"):
        prediction(jnp.ones(2), "value")


@pytest.mark.parametrize("keep", ["smallest", ax.masks.smallest()])
def test_no_smallest_set_keeps_a_value(keep):
    with pytest.raises(ValueError, match=r"keep='smallest': the outputs are values") as refusal:
        ax.explain(classifier(1), CLIP, keep=keep, key=KEY)
    assert "one_label(.., least=)" in str(refusal.value)


def test_a_threshold_makes_a_label_of_a_value_whose_smallest_set_is_found():
    loud = ax.models.one_label(classifier(1).model, 0, least=-2.0)
    found = ax.explain(
        Classifier(loud, SAMPLES, ("quiet",), outputs="sigmoid"), CLIP, keep="smallest", key=KEY
    )
    assert 0 <= found.mask.sum() < 400 and float(found.logits["explanation"][0]) > 0


@pytest.mark.parametrize("question", ["probability", "class", "agreement"])
def test_only_the_value_itself_can_be_asked_for(question):
    values = jnp.array([-3.0])
    assert answer("logit", values, 0, outputs="value") == -3
    with pytest.raises(ValueError, match="values, which say no class: ask for question='logit'"):
        answer(question, values, 0, whole=values, outputs="value")
    with pytest.raises(ValueError, match="still the same: the outputs are values"):
        says(values, 0, "value")


def test_curves_follow_the_value_and_studies_of_kept_answers_are_refused():
    model = classifier(1)
    relevance = ax.explain(model, CLIP, key=KEY).relevance
    curve = perturbation_curve(model, CLIP, relevance, 0, fractions=4, question="logit")
    assert curve.shape == (5,) and np.all(np.isfinite(curve))
    np.testing.assert_allclose(curve[0], model.model(CLIP)[0], rtol=1e-6)
    with pytest.raises(ValueError, match="curves of kept answers: the outputs are values"):
        make_study(model, SAMPLES, {}, fractions=(0.1,), draws=1)


@pytest.mark.parametrize("windows", [1.5, 8.0])
def test_a_value_of_a_long_clip_is_the_mean_over_its_windows(windows):
    """Also where more windows than are evaluated at once are filled up by the last."""
    model = classifier(frames=100)
    clip = jax.random.normal(KEY, (int(100 * windows),))
    starts = [*range(0, len(clip) - 100, 50), len(clip) - 100]
    wanted = np.mean([model.model(clip[s : s + 100]) for s in starts], axis=0)
    np.testing.assert_allclose(model(clip), wanted, rtol=1e-6)


OWN = """\
import jax.numpy as jnp
from audioxai_jax import Classifier, domains

def build():
    quality = lambda x: 1 + 40 * jnp.mean(x ** 2, keepdims=True)
    return Classifier(quality, domains.samples(1000), ("quality",), outputs="value")

def several():
    both = lambda x: 100 * jnp.stack([jnp.mean(x ** 2), jnp.mean(jnp.abs(x))])
    return Classifier(both, domains.samples(1000), ("a", "b"), outputs="value")
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)
    Path("own.py").write_text(OWN)
    sound = 0.2 * np.random.default_rng(0).normal(size=1000)
    soundfile.write("x.wav", sound, 1000, subtype="FLOAT")


def test_the_command_prints_values_and_their_changes(here, capsys):
    arguments = ["explain", "--model", "own.py:build", "x.wav", "--out", "out"]
    assert cli.main([*arguments, "--json", "rows.json"]) == 0
    printed, (row,) = capsys.readouterr().out, json.loads(Path("rows.json").read_text())
    sound, _ = soundfile.read("x.wav")
    value = 1 + 40 * np.mean(sound**2)
    assert row["original"] == "quality" and row["original_value"] == pytest.approx(value, rel=1e-5)
    assert row["original_change"] is None and "original_probability" not in row
    assert row["removed_change"] == pytest.approx(row["removed_value"] - value, abs=1e-5)
    head, cells = printed.splitlines()[:2]
    assert head.split()[:2] == ["clip", "value"]
    assert f"quality {value:.4g} " in cells and f"({row['removed_change']:+.3g})" in cells
    assert "note: x: The model's outputs are values" in printed and "%" not in cells


def test_the_command_asks_which_of_several_values(here, capsys):
    arguments = ["explain", "--model", "own.py:several", "x.wav", "--out", "out"]
    assert cli.main(arguments) == 1
    assert "the outputs are 2 values" in complaint(capsys)
    assert cli.main([*arguments, "--target", "b"]) == 0
    assert cli.main([*arguments, "--target", "b", "--keep", "smallest", "--overwrite"]) == 1
    assert "keep='smallest': the outputs are values" in complaint(capsys)
