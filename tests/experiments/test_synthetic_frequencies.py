"""The script of the synthetic task, whole: relevance lies where the class is decided."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "synthetic_frequencies" / "run.py"


@pytest.mark.full_size
def test_relevance_lies_on_the_tones_that_decide(monkeypatch, capsys, tmp_path):
    table = tmp_path / "table.json"
    options = {"--seeds": 1, "--steps": 300, "--signals": 128, "--json": table}
    monkeypatch.setattr(sys, "argv", ["", *(str(v) for pair in options.items() for v in pair)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert not stop.value.code
    found = json.loads(table.read_text())
    assert found["accuracy"][0] > 0.98
    shares = {row["method"]: row["share"][0] for row in found["rows"]}
    assert len(shares) == 5 and max(shares.pop("energy")) < 0.1
    shares.pop("LRP-z+")
    for name, (absolute, positive) in shares.items():
        assert absolute > 0.9 and positive > 0.95, name
    assert "| LRP-epsilon | 9" in capsys.readouterr().out


def test_signals_are_what_the_task_says():
    script = runpy.run_path(str(SCRIPT))
    signals, labels = script["draw"](np.random.default_rng(0), 128)
    amplitude = np.abs(np.fft.rfft(signals)) / 1280
    present = amplitude > 0.5
    np.testing.assert_allclose(amplitude[present], 1, atol=5e-3)
    np.testing.assert_array_less(amplitude[~present], 5e-3)
    assert not present[:, 0].any() and not present[:, 64:].any()
    number = present.sum(1)
    assert number.min() >= 10 and number.max() <= 49
    np.testing.assert_array_equal(labels, present[:, [5, 16, 32, 53]] @ [1, 2, 4, 8])
    assert len(set(labels.tolist())) == 16
