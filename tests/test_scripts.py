"""The training and evaluation scripts, whole, on a made-up data set and tiny networks."""

import io
import json
import runpy
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audioxai_jax.data.speech_commands import LABELS

from audioxai_jax import pretrained

SCRIPTS = Path(__file__).parents[1] / "scripts"
CONFIG = """
from audioxai_jax.nets.{network} import {config}
name, network, config = "tiny", "{network}", {config}({sizes})
seed, batch, speeds, steps, peak_rate = 0, 2, (1.0, 1.1), (4, 4), (1e-3, 1e-3)
weights = {{"spectral": 1.0, "mel": 1.0, "waveform": 1.0, "cycle": 1.0}}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two seconds of noise per class and split, in the layout of the real data."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "speech_commands"
    folder.mkdir()
    random = np.random.default_rng(0)
    lines = ["file,label,speaker,split,duplicate"]
    with tarfile.open(folder / "speech_commands.tar", "w") as tar:
        for split in ("train", "val", "test"):
            for number, label in enumerate(LABELS):
                name = f"{label}/{split}_nohash_{number}.flac"
                lines.append(f"{name},{label},{split}{number},{split},0")
                stream = io.BytesIO()
                sound = random.integers(-3000, 3000, 16_000).astype(np.int16)
                soundfile.write(stream, sound, 16_000, format="FLAC")
                info = tarfile.TarInfo(name)
                info.size = len(stream.getvalue())
                stream.seek(0)
                tar.addfile(info, stream)
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return root


def run(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    runpy.run_path(str(SCRIPTS / script), run_name="__main__")


def train_codec(monkeypatch, data, out, *, network, config, sizes, steps=2):
    file = out / "config.py"
    out.mkdir(exist_ok=True)
    file.write_text(CONFIG.format(network=network, config=config, sizes=sizes))
    run(monkeypatch, "train_codec.py", "--config", file, "--data", data, "--out", out,
        "--stop-after", steps)  # fmt: skip
    return out / "tiny.json"


def test_codec_classifier_listener_and_evaluation(monkeypatch, capsys, data, tmp_path):
    codec = train_codec(
        monkeypatch, data, tmp_path, network="gainshape", config="GainShapeConfig",
        sizes="width=16, encoder_blocks=1, decoder_blocks=1",
    )  # fmt: skip
    _, manifest = pretrained.load_codec(codec)
    assert manifest["metrics"]["val_log_mel_l1"] > 0
    assert (tmp_path / "tiny_masked.json").exists()
    log = [json.loads(s) for s in (tmp_path / "masked" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 2 and "cycle" in log[-1] and "val_si_sdr" in log[-1]

    common = ("--data", data, "--steps", 1)
    words, judge = tmp_path / "words", tmp_path / "judge"
    run(monkeypatch, "train_classifier.py", "--codec", codec, "--out", words, *common)
    run(monkeypatch, "train_classifier.py", "--listener", "--out", judge, *common)
    assert "listener" in capsys.readouterr().out
    classifier, _ = pretrained.load_classifier(words / "seed_0" / "keywords.json")
    assert classifier.codec == "tiny" and classifier.labels == LABELS

    table = tmp_path / "table.json"
    run(
        monkeypatch, "evaluate.py", "--data", data, "--codec", codec,
        "--classifier", words / "seed_0" / "keywords.json",
        "--listener", judge / "seed_0" / "listener.json", "--json", table,
        "--methods", "random_control", "--clips", 2,
    )  # fmt: skip
    rows = json.loads(table.read_text())["rows"]
    assert len(rows) == 2 * 3 * 7 + 3
    assert all(0 <= r["low"] <= r["score"] + 1e-6 and r["score"] <= r["high"] + 1e-6 for r in rows)
    whole = [r for r in rows if r["method"] == "random_control" and r["edit"] == "keep"]
    assert all(r["over_random"] == 0 for r in whole)

    table = tmp_path / "codecs.json"
    run(
        monkeypatch, "evaluate_codec.py", "--data", data, "--codecs", codec,
        "--listener", judge / "seed_0" / "listener.json", "--json", table,
    )  # fmt: skip
    rows = json.loads(table.read_text())
    assert [row["codec"] for row in rows] == ["original", "linear MDCT-PCA", "tiny"]
    assert rows[0]["log_mel_l1"] == 0


def test_seanet_trains_too_and_resumes(monkeypatch, data, tmp_path):
    def train(out, steps):
        return train_codec(
            monkeypatch, data, out, network="seanet", config="SeanetConfig", steps=steps,
            sizes="sample_rate=16_000, latent=8, filters=2, strides=(8, 5), lstm=0",
        )  # fmt: skip

    _, manifest = pretrained.load_codec(train(tmp_path / "once", 2))
    assert manifest["network"] == "seanet" and manifest["sample_rate"] == 16_000
    first = (tmp_path / "once" / "tiny.safetensors").read_bytes()
    train(tmp_path / "once", 2)  # finished: loaded, not trained again
    assert (tmp_path / "once" / "tiny.safetensors").read_bytes() == first
