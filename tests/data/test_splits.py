"""Splits: nobody and nothing that is to be told apart is on both sides."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.data import tasks
from audioxai_jax.data.builders import BUILDERS, DataError
from audioxai_jax.data.splits import (
    FSDD_SPEAKERS,
    SPLITS,
    digit_fold,
    sex_fold,
    speaker_disjoint,
    without,
)
from tests.helpers import made_up_data as made_up

names = st.text(min_size=1, max_size=12)


def test_every_task_names_splits_that_exist():
    assert set(SPLITS) == set(BUILDERS)
    for task in tasks.TASKS.values():
        assert set(task.splits) <= set(SPLITS[task.dataset])


@given(names, names, names, st.sampled_from(["train", "val", "test"]))
def test_a_speaker_is_in_one_part_whatever_the_clip(speaker, a, b, split):
    parts = {speaker_disjoint({"speaker": speaker, "split": split, "file": f}) for f in (a, b)}
    assert len(parts) == 1


def test_hashes_divide_as_promised():
    parts = [speaker_disjoint({"speaker": f"{n:08x}", "split": ""}) for n in range(4000)]
    shares = [parts.count(part) / len(parts) for part in ("test", "val", "train")]
    np.testing.assert_allclose(shares, [0.15, 0.15, 0.70], atol=0.02)


def test_a_split_does_not_depend_on_folder_or_format():
    for dataset in ("fsdd", "tess"):
        for split in SPLITS[dataset].values():
            record = {"speaker": "theo", "word": "back", "split": "train"}
            a, b = ({**record, "file": f} for f in ("x/y/OAF_back_sad.flac", "OAF_back_sad.wav"))
            assert split(a) == split(b)


def test_a_left_out_speaker_is_only_tested():
    split = without("theo")
    files = [f"{digit}_{{}}_{i}.wav" for digit in range(10) for i in range(50)]
    left_out = {split({"speaker": "theo", "file": f.format("theo")}) for f in files}
    others = [split({"speaker": "lucas", "file": f.format("lucas")}) for f in files]
    assert left_out == {"test"} and set(others) == {"train", "val"}
    assert 0.05 < others.count("val") / len(others) < 0.15


def fold_of(split) -> dict[str, set[int]]:
    """Numbers of AudioMNIST's speakers in each part of a split."""
    found = {part: set() for part in ("train", "val", "test", "")}
    for speaker in range(1, 61):
        file = f"{speaker:02}/3_{speaker:02}_7.wav"
        found[split({"speaker": f"{speaker:02}", "file": file})].add(speaker)
    return found


def test_the_first_folds_of_the_paper_in_full():
    """As its authors' `splits.py` writes them out."""
    digit, sex = fold_of(digit_fold(0)), fold_of(sex_fold(0))
    assert digit["train"] == {
        28,
        56,
        7,
        19,
        35,
        1,
        6,
        16,
        23,
        34,
        46,
        53,
        36,
        57,
        9,
        24,
        37,
        2,
        8,
        17,
        29,
        39,
        48,
        54,
        43,
        58,
        14,
        25,
        38,
        3,
        10,
        20,
        30,
        40,
        49,
        55,
    }
    assert digit["val"] == {12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50}
    assert digit["test"] == {26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51}
    assert sex["train"] == {36, 47, 56, 26, 12, 57, 2, 44, 50, 25, 37, 45}
    assert sex["val"] == {43, 28, 52, 48, 53, 41}
    assert sex["test"] == {58, 59, 60, 7, 23, 38}
    last = fold_of(digit_fold(4)), fold_of(sex_fold(3))
    assert last[0]["test"] == digit["val"] and last[1]["test"] == sex["val"]
    assert last[0]["val"] == {43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55}
    assert last[1]["val"] == {26, 12, 57, 25, 37, 45}


