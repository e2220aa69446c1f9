"""Splits: nobody and nothing that is to be told apart is on both sides."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.data import tasks
from audioxai_jax.data.builders import BUILDERS, DataError
from audioxai_jax.data.splits import FSDD_SPEAKERS, SPLITS, speaker_disjoint, without

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


def test_unknown_names_are_said(data_root):
    with pytest.raises(DataError, match="known are keywords, digits, emotion"):
        tasks.load(data_root, "genre")
    clips = tasks.load(data_root, "digits")
    with pytest.raises(DataError, match="known are without_george"):
        clips.part("without_nobody", "test")
    with pytest.raises(DataError, match="has no clips in its part 'dev'"):
        clips.part("official", "dev")


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
