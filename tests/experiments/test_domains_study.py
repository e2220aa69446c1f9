"""The study of domains: a linear model whose edits are known, and rows of answers that are."""

import json
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import integrated_gradients
from audioxai_jax.data.tasks import Clips
from audioxai_jax.domains import frequencies, samples
from audioxai_jax.types import Classifier
from experiments.domains import figure, markdown, protocol, table
from tests.helpers import made_up_data as made_up

FOLDER = Path(__file__).parents[2] / "experiments" / "domains"
RATE, SAMPLES = 16_000, 40
FRACTIONS = (0.1, 0.5, 1.0)


def linear(weights, audio):
    return weights @ audio


def study(domain):
    weights = jax.random.normal(jax.random.key(3), (2, 3, SAMPLES))
    models = [Classifier(Partial(linear, w), samples(RATE)) for w in weights]
    methods = {"integrated_gradients": integrated_gradients(steps=1)}
    how = {"fractions": FRACTIONS, "draws": 2}
    return weights, protocol.make_study(*models, domain, methods, **how)


def test_edits_of_a_linear_model_are_those_of_its_largest_terms():
    """In samples the relevance of a term is the term: the kept ones are the largest."""
    weights, what = study(samples(RATE))
    assert what.own
    audio = jax.random.normal(jax.random.key(4), (SAMPLES,))
    found = jax.jit(protocol.measure)(what, audio, jax.random.key(5))
    weights, audio = np.asarray(weights), np.asarray(audio)
    logits = weights[0] @ audio
    order = np.argsort(-weights[0, logits.argmax()] * audio)
    for place, count in enumerate((4, 20, 40)):
        for edit, chosen in enumerate((order[:count], order[count:])):
            kept = np.zeros(SAMPLES, np.float32)
            kept[chosen] = audio[chosen]
            where = ("integrated_gradients", (edit, place))
            for judge, matrix in zip(("logits", "listener"), weights):
                said = found[judge][where[0]][where[1]]
                np.testing.assert_allclose(said, matrix @ kept, atol=1e-4)
            energy = np.sum(kept**2) / np.sum(audio**2)
            np.testing.assert_allclose(found["energy"][where[0]][where[1]], energy, atol=1e-5)
    np.testing.assert_allclose(found["logits"]["trip"], logits, atol=1e-4)
    assert found["logits"]["random"].shape == (2, 2, 3, 3)


def test_elsewhere_it_is_heard_through_the_sound():
    """All frequencies kept are the clip; the strongest half by magnitude has most of its energy."""
    _, what = study(frequencies(RATE))
    assert not what.own
    audio = jax.random.normal(jax.random.key(4), (SAMPLES,))
    found = jax.jit(protocol.measure)(what, audio, jax.random.key(5))
    np.testing.assert_allclose(
        found["logits"]["integrated_gradients"][0, -1], found["logits"]["original"], atol=1e-4
    )
    size = np.abs(np.fft.rfft(np.asarray(audio)))
    size[1:-1] *= np.sqrt(2)
    share = np.sum(np.sort(size**2)[::-1][:10]) / np.sum(size**2)  # round(0.5 * 21) of 21
    assert found["energy"]["magnitude"][0, 1] == pytest.approx(share, rel=0.05)
    assert found["gap"]["integrated_gradients"] < 1e-4


def clips(count, speakers):
    numbers = np.arange(count) % speakers
    names = np.array([f"s{number:02d}" for number in numbers])
    whole = np.zeros((count, 1), np.int16)
    return Clips(whole, np.zeros(count, np.int32), names, names, names, {})


def answers(agree):
    """Logits of two classes that say class 0 where `agree` is true."""
    return np.stack([agree, 1 - np.asarray(agree, float)], -1)


