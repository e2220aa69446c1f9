"""No clip is lost without a word: what preparing a data set says of every file."""

import os

import numpy as np
import pytest

from audioxai_jax.cli.console import say_each
from audioxai_jax.data import builders, tasks
from audioxai_jax.data.builders import DataError
from audioxai_jax.data.outcome import Outcome
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal

SOUND = made_up.sound("x", 900, 8_000)


def outcome(root, dataset: str, files: dict[str, bytes], config=None) -> Outcome:
    made_up.folder(root / dataset, files)
    records = builders.prepare(dataset, root, config=config, cache=root / "cache")
    found = builders.outcome(records)
    assert found.used == len(records)
    assert found == builders.outcome(
        builders.prepare(dataset, root, config=config, cache=root / "cache")
    )
    return found


def test_suffixes_in_any_case_and_format(tmp_path):
    files = made_up.official_fsdd()
    suffixes = (".WAV", ".Wav", ".wav", ".wave")
    mixed = {
        name.replace(".wav", suffixes[index % 4]): content
        for index, (name, content) in enumerate(files.items())
    }
    assert outcome(tmp_path, "fsdd", mixed) == Outcome(
        8, 8, (("not named as a sound file", ("free-spoken-digit-dataset-1.0.10/README.md",)),)
    )


def test_what_lies_beside_the_recordings(tmp_path):
    files = {
        f"recordings/{digit}_jo_0.wav": made_up.sound(str(digit), 99, 8_000) for digit in range(3)
    }
    more = {
        "extra/4_jo_0.mp3": b"",
        "recordings/.4_jo_0.wav": b"",
        "recordings/._4_jo_0.wav": b"",
        "recordings/.DS_Store": b"",
        "old.zip": b"",
        "metadata.csv": b"",
    }
    (tmp_path / "fsdd-copy").mkdir()
    made_up.tar(tmp_path / "free-spoken-digit-dataset-1.tar", {"a": b""})
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    os.symlink("nowhere", tmp_path / "fsdd" / "recordings" / "5_jo_0.wav")
    found = outcome(tmp_path, "fsdd", {**files, **more})
    assert (found.found, found.used) == (6, 3)
    assert dict(found.left_out) == {
        "beside what was read, not looked into": ("free-spoken-digit-dataset-1.tar",),
        "not in a folder recordings/": ("extra/4_jo_0.mp3",),
        "a table without its archive beside it": ("metadata.csv",),
        "an archive in the data, to be unpacked first": ("old.zip",),
        "hidden": ("recordings/.4_jo_0.wav",),
        "a link that leads nowhere": ("recordings/5_jo_0.wav",),
    }


@pytest.mark.parametrize("real", ["audio", ".cache", "zoo/recordings"])
def test_a_linked_folder_wherever_it_really_is(tmp_path, real):
    names = [f"{digit}_jo_0.wav" for digit in range(3)]
    made_up.folder(
        tmp_path / "fsdd" / real, {name: made_up.sound(name, 99, 8_000) for name in names}
    )
    os.symlink(real, tmp_path / "fsdd" / "recordings")
    records = builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")
    assert len(records) == 3 and builders.outcome(records).found == 6


def test_one_clip_in_two_formats_is_refused(tmp_path):
    files = made_up.official_fsdd() | {"recordings/0_theo_0.FLAC": SOUND}
    made_up.folder(tmp_path / "fsdd", files)
    message = refusal(DataError, builders.prepare, "fsdd", tmp_path, cache=tmp_path / "cache")
    assert "is there twice" in message and "0_theo_0.wav" in message and "0_theo_0.FLAC" in message


def test_linked_speakers_are_heard(tmp_path):
    files = made_up.official_audiomnist(1, (0, 7), (1, 2, 3))
    far = {name: content for name, content in files.items() if name.startswith("data/02/")}
    made_up.folder(tmp_path / "far", far)
    made_up.folder(tmp_path / "AudioMNIST", {n: c for n, c in files.items() if n not in far})
    os.symlink(tmp_path / "far" / "data" / "02", tmp_path / "AudioMNIST" / "data" / "02")
    records = builders.prepare("audiomnist", tmp_path, cache=tmp_path / "cache")
    assert {record["speaker"] for record in records} == {b"01", b"02", b"03"}
    found = builders.outcome(records)
    assert found.used == found.found == 6 and len(records) == 6


def test_speakers_of_unknown_sex_are_counted(tmp_path):
    metadata = made_up.audiomnist_metadata(without=(17,))
    files = made_up.official_audiomnist(1, [3], range(1, 61), metadata=metadata)
    made_up.folder(tmp_path / "AudioMNIST", files)
    found = builders.outcome(
        builders.prepare("audiomnist", tmp_path, config="sex", cache=tmp_path / "cache")
    )
    assert (found.found, found.used) == (60, 59)
    assert ("of a speaker whose sex is not known", ("17/3_17_0.wav",)) in found.left_out


