"""experiments/audiomnist/reproduce.py, whole, on a made-up checkout: 60 speakers, real networks."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from audioxai_jax.data.splits import DIGIT_BLOCKS, SEX_BLOCKS
from audioxai_jax.weights.load import read_checkpoint
from experiments.audiomnist import clips as audiomnist
from tests.helpers import made_up_data as made_up

SCRIPT = Path(__file__).parents[2] / "experiments" / "audiomnist" / "reproduce.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return made_up.audiomnist(tmp_path_factory.mktemp("data"), digits=(1, 4, 8))


def run(monkeypatch, data, out, *arguments, status=0):
    command = [SCRIPT.name, "--data", data, "--out", out, "--steps", 2, "--clips", 4, *arguments]
    monkeypatch.setattr(sys, "argv", [str(word) for word in command])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert (stop.value.code or 0) == status


@pytest.mark.full_size
@pytest.mark.parametrize(
    "task, nets, folds",
    [("digit", ["audionet"], ["digit_0", "digit_3"]), ("sex", ["audionet", "alexnet"], ["sex_1"])],
)
def test_everything(monkeypatch, capsys, data, tmp_path, task, nets, folds):
    command = ["--task", task, "--net", *nets, "--folds", *folds]
    command += ["--json", tmp_path / "rows.json"]
    run(monkeypatch, data, tmp_path, *command)
    printed, folder = capsys.readouterr().out, tmp_path / f"audiomnist_{task}"
    assert printed.strip() == (folder / f"modern_{'_'.join(nets)}.md").read_text().strip()
    assert "the paper's, on AudioMNIST" in printed and "| lrp | " in printed
    assert ("## Both on the same" in printed) == (len(nets) == 2)
    found = json.loads((tmp_path / "rows.json").read_text())
    tables = {"accuracy", "deletion", "moves"}
    tables |= {"shares", "correlations"} if len(nets) == 2 else set()
    assert {row["table"] for row in found} == tables
    assert [r["fold"] for r in found if r["table"] == "accuracy"] == folds * len(nets)
    for net in nets:
        assert (folder / f"modern_training_{net}.png").is_file()
        table = json.loads((folder / f"modern_deletion_{net}.json").read_text())
        rows = table["label"]
        assert list(table["prediction"]) == list(rows) and table["folds"] == folds
        assert all(row["left"][0] == 1 for row in table["prediction"][list(rows)[0]])
        domains = (
            ["samples", "sounding", "frequencies", "time_frequency"]
            if net == "audionet"
            else ["cells"]
        )
        assert list(rows) == domains
        for row in rows[domains[0]]:
            assert len(row["left"]) == 7
            assert np.all(np.less_equal(row["low"], row["left"]))
            assert np.all(np.less_equal(row["left"], row["high"]))
            assert ("before_random" in row) == (row["ranking"] not in ("magnitude", "random"))
    blocks = DIGIT_BLOCKS if task == "digit" else [(*w, *m) for w, m in SEX_BLOCKS]
    for fold in folds:
        place = folder / f"{nets[0]}_modern" / fold
        read = read_checkpoint(place / nets[0], "network")
        network, manifest = read.network, read.manifest
        assert network.features is not None
        features = network.features(read.config, np.zeros(8000, np.float32))
        assert manifest["split"] == fold and manifest["data"][0]["licence"] == "MIT"
        assert "conv_0" in (place / "rules.txt").read_text()
        settings = json.loads((place / "tests" / "settings.json").read_text())
        heard = {name.split("/")[0] for name in settings["clips"]}
        assert heard <= {f"{speaker:02d}" for speaker in map(int, blocks[int(fold[-1])])}
        assert np.isfinite(network.build(read.config, read.params)(features)).all()

    states = sorted(folder.rglob("row.json")) + sorted(folder.rglob("tests/*.npz"))
    before = [file.stat().st_mtime_ns for file in states]
    run(monkeypatch, data, tmp_path, *command)  # all is done: nothing is computed again
    assert capsys.readouterr().out == printed
    assert [file.stat().st_mtime_ns for file in states] == before
    run(monkeypatch, data, tmp_path, *command, "--seed", 1, status=1)
    assert "other settings (clips, seed)" in capsys.readouterr().err


def test_mistakes_are_said_before_any_work(monkeypatch, capsys, data, tmp_path):
    run(monkeypatch, data, tmp_path, "--folds", "digit_5", status=2)
    assert "unknown fold 'digit_5': known are digit_0" in capsys.readouterr().err
    run(monkeypatch, data, tmp_path, "--dataset", "fsdd", "--task", "sex", status=2)
    assert "sex cannot be asked of fsdd" in capsys.readouterr().err
    run(monkeypatch, data, tmp_path, "--net", "audionet", "audionet:rectified", status=2)
    assert "one of each kind" in capsys.readouterr().err


def test_the_sexes_are_those_of_the_metadata(data, tmp_path):
    clips = audiomnist.load(data, "audiomnist", "sex", cache=tmp_path)
    women = {f"{speaker:02d}" for speaker in made_up.WOMEN}
    assert {s for s, t in zip(clips.speaker, clips.target, strict=True) if t == 1} == women