@pytest.fixture(scope="module")
def rows():
    """Ours stays on all 24 clips, chance on half of its two draws; deletion flips 3 of 4 clips."""
    count, every = 24, np.ones(24)
    flips = (np.arange(count) % 4 > 0).astype(float)
    ours = np.stack([np.stack([every, every], 1), 1 - np.stack([flips, flips], 1)], 1)
    drawn = np.broadcast_to(np.array([1.0, 0.0])[:, None, None], (count, 2, 2, 2))
    said = {"original": answers(every), "trip": answers(flips)}
    said |= {"ours": answers(ours), "magnitude": answers(1 - ours), "random": answers(drawn)}
    results = {"logits": said, "listener": said}
    about = {"model": "m", "domain": "d", "fractions": [0.1, 0.2], "units": 7, "unit": "cell"}
    whole, key = clips(count, 12), jax.random.key(0)
    made = table.make_rows(about, results, whole, key)
    worse = {**said, "ours": answers(np.where(np.arange(2) == 0, ours, 1.0))}  # none flips at last
    worse = {"logits": worse, "listener": worse}
    compared = table.compare([about | {"domain": "e"}, about], [worse, results], whole, key)
    return made, compared, [about | {"lrp": "covered"}]


def test_rows_are_shares_and_areas_over_chance(rows):
    made = rows[0]
    where = {"model": "m", "domain": "d", "judge": "listener"}
    keep = markdown.find(made, **where, ranking="ours", edit="keep")
    assert keep["mean"] == [1, 1] and keep["area"]["mean"] == pytest.approx(0.5 * 0.75)
    delete = markdown.find(made, **where, ranking="ours", edit="delete")
    assert delete["mean"] == pytest.approx([0.75, 0.75])
    assert delete["area"]["mean"] == pytest.approx(0.25 * 0.75)  # a half flips by chance
    assert delete["area"]["speakers_low"] < delete["area"]["mean"] < delete["area"]["speakers_high"]
    control = markdown.find(made, **where, ranking="random", edit="delete")
    assert control["mean"] == [0.5, 0.5] and "area" not in control
    assert markdown.find(made, **where, ranking="trip")["mean"] == pytest.approx(0.75)
    assert keep["height"]["mean"] == 1 and control["height"]["mean"] == 0.5
    both = markdown.find(made, **where, ranking="ours", edit="both")
    assert both["area"]["mean"] == pytest.approx(0.375 * 0.75)


def test_domains_are_ordered_by_what_they_lack_to_the_best(rows):
    best, other = (row for row in rows[1] if row["judge"] == "model")
    assert (best["domain"], other["domain"]) == ("d", "e")
    assert best["behind"]["mean"] == 0 and best["over_magnitude"]["mean"] > 0.2
    assert best["height"]["mean"] == pytest.approx((1 + 0.75) / 2)
    weight = 0.1 / 2 / 0.2  # of the last fraction, where none flips
    assert other["behind"]["mean"] == pytest.approx(0.75 * weight / 2)


def test_the_table_and_the_figure_have_them(rows, tmp_path):
    text = markdown.markdown(*rows)
    assert "| ours | d | 7 (cell) | 75 | +38 (+38 to +38) | +19 " in text
    assert "| d | 7 (cell) | **ours +28 (" in text
    assert "| d | random | 50 / 50 |" in text and "- m, d: covered" in text
    made = [
        row | {"ranking": "integrated_gradients"} if row["ranking"] == "ours" else row
        for row in rows[0]
    ]
    figure.draw(made, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def call(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(FOLDER / script), run_name="__main__")
    assert not stop.value.code


@pytest.mark.full_size
def test_networks_are_trained_explained_and_collected(monkeypatch, capsys, tmp_path):
    data, out = made_up.speech_commands(tmp_path / "data"), tmp_path / "study"
    quick = ["--steps", 2, "--width", 4, "--save-every", 2]
    call(monkeypatch, "train.py", "--data", data, "--out", tmp_path / "nets", *quick)
    net = tmp_path / "nets" / "mel_cnn" / "seed_0" / "mel_keywords"
    command = ["--data", data, "--out", out, "--clips", 3, "--draws", 2, "--steps", 2]
    command += ["--domains", "samples", "cells", "--models", net]
    call(monkeypatch, "run.py", *command)
    capsys.readouterr()
    call(monkeypatch, "run.py", *command, "--collect")
    assert "### mel_keywords" in capsys.readouterr().out
    made = json.loads((out / "table.json").read_text())
    assert [run["lrp"] == "covered" for run in made["runs"]] == [True, True]
    assert made["clips"] == 3 and jnp.isfinite(made["rows"][0]["mean"])
    assert (out / "curves.png").is_file() and str(tmp_path) not in (out / "table.json").read_text()
