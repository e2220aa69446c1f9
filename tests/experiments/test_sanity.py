"""The sanity checks of all methods, as a script, with the shipped models on made-up clips."""

import json
import runpy
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.sanity.checks import CHECKS, summary
from tests.helpers import made_up_data as made_up

SCRIPT = Path(__file__).parents[2] / "experiments" / "sanity" / "run.py"


def run(monkeypatch, *arguments, status=0):
    monkeypatch.setattr(sys, "argv", ["sanity.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert (stop.value.code or 0) == status


def test_clips_without_a_number_are_counted_and_left_out():
    speakers, key = np.arange(24) % 12, jax.random.key(0)
    areas = np.random.default_rng(0).random(24)
    found = {name: np.where(np.arange(24) < 2, np.nan, areas) for name in CHECKS}
    found["area"] = areas - 1
    row = summary(found, speakers, key)
    assert row["over_random"] == pytest.approx(1)
    assert row["over_random_speakers_low"] == pytest.approx(1) and row["beats_random"]
    assert row["all"] == pytest.approx(np.median(areas[2:]))
    assert row["all_low"] <= row["all"] <= row["all_high"] and not row["depends_on_parameters"]
    assert row["undefined"] == {name: 0 if name == "area" else 2 for name in CHECKS}
    found["area"] = areas + np.where(speakers < 8, 0.5, -0.4)  # worse than random for eight
    assert not summary(found, speakers, key)["beats_random"]
    nothing = summary(found | {"all": np.full(24, np.nan)}, speakers % 9, key)
    assert np.isnan([nothing["all"], nothing["all_high"]]).all()
    assert not nothing["depends_on_parameters"] and "over_random_speakers_low" not in nothing


@pytest.mark.full_size
def test_two_methods_and_a_control(monkeypatch, capsys, tmp_path):
    data, out = made_up.speech_commands(tmp_path / "data"), tmp_path / "sanity"
    command = ["--data", data, "--out", out, "--clips", 3, "--draws", 2]
    run(monkeypatch, *command, "--methods", "saliency", "random_control")
    table = json.loads((out / "sanity.json").read_text())
    assert table["layers"][0] == "logits" and table["layers"][-1] == "embed"
    gradient, control = table["rows"]
    for name in ("top", "top_absolute", "all", "all_absolute", "other"):
        assert control[name] == pytest.approx(1, abs=1e-5)
        assert abs(gradient[name]) < 0.95
    assert control["sensitivity"] == 0 < gradient["sensitivity"]
    assert not control["depends_on_parameters"] and gradient["depends_on_parameters"]
    assert control["sparseness"] == pytest.approx(0.414, abs=0.02)  # sqrt(2) - 1
    for row in table["rows"]:
        for name in ("over_random", "top", "all", "other", "sensitivity", "sparseness"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row["beats_random"] == (row["over_random_low"] > 0)
    assert "| random_control |" in capsys.readouterr().out

    monkeypatch.setattr("audioxai_jax.engine.batch", lambda *_, **__: pytest.fail("done again"))
    run(monkeypatch, *command, "--methods", "random_control")
    assert json.loads((out / "sanity.json").read_text())["rows"] == [control]
    monkeypatch.undo()
    run(monkeypatch, *command, "--methods", "saliency", "--seed", 1, status=1)
    assert "other settings (seed)" in capsys.readouterr().err
