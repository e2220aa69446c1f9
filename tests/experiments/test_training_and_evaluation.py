"""The training and evaluation scripts, whole, on made-up data sets and tiny networks."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from audioxai_jax.data.splits import FSDD_SPEAKERS
from audioxai_jax.data.tasks import TASKS
from audioxai_jax.weights.load import load_codec, read_checkpoint
from tests.helpers import made_up_data as made_up

SCRIPTS = Path(__file__).parents[2]
CONFIG = """
from audioxai_jax.nets.codecs.{network} import {config}
name, network, config = "tiny", "{network}", {config}({sizes})
seed, batch, speeds, steps, peak_rate = 0, 2, (1.0, 1.1), (4, 4), (1e-3, 1e-3)
weights = {{"spectral": 1.0, "mel": 1.0, "waveform": 1.0, "cycle": 1.0}}
"""
GAINSHAPE = {
    "network": "gainshape",
    "config": "GainShapeConfig",
    "sizes": "width=16, encoder_blocks=1, decoder_blocks=1",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A clip per class and part of Speech Commands, two per digit and speaker of FSDD."""
    root = tmp_path_factory.mktemp("data")
    return made_up.fsdd(made_up.speech_commands(root), range(2))


def run(monkeypatch, script, *arguments, status=0):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    assert (stop.value.code or 0) == status


def train_codec(monkeypatch, data, out, *, network, config, sizes, steps=2):
    file = out / "config.py"
    out.mkdir(exist_ok=True)
    file.write_text(CONFIG.format(network=network, config=config, sizes=sizes))
    run(
        monkeypatch,
        "scripts/train_codec.py",
        "--config",
        file,
        "--data",
        data,
        "--out",
        out,
        "--stop-after",
        steps,
    )
    return out / "tiny.json"


@pytest.fixture(scope="module")
def codec(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return train_codec(patch, data, tmp_path_factory.mktemp("codec"), **GAINSHAPE)


@pytest.mark.full_size
def test_codec_classifier_listener_and_evaluation(monkeypatch, capsys, data, tmp_path, codec):
    manifest = load_codec(codec).manifest or {}
    assert manifest["metrics"]["val_log_mel_l1"] > 0
    assert "official test" in manifest["data"][0]["name"]
    assert (codec.parent / "tiny_masked.json").exists()
    log = [json.loads(s) for s in (codec.parent / "masked" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 2 and "cycle" in log[-1] and "val_si_sdr" in log[-1]

    runs, table = tmp_path / "runs", tmp_path / "accuracy.json"
    command = [
        "--codec",
        codec,
        "--data",
        data,
        "--out",
        runs,
        "--steps",
        1,
        "--json",
        table,
        "--heads",
        "transformer",
        "listener",
    ]
    run(monkeypatch, "scripts/train_classifier.py", *command)
    rows = json.loads(table.read_text())
    assert [row["head"] for row in rows] == ["transformer", "listener"]
    folder = runs / "keywords" / "speaker_disjoint"
    file = folder / "transformer/seed_0/keywords.safetensors"
    manifest = read_checkpoint(file, "classifier").manifest
    assert manifest["codec"] == "tiny" and tuple(manifest["labels"]) == TASKS["keywords"].labels
    assert (manifest["task"], manifest["split"]) == ("keywords", "speaker_disjoint")
    assert "never report official test accuracy" in manifest["note"]
    before = capsys.readouterr().out
    run(monkeypatch, "scripts/train_classifier.py", *command)  # all done: only the table again
    assert capsys.readouterr().out.splitlines()[-3:] == before.splitlines()[-3:]
    run(monkeypatch, "scripts/train_classifier.py", *command, "--steps", 2, status=1)
    assert "row.json holds results with other settings (steps)" in capsys.readouterr().err
    row = folder / "listener/seed_0/row.json"
    kept = row.read_text()
    row.write_text(json.dumps(rows[1] | {"settings": {}}))
    run(
        monkeypatch, "scripts/train_classifier.py", *command, status=1
    )  # it does not say what it is of
    assert "(batch, clips, codec, config, steps)" in capsys.readouterr().err
    row.write_text(kept)

    out = tmp_path / "evaluation"
    command = [
        "--data",
        data,
        "--codec",
        codec,
        "--out",
        out,
        "--clips",
        3,
        "--draws",
        2,
        "--classifiers",
        folder / "transformer/seed_0/keywords",
        "--listeners",
        folder / "listener/seed_0/keywords_listener",
        "--methods",
        "saliency",
        "--units",
        "feature",
        "channel",
    ]
    run(monkeypatch, "experiments/fidelity/evaluate.py", *command)
    table = json.loads((out / "table.json").read_text())
    assert (table["summary"]["clips"], table["summary"]["speakers"]) == (3, 2)  # one is silence
    rows = table["rows"]
    assert len(rows) == 2 * 2 * 3 * 10 + 3
    for row in rows:
        assert "speakers_low" not in row  # of two speakers an interval says too little
        assert 0 <= row["low"] <= row["score"] + 1e-6 and row["score"] <= row["high"] + 1e-6
    control = [r for r in rows if r["method"] == "random_control"]
    assert control and all(r["over_random"] == 0 for r in control)
    assert (out / "curves.png").stat().st_size > 10_000
    monkeypatch.setattr("audioxai_jax.map_examples", lambda *_, **__: pytest.fail("done again"))
    run(monkeypatch, "experiments/fidelity/evaluate.py", *command)
    assert json.loads((out / "table.json").read_text())["rows"] == rows
    monkeypatch.undo()
    run(monkeypatch, "experiments/fidelity/evaluate.py", *command, "--seed", 1, status=1)
    assert "other settings (seed)" in capsys.readouterr().err

    table = tmp_path / "codecs.json"
    run(
        monkeypatch,
        "experiments/codecs/evaluate.py",
        "--data",
        data,
        "--codecs",
        codec,
        "--listener",
        folder / "listener/seed_0/keywords_listener",
        "--json",
        table,
    )
    rows = json.loads(table.read_text())
    assert [row["codec"] for row in rows] == ["original", "linear MDCT-PCA", "tiny"]
    assert rows[0]["log_mel_l1"] == 0


@pytest.mark.full_size
def test_folds_are_pooled(monkeypatch, capsys, data, tmp_path, codec):
    """Two speakers are left out in turn; each classifier is judged on its own."""
    runs, splits = tmp_path / "runs", [f"without_{name}" for name in FSDD_SPEAKERS[:2]]
    command = ["--codec", codec, "--data", data, "--out", runs, "--steps", 1]
    command += ["--tasks", "digits", "--splits", *splits]
    command += ["--heads", "cnn", "listener"]
    run(monkeypatch, "scripts/train_classifier.py", *command)
    printed = capsys.readouterr().out
    lines = [line.split(" | ")[0] for line in printed.splitlines() if line.startswith("| digits")]
    assert lines == [f"| digits, {x}" for x in ("mean of the speakers left out", *splits)]
    place = lambda split, head, name: runs / "digits" / split / head / "seed_0" / name
    classifiers = [place(split, "cnn", "digits_cnn") for split in splits]
    listeners = [place(split, "listener", "digits_listener") for split in splits]
    command = [
        "--data",
        data,
        "--codec",
        codec,
        "--out",
        tmp_path / "e",
        "--clips",
        3,
        "--methods",
        "magnitude_control",
        "--units",
        "frame",
        "--draws",
        1,
    ]
    run(
        monkeypatch,
        "experiments/fidelity/evaluate.py",
        *command,
        "--classifiers",
        *classifiers,
        "--listeners",
        *listeners,
    )
    summary = json.loads((tmp_path / "e" / "table.json").read_text())["summary"]
    assert (summary["clips"], summary["speakers"]) == (6, 2)
    swapped = [*command[:5], tmp_path / "f", *command[6:]]
    run(
        monkeypatch,
        "experiments/fidelity/evaluate.py",
        *swapped,
        "--classifiers",
        *classifiers,
        "--listeners",
        *listeners[::-1],
        status=1,
    )
    assert "needs a listener for digits, without_george" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--heads", "lstm"], "unknown head 'lstm': known are transformer, cnn, gru, listener"),
        (["--heads", "gru:paper"], "unknown variant 'paper' of gru: known are code"),
        (["--splits", "random"], "of keywords: known are speaker_disjoint, official"),
        (["--codec", "none"], "unknown codec 'none'"),
    ],
)
def test_training_refuses_what_it_does_not_know(
    monkeypatch, capsys, data, tmp_path, arguments, said
):
    command = ["--data", data, "--out", tmp_path / "runs", *arguments]
    run(monkeypatch, "scripts/train_classifier.py", *command, status=1)
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0]


