"""The README's own code runs as it stands."""

import re

import numpy as np
import pytest

from audioxai_jax import METHODS
from audioxai_jax.cli import main


@pytest.fixture
def blocks(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", readme, re.DOTALL)


def test_batch_example(blocks):
    (code,) = (block for block in blocks if "explain_batch(" in block)
    names: dict = {}
    exec(code, names)
    assert names["found"].sounds["explanation"].shape == (8, 16_000)
    assert names["found"].relevance.shape == (8, 50, 64)


def test_method_example_on_the_command_line(blocks, tmp_path, monkeypatch, capsys):
    (code,) = (block for block in blocks if "@record" in block)
    (tmp_path / "my.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "--method", "my.py:build", "--out", "out"]) == 0
    assert "stop" in capsys.readouterr().out
    relevance = np.load(tmp_path / "out" / "stop" / "relevance.npz")["relevance"]
    assert relevance.min() >= 0 and relevance.max() > 0


def test_every_method_has_a_line_in_the_table(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in METHODS)