def test_words_are_told_by_their_folder(tmp_path):
    """Words by their folder, whatever lies above; lists that lack, noises that are short."""
    files = made_up.official_speech_commands(False)
    files |= {"./_background_noise_/short.wav": made_up.sound("short", 900, 16_000)}
    del files["./no/dd_nohash_0.wav"], files["./testing_list.txt"]
    files = {name.replace("./", "top/").replace("yes", "Yes"): c for name, c in files.items()}
    made_up.archive_zip(tmp_path / "speech_commands_v0.02.zip", files)
    records = builders.prepare("speech_commands", tmp_path, cache=tmp_path / "cache")
    labels = tasks.TASKS["keywords"].labels
    found = {record["file"].decode(): labels[record["label"]] for record in records}
    assert found["yes/cc_nohash_0.wav"] == "yes" and found["bed/ee_nohash_0.wav"] == "_unknown_"
    told = builders.outcome(records)
    assert (told.found, told.used) == (6, 7)
    assert ("a noise of less than a second", ("top/_background_noise_/short.wav",)) in told.left_out
    assert dict(told.remarks) == {
        "a list that is not there, so no clip is in its part": ("testing_list.txt",),
        "on a list of the archive, but not in it": ("no/dd_nohash_0",),
    }


@pytest.mark.parametrize("name", ["Foo/aa_nohash_0.wav", "yes/mine.wav", "aa_nohash_0.wav"])
def test_words_that_are_none_are_refused(tmp_path, name):
    made_up.folder(tmp_path / "speech_commands_v0.02", {name: SOUND})
    message = refusal(DataError, builders.prepare, "speech_commands", tmp_path, cache=tmp_path)
    assert f"{name}: expected a name such as yes/" in message


def test_testing_clips_that_the_test_archive_replaces_are_counted(tmp_path):
    for name, test in (("speech_commands_v0.02", False), ("speech_commands_test_set_v0.02", True)):
        made_up.folder(tmp_path / name, made_up.official_speech_commands(test))
    found = builders.outcome(
        builders.prepare("speech_commands", tmp_path, cache=tmp_path / "cache")
    )
    assert (found.found, found.used) == (9, 10)  # two noises of two seconds
    assert found.left_out == (
        (
            "on the testing list, and the test archive has clips of its own",
            ("stop/ff_nohash_0.wav",),
        ),
    )


def test_emotions_in_two_archives_and_second_copies(tmp_path):
    clips = list(made_up.official_tess().items())
    made_up.archive_zip(tmp_path / "tess" / "a.zip", dict(clips[:3]))
    made_up.tar(tmp_path / "tess" / "b.tar", dict(clips[2:]))
    records = builders.prepare("tess", tmp_path, cache=tmp_path / "cache")
    found = builders.outcome(records)
    assert len(records) == 4 and (found.found, found.used) == (5, 4)
    assert found.left_out == (("a second copy of a clip", (clips[2][0],)),)
    made_up.folder(tmp_path / "tess", {"x/OAF_back_angry.wav": SOUND, clips[0][0]: clips[0][1]})
    message = refusal(DataError, builders.prepare, "tess", tmp_path, cache=tmp_path / "cache")
    assert "OAF_back_angry.wav is there twice" in message  # another sound of that name


def test_clips_that_are_heard_twice_are_left_out_by_tasks_and_counted(tmp_path, capsys):
    rows = [{"file": f"{digit}.wav", "label": str(digit), "speaker": "jo"} for digit in range(3)]
    made_up.table(tmp_path, "fsdd", [*rows, {**rows[0], "file": "twin\n.wav"}], 900, 8_000)
    twins = {row["file"]: made_up.sound(row["file"], 900, 8_000) for row in rows}
    text = "file,label,speaker\n" + "".join(f"{d}.wav,{d},jo\n" for d in (0, 1, 2)) + "t.wav,0,jo"
    (tmp_path / "fsdd" / "metadata.csv").write_text(text)
    made_up.tar(
        tmp_path / "fsdd" / "fsdd.tar", {**twins, "t.wav": twins["0.wav"], "\x1b[2J\n.wav": b""}
    )
    clips = tasks.load(tmp_path, "digits", cache=tmp_path / "cache")
    assert len(clips) == clips.outcome.used == 3 and clips.outcome.found == 5
    say_each("digits", clips[:2].outcome.lines())
    assert capsys.readouterr().err == (
        "digits: 5 sound files found, 3 clips used\n"
        "digits: left out: in no row of the table (1: \\x1b[2J\\n.wav)\n"
        "digits: left out: the same sound, label and word as another clip of its part (1: t.wav)\n"
    )


def test_a_data_set_of_which_nothing_is_left_says_why(tmp_path):
    made_up.tar(tmp_path / "fsdd" / "fsdd.tar", {"inner.zip": b"", "a.wav": b""})
    message = refusal(DataError, builders.prepare, "fsdd", tmp_path, cache=tmp_path / "cache")
    assert "holds no fsdd" in message
    assert "left out: an archive in the data, to be unpacked first (1: inner.zip)" in message
    assert "left out: not in a folder recordings/ (1: a.wav)" in message


def test_clips_keep_their_outcome_when_they_are_chosen():
    texts = np.array(["a", "b"])
    clips = tasks.Clips(
        np.zeros((2, 3), np.int16),
        np.arange(2),
        texts,
        texts,
        texts,
        {},
        Outcome(3, 2, (("hidden", ("c",)),)),
    )
    assert clips[np.array([1])].outcome == clips.outcome and len(clips[:1]) == 1
