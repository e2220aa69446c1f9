"""pocketsphinx as the study's listener: independent of order, silent on noise, and no bad ear."""

import csv
import io
import json
import runpy
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import soundfile

pytest.importorskip("pocketsphinx")

from audioxai_jax import cli, example_clip
from audioxai_jax.data.archives import members
from audioxai_jax.data.audio import read_clip
from audioxai_jax.synthesis.floor import speech_noise
from experiments.strangers.listeners import NOTHING, RATE, WORDS, Ears, Pocketsphinx, Settings
from tests.helpers import made_up_data as made_up

KEYWORDS = Settings(WORDS["keywords"])
STUDY = Path(__file__).parents[2] / "experiments" / "strangers"


@pytest.fixture(scope="module")
def recordings(data_root):
    """60 clips with a keyword, six of each, and the numbers of their words."""
    with (data_root / "speech_commands" / "metadata.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    wanted = {}
    for number, word in enumerate(WORDS["keywords"]):
        files = sorted(row["file"] for row in rows if row["label"] == word)
        wanted |= dict.fromkeys(files[:: len(files) // 6][:6], number)
    sounds = {}
    archive = data_root / "speech_commands" / "speech_commands.tar"
    for name, content in members(archive, lambda n: n.removeprefix("./") in wanted):
        sound, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        assert rate == RATE
        sounds[name.removeprefix("./")] = np.pad(sound, (0, RATE - len(sound)))
    assert sounds.keys() == wanted.keys()
    return np.stack(list(sounds.values())), np.array([wanted[name] for name in sounds])


def test_it_hears_the_bundled_clip():
    sound = read_clip(example_clip(), RATE).samples
    assert WORDS["keywords"][Pocketsphinx(KEYWORDS).hear(sound)] == "stop"


def test_what_the_command_writes_of_the_bundled_clip(tmp_path, capsys):
    """As the README says: the kept tenth says the word; the rest and a random tenth do not."""
    assert cli.main(["explain", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    listener = Pocketsphinx(Settings(WORDS["keywords"]))
    stop = WORDS["keywords"].index("stop")
    answers = {}
    for name in ("original", "explanation", "removed", "random"):
        sound, rate = soundfile.read(tmp_path / "stop" / f"{name}.wav")
        assert rate == RATE
        answers[name] = listener.hear(sound)
    assert answers == {
        "original": stop,
        "explanation": stop,
        "removed": NOTHING,
        "random": NOTHING,
    }


def test_it_hears_recordings(recordings):
    """Chance is one word of ten."""
    sounds, words = recordings
    assert np.mean(Ears(KEYWORDS).hear(sounds) == words) > 0.6


@pytest.mark.parametrize("cmn", ["batch", "live", "none"])
def test_answers_do_not_depend_on_what_was_heard_before(recordings, cmn):
    sounds = recordings[0][:20]
    settings = Settings(WORDS["keywords"], cmn=cmn)
    ears = Ears(settings)
    once = ears.hear(sounds)
    ears.hear(np.random.default_rng(0).standard_normal((2, RATE)))
    assert np.array_equal(ears.hear(sounds[::-1])[::-1], once)
    alone = [Pocketsphinx(settings).hear(sound) for sound in sounds]
    assert np.array_equal(alone, once)


def test_every_setting_counts(recordings):
    """The model's own file has settings of its front end, which come after those of a decoder."""

    def scores(settings: Settings) -> list[float]:
        ear = Pocketsphinx(settings)
        heard = [(ear.hear(sound), ear.decoder.hyp()) for sound in recordings[0][:10]]
        return [0.0 if said is None else said.score for _, said in heard]

    usual = scores(KEYWORDS)
    assert scores(Settings(WORDS["keywords"])) == usual
    for cmn in ("live", "none"):
        assert scores(Settings(WORDS["keywords"], cmn=cmn)) != usual
    for search in ({"remove_noise": False}, {"lw": 2.0}, {"topn": 1}, {"silprob": 0.5}):
        assert scores(Settings(WORDS["keywords"], search=search)) != usual


def test_the_decoder_itself_would_depend_on_it(recordings):
    """Its scores change with what it heard; those of this listener do not."""
    ear, sound = Pocketsphinx(KEYWORDS), recordings[0][0]

    def score() -> float:
        return ear.decoder.hyp().score

    ear.hear(sound)
    fresh = score()
    ear.hear(np.random.default_rng(0).standard_normal(RATE))
    ear.hear(sound)
    assert score() == fresh
    ear.hear(np.random.default_rng(0).standard_normal(RATE))
    ear.decoder.start_utt()
    heard = np.rint(sound / np.abs(sound).max() * 0.5 * 32767).astype(np.int16).tobytes()
    ear.decoder.process_raw(heard, no_search=False, full_utt=True)
    ear.decoder.end_utt()
    assert score() != fresh


def test_it_may_say_nothing():
    """In one noise of ten it hears "up"; without the search for the best path, in most."""
    noise = np.stack([speech_noise(RATE, RATE, jax.random.key(n)) for n in range(40)])
    assert np.mean(Ears(KEYWORDS).hear(noise) != NOTHING) <= 0.2
    hasty = Settings(WORDS["keywords"], search={"bestpath": False})
    assert np.mean(Ears(hasty).hear(noise) != NOTHING) > 0.5


def test_it_hears_nothing_in_silence_whatever_it_heard_before(recordings):
    ears, silent = Ears(KEYWORDS), np.zeros((1, RATE))
    for sound in (silent, recordings[0][:1], np.random.default_rng(0).normal(size=(1, RATE))):
        ears.hear(sound)
        assert ears.hear(silent) == NOTHING


def test_several_processes_say_the_same(recordings):
    sounds = np.concatenate([recordings[0], recordings[0][:10]])
    with Ears(KEYWORDS, processes=2) as two:
        assert np.array_equal(two.hear(sounds), Ears(KEYWORDS).hear(sounds))


def call(monkeypatch, script, *arguments):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(STUDY / script), run_name="__main__")
    assert not stop.value.code


def test_the_study_runs_and_continues(monkeypatch, capsys, tmp_path):
    data, out = made_up.speech_commands(tmp_path / "data"), tmp_path / "study"
    command = ["--data", data, "--out", out, "--tasks", "keywords", "--no-quality", "--clips", 3]
    command += ["--methods", "input_x_gradient", "--fractions", 0.2, "--draws", 1]
    command += ["--floors", "none", "-30", "--rank", "hearable", "--unit", "cell"]
    call(monkeypatch, "run.py", *command)
    told = capsys.readouterr().out
    assert "3 clips of 3 speakers (speaker_disjoint, test)" in told
    assert "| input_x_gradient, keep 20% |" in told and "pocketsphinx by floor" in told
    made = json.loads((out / "table.json").read_text())
    assert {row["judge"] for row in made["rows"]} == {"pocketsphinx", "listener", "classifier"}
    assert str(tmp_path) not in (out / "table.json").read_text()
    call(monkeypatch, "run.py", *command)
    assert json.loads((out / "table.json").read_text()) == made
