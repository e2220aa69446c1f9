"""docs/other_frameworks.md: its code runs as it stands, on the command line too."""

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import cli, example_clip
from audioxai_jax.models.bridges.pytorch import exported
from tests.test_docs import python_blocks, run

torch = pytest.importorskip("torch")


@pytest.fixture
def blocks(repo):
    return python_blocks(repo, "docs/other_frameworks.md")


def test_the_module_of_a_users_file_is_explained(blocks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)
    (tmp_path / "my.py").write_text(blocks[0])
    command = ["explain", str(example_clip()), "--model", "torch:my.py:build", "--method", "lrp"]
    assert cli.main(command) == 1
    assert "add --model-set sample_rate=16000" in capsys.readouterr().err
    assert cli.main([*command, "--model-set", "sample_rate=16000"]) == 0
    assert (tmp_path / "explanation" / "stop" / "report.html").is_file()


def test_two_files_are_one_classifier(blocks, tmp_path):
    halves = torch.nn.Linear(8, 4).eval(), torch.nn.Linear(4, 2).eval()
    for number, (half, width) in enumerate(zip(halves, (8, 4), strict=True)):
        content, _ = exported(half, torch.zeros(1, width))
        (tmp_path / f"{number}.onnx").write_bytes(content)
    chained = run(blocks[1])["chained"](tmp_path / "0.onnx", tmp_path / "1.onnx")
    audio = np.linspace(-1, 1, 8, dtype=np.float32)
    with torch.no_grad():
        wanted = halves[1](halves[0](torch.from_numpy(audio)[None]))[0].numpy()
    np.testing.assert_allclose(chained(jnp.asarray(audio)), wanted, rtol=1e-5, atol=1e-6)
