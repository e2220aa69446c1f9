"""Code and tables of README.md and docs/: what is shown runs as it stands, nothing is missing."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from audioxai_jax import METHODS, Codec, example_clip
from audioxai_jax.cli import main
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.tasks import TASKS
from audioxai_jax.domains import DOMAINS
from audioxai_jax.metrics.table import KINDS, METRICS
from audioxai_jax.models.subjects import SUBJECTS
from audioxai_jax.weights.registry import available
from tests.helpers import made_up_data as made_up
from tests.test_imports import PARTS

PAGES = {
    "README.md": 2,
    "docs/getting_started.md": 1,
    "docs/your_model.md": 2,
    "docs/other_frameworks.md": 2,
    "docs/your_codec.md": 1,
    "docs/attribution.md": 2,
    "docs/lrp.md": 1,
    "docs/domains.md": 1,
    "docs/metrics.md": 1,
    "docs/long_sounds.md": 2,
    "docs/data_and_training.md": 1,
}
"""Blocks of Python on each page, those that are a file of `examples/` left out: they have their
own test."""

SAMPLES = 11_840
"""Of the example clip."""


def python_blocks(repo, page):
    text = (repo / page).read_text(encoding="utf-8")
    examples = {path.read_text(encoding="utf-8") for path in (repo / "examples").glob("*.py")}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return [block for block in blocks if block not in examples]


@pytest.fixture
def blocks(repo, tmp_path, monkeypatch):
    """Blocks of a page, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda page: python_blocks(repo, page)


def run(code, names=None):
    names = {} if names is None else names
    exec(code, names)
    return names


def test_every_block_is_run_here(repo):
    pages = ["README.md", *(str(path.relative_to(repo)) for path in (repo / "docs").glob("*.md"))]
    counts = {page: len(python_blocks(repo, page)) for page in pages}
    assert {page: count for page, count in counts.items() if count} == PAGES


@pytest.mark.full_size
def test_explain_a_shipped_classifier(blocks):
    names = run(blocks("README.md")[0])
    written, rate = soundfile.read("explanation.wav")
    assert (len(written), rate) == (SAMPLES, 16_000) and np.any(written != 0)
    assert names["explanation"].relevance.shape == (80, 72)


def test_explain_a_waveform_model(blocks):
    explanation = run(blocks("README.md")[1])["explanation"]
    assert explanation.relevance.shape[0] == SAMPLES // 2 + 1 and np.any(explanation.relevance != 0)
    kept = explanation.sounds["explanation"] + explanation.sounds["removed"]
    np.testing.assert_allclose(kept, explanation.sounds["reconstruction"], atol=1e-5)
    assert soundfile.info("explanation.wav").frames == SAMPLES


@pytest.mark.full_size
def test_batch(blocks):
    (code,) = blocks("docs/getting_started.md")
    explanation = run(code)["explanation"]
    assert explanation.sounds["explanation"].shape == (8, 16_000)
    assert explanation.relevance.shape == (8, 50, 64)
    assert explanation.logits["original"].shape == (8, 12)


def test_single_logit(blocks):
    classifier = run(blocks("docs/your_model.md")[1])["build"]()
    assert classifier(jnp.ones((50, 64))).shape == (1,) and classifier.labels == ("siren",)


def test_a_model_behind_its_normalisation(blocks, capsys):
    explanation = run(blocks("docs/your_model.md")[0])["explanation"]
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("The model ignores level") and "all the way from silence" in second
    assert explanation.info["completeness_gap"] < 1e-3
    assert soundfile.info("explanation.wav").frames == SAMPLES


@pytest.mark.full_size
def test_attribution(blocks, capsys):
    code, ranked = blocks("docs/attribution.md")
    names = run(code)
    assert names["attribution"].relevance.shape == (3, 50, 64)
    assert names["every"].relevance.shape == (3, 12, 50, 64)
    assert names["error"].shape == (1, 50, 64) and np.all(names["error"] >= 0)
    assert len(np.unique(names["shares"].relevance)) == 10  # five by two boxes
    assert capsys.readouterr().out.startswith("500 evaluations")
    names = run(ranked)
    assert names["heard"].mask.shape == (50, 64) and names["scores"].shape == (800,)
    units = names["classifier"].reads.units((50, 64))["cell"]
    kept = np.unique(units[np.asarray(names["heard"].mask) == 1])
    assert len(kept) == 160


@pytest.mark.full_size
def test_composite(blocks, capsys):
    (code,) = blocks("docs/lrp.md")
    propagation = run(code)["propagation"]
    table = capsys.readouterr().out
    assert all(rule in table for rule in ("Flat", "Epsilon(epsilon=0.001)", "GeneralisedGamma"))
    assert "received" in table
    assert propagation.points["down_0/kernel"].relevance.shape == (50, 128)
    assert np.all(np.isfinite(propagation.relevance)) and np.any(propagation.relevance != 0)


