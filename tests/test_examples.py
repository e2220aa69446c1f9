"""The README's ways to bring a classifier: each runs as it stands, and is what the README shows."""

import re
import runpy

import numpy as np
import pytest
import soundfile

from audioxai_jax import Explanation, explain_batch
from tests.helpers.rows import rows

SNIPPETS = ("plain_jax", "flax_linen", "flax_nnx", "with_equinox")


@pytest.fixture(params=SNIPPETS)
def snippet(request, repo):
    return repo / "examples" / f"{request.param}.py"


def test_every_snippet_is_tested(repo):
    found = {path.stem for path in (repo / "examples").glob("*.py")}
    assert found == set(SNIPPETS)


@pytest.mark.parametrize("snippet", rows(SNIPPETS, full_size=SNIPPETS[1:]), indirect=True)
def test_it_runs(snippet, tmp_path, monkeypatch):
    sound = 0.1 * np.random.default_rng(0).normal(size=16_000)
    soundfile.write(tmp_path / "clip.wav", sound, 16_000)
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(snippet))
    found, codec = names["found"], names["codec"]
    assert isinstance(found, Explanation)
    assert found.logits["original"].shape == (10,)
    assert np.any(found.relevance != 0)
    written, rate = soundfile.read(tmp_path / "explanation.wav")
    assert (len(written), rate) == (16_000, 16_000)
    assert np.max(np.abs(written)) > 1e-3

    batch = explain_batch(codec, names["model"], names["clip"].samples[None], keep=0.1)
    largest = np.max(np.abs(found.relevance))
    assert np.max(np.abs(batch.relevance[0] - found.relevance)) <= 1e-5 * largest


def test_the_readme_shows_it_word_for_word(snippet, repo):
    readme = (repo / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert snippet.read_text(encoding="utf-8") in blocks, (
        f"README.md has no block ```python with the text of {snippet.relative_to(repo)}"
    )
