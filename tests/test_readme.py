"""The README's own code runs as it stands."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
import soundfile
from audioxai_jax.weights.pretrained import available

from audioxai_jax import METHODS, Codec
from audioxai_jax.cli import main
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.tasks import TASKS
from audioxai_jax.metrics.table import KINDS, METRICS
from tests.helpers import made_up_data as made_up


@pytest.fixture
def blocks(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", readme, re.DOTALL)


@pytest.mark.full_size
def test_batch_example(blocks):
    (code,) = (block for block in blocks if "explain_batch(" in block)
    names: dict = {}
    exec(code, names)
    assert names["found"].sounds["explanation"].shape == (8, 16_000)
    assert names["found"].relevance.shape == (8, 50, 64)


@pytest.mark.full_size
def test_method_example_on_the_command_line(blocks, tmp_path, monkeypatch, capsys):
    (code,) = (block for block in blocks if "@record" in block)
    (tmp_path / "my.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "--method", "my.py:build", "--out", "out"]) == 0
    assert "stop" in capsys.readouterr().out
    relevance = np.load(tmp_path / "out" / "stop" / "relevance.npz")["relevance"]
    assert relevance.min() >= 0 and relevance.max() > 0


def test_streaming_examples(blocks, tmp_path, monkeypatch):
    first, second = (block for block in blocks if "streaming.encode(" in block)
    sound = 0.1 * np.random.default_rng(0).normal(size=9_000)
    soundfile.write(tmp_path / "clip.wav", sound, 16_000)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(first, names)
    assert soundfile.info("decoded.wav").frames == 29 * 320  # whole frames

    smooth = lambda x: jnp.convolve(x, jnp.ones(161) / 161, "same")  # sees half a frame
    names["codec"] = Codec(
        encode=lambda x: smooth(jnp.pad(x, (0, -len(x) % 320))).reshape(-1, 320),
        decode=lambda z: smooth(z.ravel()),
        sample_rate=16_000,
        hop=320,
    )
    exec(second, names)
    whole = names["codec"].decode(names["codec"].encode(read_clip("clip.wav", 16_000).samples))
    np.testing.assert_allclose(np.concatenate(list(names["pieces"])), whole, atol=1e-6)


@pytest.mark.full_size
def test_attribution_example(blocks, capsys):
    (code,) = (block for block in blocks if "smooth = ax.smoothgrad(" in block)
    names: dict = {}
    exec(code, names)
    assert names["found"].relevance.shape == (3, 50, 64)
    assert names["every"].relevance.shape == (3, 12, 50, 64)
    assert names["error"].shape == (1, 50, 64) and np.all(names["error"] >= 0)
    assert len(np.unique(names["shares"].relevance)) == 10  # five by two boxes
    assert capsys.readouterr().out.startswith("500 evaluations")


@pytest.mark.full_size
def test_composite_example(blocks, capsys):
    (code,) = (block for block in blocks if "mine = composite(" in block)
    names: dict = {}
    exec(code, names)
    table, found = capsys.readouterr().out, names["found"]
    assert all(rule in table for rule in ("Flat", "Epsilon(epsilon=0.001)", "GeneralisedGamma"))
    assert "received" in table and found.points["down_0/kernel"].relevance.shape == (50, 128)
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance != 0)


@pytest.mark.full_size
def test_rule_example_on_the_command_line(blocks, tmp_path, monkeypatch, capsys):
    (code,) = (block for block in blocks if "def magnitudes" in block)
    (tmp_path / "my_rule.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "--method", "my_rule.py:build", "--out", "out"]) == 0
    assert "stop" in capsys.readouterr().out
    assert np.any(np.load(tmp_path / "out" / "stop" / "relevance.npz")["relevance"] != 0)


@pytest.mark.full_size
def test_hypothesis_example(blocks, capsys):
    (code,) = (block for block in blocks if "deletion_curves(" in block)
    names: dict = {}
    exec(code, names)
    whole = names["relevance"].sum(1)
    np.testing.assert_allclose(names["over_frequency"].sum(1), whole, atol=1e-4)
    np.testing.assert_allclose(names["cells"].sum((1, 2)), whole, atol=1e-4)
    assert names["sounds"].shape == (4, 16_000) and np.any(names["sounds"] != 0)
    assert "'mean'" in capsys.readouterr().out


@pytest.mark.full_size
def test_metrics_example(blocks, capsys):
    (code,) = (block for block in blocks if "deletion_auc, (None" in block)
    names: dict = {}
    exec(code, names)
    assert names["areas"].shape == (4,) and names["curve"].shape == (21,)
    assert np.all((names["curve"] >= 0) & (names["curve"] <= 1))
    assert np.all(names["control"]["low"] <= names["control"]["high"])
    assert capsys.readouterr().out.startswith("{'logits': ")


def test_every_metric_is_named_with_what_it_is_of(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    lines = {
        kind: next(line for line in readme.split("\n") if line.startswith(f'| `"{kind}"`'))
        for kind in KINDS
    }
    for name, metric in METRICS.items():
        assert f"`{name}`" in lines[metric.of]


def test_every_method_has_a_line_in_the_table(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in METHODS)


def test_data_example(blocks, tmp_path):
    (code,) = (block for block in blocks if "change_speed" in block)
    made_up.speech_commands(tmp_path)
    made_up.fsdd(tmp_path, range(2))
    names: dict = {}
    exec(code.replace('"DIR"', repr(str(tmp_path))), names)
    assert names["clips"].audio.shape == (12, 16_000)
    batch = names["batches"][7]
    assert batch["audio"].shape == (64, 16_000) and batch["audio"].dtype == np.float32


def test_every_task_split_and_head_is_named(repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    for task in TASKS.values():
        assert f"`{task.splits[0]}`" in readme
    assert all(f"`{head}`" in readme for head in ("transformer", "cnn", "gru", "listener"))
    assert all(f"`{name}`" in readme for names in available().values() for name in names)