@pytest.mark.full_size
def test_hypotheses(blocks, capsys):
    (code,) = blocks("docs/domains.md")
    names = run(code)
    whole = names["relevance"].sum(1)
    np.testing.assert_allclose(names["over_frequency"].sum(1), whole, atol=1e-4)
    np.testing.assert_allclose(names["cells"].sum((1, 2)), whole, atol=1e-4)
    assert names["sounds"].shape == (4, 16_000) and np.any(names["sounds"] != 0)
    assert "'mean'" in capsys.readouterr().out


@pytest.mark.full_size
def test_metrics(blocks, capsys):
    (code,) = blocks("docs/metrics.md")
    names = run(code)
    assert names["areas"].shape == (4,) and names["curve"].shape == (21,)
    assert np.all((names["curve"] >= 0) & (names["curve"] <= 1))
    assert np.all(names["control"]["low"] <= names["control"]["high"])
    assert capsys.readouterr().out.startswith("{'logits': ")


def test_streaming(blocks):
    first, second = blocks("docs/long_sounds.md")
    names = run(first)
    assert soundfile.info("decoded.wav").frames == 37 * 320  # whole frames

    smooth = lambda x: jnp.convolve(x, jnp.ones(161) / 161, "same")  # sees half a frame
    names["codec"] = Codec(
        encode=lambda x: smooth(jnp.pad(x, (0, -len(x) % 320))).reshape(-1, 320),
        decode=lambda z: smooth(z.ravel()),
        sample_rate=16_000,
        hop=320,
    )
    run(second, names)
    whole = names["codec"].decode(names["codec"].encode(read_clip(example_clip(), 16_000).samples))
    np.testing.assert_allclose(np.concatenate(list(names["pieces"])), whole, atol=1e-6)


def test_save_a_codec(blocks):
    (code,) = blocks("docs/your_codec.md")
    codec = run(code)["codec"]
    assert (codec.name, codec.sample_rate) == ("small", 16_000)


def test_data(blocks, tmp_path):
    (code,) = blocks("docs/data_and_training.md")
    made_up.speech_commands(tmp_path)
    made_up.fsdd(tmp_path, range(2))
    names = run(code.replace('"DIR"', repr(str(tmp_path))))
    assert names["clips"].audio.shape == (12, 16_000)
    batch = names["batches"][7]
    assert batch["audio"].shape == (64, 16_000) and batch["audio"].dtype == np.float32


@pytest.mark.full_size
@pytest.mark.parametrize("example", ["own_method", "own_rule"])
def test_methods_of_a_file_on_the_command_line(example, repo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    method = f"{repo / 'examples' / example}.py:build"
    assert main(["explain", "--method", method, "--out", "out"]) == 0
    assert "stop" in capsys.readouterr().out
    relevance = np.load(tmp_path / "out" / "stop" / "relevance.npz")["relevance"]
    assert np.any(relevance != 0)
    assert example == "own_rule" or relevance.min() >= 0


def page(repo, name):
    return (repo / "docs" / name).read_text(encoding="utf-8")


def test_every_metric_is_named_with_what_it_is_of(repo):
    lines = page(repo, "metrics.md").split("\n")
    rows = {
        kind: next(line for line in lines if line.startswith(f'| `"{kind}"`')) for kind in KINDS
    }
    assert [name for name, metric in METRICS.items() if f"`{name}`" not in rows[metric.of]] == []


def test_the_readme_counts_the_methods(repo):
    text = " ".join((repo / "README.md").read_text(encoding="utf-8").split())
    assert re.findall(r"by (\d+) methods", text) == [str(len(METHODS))]


def test_every_part_of_the_package_is_on_the_map(repo):
    """In the order of imports."""
    named = re.findall(r"^\| \[`([a-z_]+)(?:/|\.py)`\]", page(repo, "source_map.md"), re.M)
    parts = {
        path.name.removesuffix(".py")
        for path in (repo / "audioxai_jax").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert sorted(named) == sorted(parts - {"__init__"})
    for number, part in enumerate(named):
        assert set(PARTS[part].split()) <= {"*", *named[:number]}, part


def test_every_method_has_a_place_in_the_table(repo):
    text = page(repo, "attribution.md")
    assert [name for name in METHODS if f"`{name}`" not in text] == []


def test_every_domain_has_a_row(repo):
    text = page(repo, "domains.md")
    assert [name for name in DOMAINS if f"| `{name}` |" not in text] == []


def test_every_subject_has_a_row(repo):
    text = page(repo, "subjects.md")
    for name, subject in SUBJECTS.items():
        package = subject.package.replace("==", " ")
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert package in row and f"`{subject.composite}`" in row


def test_every_task_split_head_and_checkpoint_is_named(repo):
    text = page(repo, "data_and_training.md")
    names = {task.splits[0] for task in TASKS.values()} | {"transformer", "cnn", "gru", "listener"}
    names |= {name for checkpoints in available().values() for name in checkpoints}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
