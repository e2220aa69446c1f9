"""The examples: each runs as it stands, and docs/ show it word for word."""

import re
import runpy

import numpy as np
import pytest
import soundfile

from audioxai_jax import Explanation, explain_batch
from audioxai_jax.models.subjects import SUBJECTS
from tests.helpers.rows import rows

PAGES = {
    "plain_jax": "your_model",
    "flax_linen": "your_model",
    "flax_nnx": "your_model",
    "with_equinox": "your_model",
    "own_waveform_model": "your_model",
    "own_method": "your_method",
    "own_rule": "your_rule",
    "own_domain": "your_domain",
    "own_codec": "your_codec",
    "with_torch": "other_frameworks",
    "voice_activity": "subjects",
    "pitch": "subjects",
}
SUBJECT = {"voice_activity": "silero_vad", "pitch": "swift_f0"}
"""Models of other people that an example needs; without their packages it is skipped."""
PACKAGES = {"with_torch": ("torch", "onnxscript")}
"""Packages that an example needs; without them it is skipped."""
QUICK = {"plain_jax"}
"""The others run with --full-size; the README, which always runs, has one of waveforms."""
LATENTS = ("plain_jax", "flax_linen", "flax_nnx", "with_equinox")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_example_is_tested(repo):
    assert {path.stem for path in (repo / "examples").glob("*.py")} == set(PAGES)


@pytest.mark.parametrize("name", rows(PAGES, full_size=PAGES.keys() - QUICK))
def test_it_runs(name, repo, folder):
    if name in SUBJECT and not SUBJECTS[SUBJECT[name]].installed:
        pytest.skip(f"{name} needs {SUBJECTS[SUBJECT[name]].package}")
    for package in PACKAGES.get(name, ()):
        pytest.importorskip(package)
    names = runpy.run_path(str(repo / "examples" / f"{name}.py"), run_name="__main__")
    explanation = names["explanation"]
    assert isinstance(explanation, Explanation)
    assert np.any(explanation.relevance != 0)
    written, rate = soundfile.read("explanation.wav")
    assert (len(written), rate) == (len(names["clip"].samples), 16_000)
    assert np.max(np.abs(written)) > 1e-3
    if name not in LATENTS:
        return
    assert explanation.logits["original"].shape == (10,)
    audio = names["clip"].samples[None]
    batch = explain_batch(names["classifier"], audio, keep=0.1, key=names["jax"].random.key(0))
    largest = np.max(np.abs(explanation.relevance))
    assert np.max(np.abs(batch.relevance[0] - explanation.relevance)) <= 1e-5 * largest


@pytest.mark.parametrize("name", PAGES)
def test_the_docs_show_it_word_for_word(name, repo):
    page = repo / "docs" / f"{PAGES[name]}.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert (repo / "examples" / f"{name}.py").read_text(encoding="utf-8") in blocks, (
        f"{page.name} has no block ```python with the text of examples/{name}.py"
    )