@pytest.mark.parametrize(
    "make, folds, sizes",
    [
        (digit_fold, 5, {"train": 36, "val": 12, "test": 12, "": 0}),
        (sex_fold, 4, {"train": 12, "val": 6, "test": 6, "": 36}),
    ],
)
def test_folds_share_no_speaker_and_test_everybody_once(make, folds, sizes):
    names = [f"{make.__name__.removesuffix('_fold')}_{fold}" for fold in range(folds)]
    assert [name for name in SPLITS["audiomnist"] if name[:3] == names[0][:3]] == names
    found = [fold_of(SPLITS["audiomnist"][name]) for name in names]
    for fold, parts in enumerate(found):
        assert parts == fold_of(make(fold))
        assert {part: len(speakers) for part, speakers in parts.items()} == sizes
        assert parts["val"] == found[fold - 1]["test"]
    tested = sorted(speaker for parts in found for speaker in parts["test"])
    everybody = set(range(1, 61)) - found[0][""]
    assert tested == sorted(everybody)
    assert set(made_up.WOMEN) <= everybody
    with pytest.raises(ValueError, match=f"fold is {folds}, must be from 0 to {folds - 1}"):
        make(folds)
    with pytest.raises(ValueError, match="fold is -1"):
        make(-1)


def test_folds_by_sex_are_half_women():
    for fold in range(4):
        parts = fold_of(sex_fold(fold))
        for part in ("train", "val", "test"):
            assert 2 * len(parts[part] & set(made_up.WOMEN)) == len(parts[part])
        assert not parts[""] & set(made_up.WOMEN)


@pytest.mark.parametrize("speaker", ["61", "00", "7", "theo", ""])
def test_a_speaker_that_the_folds_do_not_know_is_named(speaker):
    for split in SPLITS["audiomnist"].values():
        with pytest.raises(ValueError, match=rf"x/3_7\.wav: AudioMNIST has no speaker '{speaker}'"):
            split({"speaker": speaker, "file": "x/3_7.wav"})


def test_unknown_names_are_said(data_root):
    with pytest.raises(DataError, match="known are keywords, digits, emotion"):
        tasks.load(data_root, "genre")
    clips = tasks.load(data_root, "digits")
    with pytest.raises(DataError, match="known are without_george"):
        clips.part("without_nobody", "test")
    with pytest.raises(DataError, match="has no clips in its part 'dev'"):
        clips.part("official", "dev")


@pytest.mark.full_size
def test_real_splits(data_root):
    words = tasks.load(data_root, "keywords")
    parts = {part: words.part("speaker_disjoint", part) for part in ("train", "val", "test")}
    assert [len(part) for part in parts.values()] == [2815, 651, 598]
    speakers = [set(part.speaker) - {""} for part in parts.values()]
    assert not (speakers[0] & speakers[1] or speakers[0] & speakers[2] or speakers[1] & speakers[2])
    with (data_root / "speech_commands" / "metadata.csv").open(newline="") as stream:
        told = {row["file"]: row["split"] for row in csv.DictReader(stream)}
    assert all(told[f] == p for f, p in zip(words.file, words.parts["speaker_disjoint"]))
    assert words.audio.shape == (4064, 16_000) and words.audio.dtype == np.int16
    assert "official test" in tasks.provenance("keywords", "speaker_disjoint", words)["name"]

    digits = tasks.load(data_root, "digits")
    for speaker in FSDD_SPEAKERS:
        test = digits.part(f"without_{speaker}", "test")
        assert set(test.speaker) == {speaker} and len(test) == 500
        assert speaker not in digits.part(f"without_{speaker}", "train").speaker
    assert len(digits.part("official", "test")) == 300

    emotion = tasks.load(data_root, "emotion")
    words = np.array([file.rpartition("/")[2].split("_")[1] for file in emotion.file])
    part = emotion.parts["word_disjoint"]
    assert not set(words[part == "test"]) & set(words[part == "train"])
    leaking = emotion.parts["leaking"]
    assert set(words[leaking == "test"]) & set(words[leaking == "train"])
    assert 0.15 < np.mean(leaking == "test") < 0.25