@pytest.mark.parametrize("steps", ["0", "-3", "many"])
def test_no_steps_are_no_training(monkeypatch, capsys, tmp_path, steps):
    arguments = ["--data", tmp_path, "--out", tmp_path / "x", "--steps", steps]
    run(monkeypatch, "scripts/train_classifier.py", *arguments, status=2)
    assert f"--steps: expected an integer of at least 1, got {steps!r}" in capsys.readouterr().err


def test_missing_data_is_said_in_one_line(monkeypatch, capsys, tmp_path):
    run(
        monkeypatch,
        "scripts/train_classifier.py",
        "--data",
        tmp_path,
        "--out",
        tmp_path / "x",
        status=1,
    )
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "holds no speech_commands" in line and "AUDIOXAI_DATA" in line


@pytest.mark.full_size
def test_a_finished_training_is_not_repeated(monkeypatch, data, codec):
    """The same command loads what there is, and writes the very same weights."""
    first = codec.with_suffix(".safetensors").read_bytes()
    log = (codec.parent / "masked" / "log.jsonl").read_text()
    train_codec(monkeypatch, data, codec.parent, **GAINSHAPE)
    assert codec.with_suffix(".safetensors").read_bytes() == first
    assert (codec.parent / "masked" / "log.jsonl").read_text() == log


@pytest.mark.full_size
def test_seanet_trains_too(monkeypatch, data, tmp_path, request):
    found = train_codec(
        monkeypatch,
        data,
        tmp_path,
        network="seanet",
        config="SeanetConfig",
        sizes="sample_rate=16_000, latent=8, filters=2, strides=(8, 5), lstm=0",
    )
    manifest = load_codec(found).manifest or {}
    assert manifest["network"] == "seanet" and manifest["sample_rate"] == 16_000
    assert np.isfinite(manifest["metrics"]["val_si_sdr_db"])
