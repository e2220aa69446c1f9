"""The rerun of arXiv 2410.07530, whole, on made-up data and a tiny codec: train, judge, resume."""

import json
import runpy
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import audioxai_jax
from audioxai_jax.data.tasks import TASKS
from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.weights.load import load_classifier, load_codec
from audioxai_jax.weights.save import save
from experiments.akman2024.protocol import KEPT
from tests.helpers import made_up_data as made_up
from tests.helpers import small_models

SCRIPTS = Path(__file__).parents[2] / "experiments" / "akman2024"


def run(monkeypatch, *arguments, status=0):
    script = SCRIPTS / "reproduce.py"
    monkeypatch.setattr(sys, "argv", [script.name, *map(str, arguments)])
    monkeypatch.syspath_prepend(str(SCRIPTS))
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(script), run_name="__main__")
    assert (stop.value.code or 0) == status


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return made_up.speech_commands(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The codec `bare`, which knows no mean, and two classifiers of its latents."""
    folder = tmp_path_factory.mktemp("models")
    small_models.save(folder)
    labels = TASKS["keywords"].labels
    config = transformer.TransformerConfig(channels=12, classes=12, width=8, layers=0, reach=0)
    fields = {
        "kind": "classifier",
        "network": "transformer",
        "config": config,
        "codec": "bare",
        "labels": labels,
        "frames": 50,
        "task": "keywords",
        "split": "speaker_disjoint",
    }
    for seed in range(2):
        params = transformer.init(config, jax.random.key(seed))
        save(folder, f"words_{seed}", fields, params)
    return folder


@pytest.mark.full_size
def test_everything(monkeypatch, capsys, data, models, tmp_path):
    out = tmp_path / "out"
    command = [
        "--data",
        data,
        "--codec",
        models / "bare.json",
        "--out",
        out,
        "--clips",
        3,
        "--seeds",
        2,
        "--methods",
        "integrated_gradients",
        "saliency",
        "--classifiers",
        models / "words_0",
        models / "words_1",
        "--json",
        tmp_path / "rows" / "table.json",
    ]
    run(monkeypatch, *command)
    printed = capsys.readouterr().out
    assert "12 classes (the paper: 35)" in printed and "Which claims hold here" in printed
    text = (out / "results.md").read_text()
    assert text.strip() in printed
    result = json.loads((out / "results.json").read_text())
    assert result["clips"] == 3 and result["test_clips"] == 12
    assert len(result["accuracy"]["seeds"]) == len(result["classifiers"]) == 2
    rows = result["rows"]
    assert json.loads((tmp_path / "rows" / "table.json").read_text()) == rows
    assert len(rows) == 2 * 2 * 3 * 3 * 2 * 7
    for row in rows:
        assert 0 <= row["low"] <= row["score"] + 1e-6 <= row["high"] + 2e-6 <= 1 + 3e-6
        ends = row["mode"], row["fraction"], row["column"], row["arm"]
        if ends == ("keep", 1.0, "code_faithful", "latent"):
            assert row["score"] == 1  # nothing was replaced
        if ends == ("delete", KEPT[-1], "code_faithful", "waveform"):
            assert row["score"] == 0
    assert np.sum(result["confusion"]["fair"]) == 2 * 3
    pictures = ("fidelity_zero", "fidelity_mean", "fidelity_noise", "confusion", "spectrograms")
    for picture in pictures:
        assert (out / f"{picture}.png").stat().st_size > 5_000

    # Killed after the first classifier: only what is missing is done, and the same comes out.
    kept = json.dumps(rows)
    (missing,) = (out / "parts" / "judged_1").glob("*.npz")
    missing.unlink()
    names = []
    real = audioxai_jax.map_examples

    def counted(function, *arguments, **named):
        names.append(function.__name__)
        return real(function, *arguments, **named)

    monkeypatch.setattr("audioxai_jax.map_examples", counted)
    run(monkeypatch, *command)
    assert names == ["judge_clip"]
    assert json.dumps(json.loads((out / "results.json").read_text())["rows"]) == kept
    run(monkeypatch, *command)
    assert names == ["judge_clip"]
    capsys.readouterr()
    run(monkeypatch, *command, "--seed", 1, status=1)
    assert "other settings (seed)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "no classifier of keywords on latents of 'bare' is shipped: train some"),
        (["--task", "ser"], "no classifier of emotion on latents of 'bare' is shipped"),
        (["--classifier", "digits"], "reads latents of the codec 'gainshape_16khz'"),
    ],
)
def test_it_refuses_what_does_not_fit(monkeypatch, capsys, models, tmp_path, arguments, said):
    command = ["--data", tmp_path, "--codec", models / "bare.json", "--out", tmp_path / "out"]
    run(monkeypatch, *command, *arguments, status=1)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


@pytest.mark.full_size
def test_classifiers_are_trained(monkeypatch, data, models, tmp_path):
    out = tmp_path / "out"
    command = [
        "--data",
        data,
        "--codec",
        models / "bare.json",
        "--out",
        out,
        "--clips",
        2,
        "--seeds",
        1,
        "--methods",
        "saliency",
        "--train-seeds",
        1,
        "--train-steps",
        1,
    ]
    run(monkeypatch, *command)
    (name,) = json.loads((out / "results.json").read_text())["classifiers"]
    assert (out / "classifiers") in Path(name).parents
    classifier = load_classifier(name, load_codec(models / "bare.json"))
    assert (classifier.manifest or {})["metrics"]["seed"] == 0


def test_a_classifier_of_another_task_is_refused(monkeypatch, capsys, tmp_path):
    command = ["--data", tmp_path, "--out", tmp_path / "out", "--classifier", "digits"]
    run(monkeypatch, *command, status=1)
    assert "not for keywords, speaker_disjoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--methods", "lrp", "saliency", "lrp"], "--methods names one twice"),
        (["--classifiers", "keywords", "keywords"], "--classifiers names one twice"),
        (["--clips", "1"], "an interval needs two clips"),
        (["--train-steps", "3"], "add --train-seeds"),
        (["--level", "nan"], "must be a number of dB"),
        (["--json", "-"], "for standard output write /dev/stdout"),
        (["--json", f"{__file__}/rows.json"], "test_reproduce_akman2024.py: is not a folder"),
    ],
)
def test_options_that_would_mislead_are_refused(monkeypatch, capsys, tmp_path, arguments, said):
    """A method that is there twice would be read as random features."""
    run(monkeypatch, "--data", tmp_path, "--out", tmp_path / "out", *arguments, status=2)
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()
