"""The command looks at a user's model before it explains a clip."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioxai_jax import cli
from tests.helpers.refusals import complaint

MODEL = """\
import jax, jax.numpy as jnp
from audioxai_jax import Classifier, domains

W = 0.05 * jax.random.normal(jax.random.key(0), (250, 3))
standardised = lambda x: (x - x.mean()) / jnp.sqrt(x.var() + 1e-12)
back = lambda z: jnp.tanh(z.reshape(-1, 250) @ W).mean(axis=0)

def whole():
    return Classifier(lambda x: back(standardised(x)), domains.samples(1000))

def behind():
    return Classifier(back, domains.normalised(1000, standardised))

def shares():
    return Classifier(lambda x: jax.nn.softmax(back(x)), domains.samples(1000))

def roots():  # the level of each 250 samples
    return Classifier(
        lambda x: jnp.sqrt(jnp.sum(x.reshape(-1, 250) ** 2, axis=1))[:3], domains.samples(1000)
    )

def half():
    return Classifier(lambda x: back(x[:500]), domains.samples(1000))
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)
    Path("own.py").write_text(MODEL)
    for seed, name in enumerate("ab"):
        samples = 0.1 * np.random.default_rng(seed).normal(size=1000)
        soundfile.write(f"{name}.wav", samples, 1000, subtype="PCM_16")


def explain(model, *arguments):
    return cli.main(["explain", "--model", f"own.py:{model}", "--out", "out", *arguments])


def test_a_method_that_would_explain_nothing_is_refused_in_one_line_for_all_clips(capsys):
    assert explain("whole", "a.wav", "b.wav", "--json", "rows.json") == 1
    said = complaint(capsys)
    assert "--method integrated_gradients: the method shares out the change" in said
    assert "one answer all the way from silence" in said and "--method lrp" in said
    assert not Path("out/a").exists() and Path("rows.json").read_text().strip() == "[]"


def test_behind_the_normalisation_it_explains_and_has_nothing_to_say(capsys):
    assert explain("behind", "a.wav") == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "note:" not in printed.out


def test_another_method_explains_it_and_the_model_is_told_once(capsys):
    assert explain("whole", "a.wav", "b.wav", "--method", "lrp") == 0
    printed = capsys.readouterr()
    assert printed.out.count("note: The model ignores level") == 1 and printed.err == ""


@pytest.mark.parametrize(
    "model, said",
    [
        ("shares", "note: The model ends in a softmax"),
        (
            "half",
            "note: The output has no slope along 50 % of the features on the way from silence to "
            "the clip: 0.5 to 0.999 s.",
        ),
    ],
)
def test_what_is_worth_telling_is_told(model, said, capsys):
    assert explain(model, "a.wav", "--method", "saliency") == 0
    assert said in capsys.readouterr().out


def silent_half(name):
    samples = 0.1 * np.random.default_rng(0).normal(size=1000)
    soundfile.write(name, np.where(np.arange(1000) < 500, samples, 0), 1000, subtype="PCM_16")


def test_a_gradient_that_is_not_a_number_is_refused_with_what_to_do(capsys):
    silent_half("half.wav")
    assert explain("roots", "half.wav", "--target", "0") == 1
    said = complaint(capsys)
    assert "takes the gradient, which is NaN or infinite at the clip, first made by sqrt" in said
    assert said.rstrip().endswith("e.g. --safe-gradients or --method lrp")
    assert not Path("out/half").exists()


def test_safe_gradients_explain_it_and_the_report_says_so(capsys):
    silent_half("half.wav")
    for method in ("saliency", "integrated_gradients"):
        options = ("--target", "0", "--method", method, "--safe-gradients", "--overwrite")
        assert explain("roots", "half.wav", *options) == 0
        relevance = np.load("out/half/relevance.npz")["relevance"]
        assert relevance[:250].any() and not relevance[500:].any()
    assert json.loads(Path("out/half/explanation.json").read_text())["safe_gradients"] is True
    page = Path("out/half/report.html").read_text()
    assert "derivatives that are not finite count as 0" in page
    assert "NaN" not in capsys.readouterr().out


def test_methods_without_a_gradient_are_not_told_of_it(capsys):
    silent_half("half.wav")
    for method in ("lrp", "occlusion"):
        assert explain("roots", "half.wav", "--method", method, "--overwrite") == 0
    printed = capsys.readouterr()
    assert "The gradient" not in printed.out and printed.err == ""
    assert json.loads(Path("out/half/explanation.json").read_text())["safe_gradients"] is False


def test_a_clip_that_cannot_be_read_does_not_keep_the_model_from_being_looked_at(capsys):
    Path("no.wav").write_bytes(b"not a sound")
    assert explain("whole", "no.wav", "a.wav") == 1
    assert "--method integrated_gradients: " in complaint(capsys)
