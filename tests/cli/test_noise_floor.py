"""`--floor`: people hear every sound of a clip with the same faint noise, models hear none."""

import base64
import io
import json
import runpy
import sys

import jax
import numpy as np
import pytest
import soundfile

from audioxai_jax import cli
from audioxai_jax.data.audio import read_clip, wav_bytes
from audioxai_jax.results import SOUNDS
from audioxai_jax.runs import explain_clips
from audioxai_jax.synthesis.floor import floor
from tests.helpers import small_models
from tests.helpers.pages import Elements
from tests.helpers.refusals import complaint

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip, its folders without and with the floor, the rows, and the bare sounds."""
    folder = tmp_path_factory.mktemp("floors")
    small_models.save(folder)
    samples = 0.1 * np.random.default_rng(0).normal(size=9_000)
    soundfile.write(folder / "x.wav", samples, RATE, subtype="PCM_16")
    true, kept = explain_clips.explain_clip, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)
        patch.setattr(
            explain_clips, "explain_clip", lambda *given: kept.append(true(*given)) or kept[-1]
        )
        for name, options in RUNS.items():
            assert run(folder, name, *options) == 0
    bare = kept[0].sounds
    for explained in kept:
        for name in SOUNDS:
            np.testing.assert_array_equal(explained.sounds[name], bare[name])
    return folder, bare


RUNS = {
    "bare": ["--floor", "none"],
    "default": [],
    "loud": ["--floor", "-12.5"],
    "matched": ["--level-match"],
}


def run(folder, out, *options):
    models = ["--codec", f"{folder}/small", "--model", f"{folder}/words", "--method", "saliency"]
    where = ["--out", f"{folder}/{out}", "--json", f"{folder}/{out}.json"]
    return cli.main(["explain", *models, *where, f"{folder}/x.wav", *options])


def steps(folder, run, name):
    """A written sound, in steps of 16 bits."""
    return soundfile.read(folder / run / "x" / f"{name}.wav", dtype="int16")[0].astype(np.int64)


def facts(folder, run):
    return json.loads((folder / run / "x" / "explanation.json").read_text())


def test_without_the_floor_files_hold_the_bare_sounds_byte_for_byte(folder):
    folder, bare = folder
    assert facts(folder, "bare")["gain_db"] == 0
    for name in SOUNDS:
        written = (folder / "bare" / "x" / f"{name}.wav").read_bytes()
        assert written == wav_bytes(bare[name], RATE)


@pytest.mark.parametrize("run, level_db", [("default", -30), ("loud", -12.5)])
def test_all_sounds_carry_the_same_noise_at_the_level_asked_for(folder, run, level_db):
    """To rounding: each sample of a file is within half a step of what it holds."""
    folder, bare = folder
    assert facts(folder, run)["gain_db"] == 0
    key = jax.random.fold_in(jax.random.key(0), 2**32 - 1)
    noise = np.asarray(floor(bare["original"], level_db, RATE, key), np.float64)
    for name in SOUNDS:
        added = steps(folder, run, name) - steps(folder, "bare", name)
        assert np.abs(added - 32768 * noise).max() <= 1.01
        ratio = np.mean(added**2.0) / np.mean(steps(folder, "bare", "original") ** 2.0)
        assert 10 * np.log10(ratio) == pytest.approx(level_db, abs=0.02)


def test_models_levels_and_arrays_are_those_of_the_bare_sounds(folder):
    folder, _ = folder
    bare, default = facts(folder, "bare"), facts(folder, "default")
    assert (bare.pop("floor_db"), default.pop("floor_db")) == (None, -30)
    assert bare == default
    arrays = [(folder / run / "x" / "relevance.npz").read_bytes() for run in ("bare", "default")]
    assert arrays[0] == arrays[1]
    rows = [json.loads((folder / f"{run}.json").read_text())[0] for run in ("bare", "default")]
    assert [row.pop("floor_db") for row in rows] == [None, -30]
    for row in rows:
        row.pop("folder")
    assert rows[0] == rows[1]


def test_level_matched_files_have_the_sounds_matched_and_the_floor_as_it_was(folder):
    folder, bare = folder
    key = jax.random.fold_in(jax.random.key(0), 2**32 - 1)
    noise = np.asarray(floor(bare["original"], -30, RATE, key), np.float64)
    for name in ("original", "reconstruction", "removed"):
        sound = steps(folder, "matched", name) / 32768 - noise
        level = lambda wave: np.sqrt(np.mean(np.asarray(wave, np.float64) ** 2))
        assert np.abs(sound + noise).max() < 0.99  # else it may be softer
        assert 20 * np.log10(level(sound) / level(bare["original"])) == pytest.approx(0, abs=0.01)


def test_the_page_plays_the_files_and_states_the_level(folder):
    folder, bare = folder
    page, plain = ((folder / run / "x" / "report.html").read_text() for run in ("default", "bare"))
    said = "\N{MINUS SIGN}30.0 dB relative to the original, noise with the spectrum of speech"
    assert page.count(said) == 2 and "The model heard the sounds without it" in page
    assert "oise floor" not in plain.split("<script>")[0]
    elements = Elements(page)
    for name, player in zip(SOUNDS, elements.all("audio"), strict=True):
        played = base64.b64decode(player["src"].removeprefix("data:audio/wav;base64,"))
        assert played == (folder / "default" / "x" / f"{name}.wav").read_bytes()
    (row,) = [item for item in elements.all("ol") if "data-floor" in item]
    noise, rate = soundfile.read(io.BytesIO(base64.b64decode(row["data-floor"])), dtype="int16")
    assert rate == RATE and len(noise) == len(bare["original"])
    added = steps(folder, "default", "original") - steps(folder, "bare", "original")
    assert np.abs(added - noise).max() <= 1
    assert all("data-floor" not in item for item in Elements(plain).all("ol"))


@pytest.mark.parametrize("value", ["loud", "5", "nan", "-121", "", "-30dB"])
def test_a_level_that_cannot_be_is_refused_in_one_line(tmp_path, monkeypatch, capsys, value):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(["explain", f"--floor={value}"])
    assert stop.value.code == 2
    said = complaint(capsys)
    assert f"--floor: expected a level from -120 to 0 dB, or 'none', got {value!r}" in said
    assert not list(tmp_path.iterdir())


def test_the_table_ends_with_the_level(folder, capsys):
    folder, _ = folder
    assert run(folder, "again", "--floor", "-40") == 0
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert "report.html (noise floor -40 dB in all sounds; --floor none leaves it out)" in last
    assert run(folder, "again", "--floor", "none", "--overwrite") == 0
    assert capsys.readouterr().out.rstrip().endswith("again/x/report.html")


def test_the_script_writes_the_same_floor(folder, monkeypatch, capsys, repo):
    folder, bare = folder
    models = ["--model", f"{folder}/words"]
    for name, options in (("script", []), ("script_bare", ["--floor", "none"])):
        command = ["explain.py", f"{folder}/x.wav", "--out", f"{folder}/{name}", *models, *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(repo / "scripts" / "explain.py"), run_name="__main__")
        assert stop.value.code == 0, capsys.readouterr().err
    clip = read_clip(folder / "x.wav", RATE)
    assert (folder / "script_bare" / "x" / "original.wav").read_bytes() == wav_bytes(
        clip.samples, RATE
    )
    for name in SOUNDS:
        added = steps(folder, "script", name) - steps(folder, "script_bare", name)
        ours = steps(folder, "default", "original") - steps(folder, "bare", "original")
        assert np.abs(added - ours).max() <= 2
