"""The Speech Commands reader on a made-up folder, and on the real one where there is one."""

import csv
import io
import tarfile

import numpy as np
import pytest
import soundfile

from audioxai_jax.data import speech_commands

ROWS = [
    ("stop/a_nohash_0.flac", "stop", "a", "train", "0"),
    ("_silence_/1.flac", "_silence_", "", "train", "0"),
    ("stop/a_nohash_1.flac", "stop", "a", "train", "1"),
    ("yes/b_nohash_0.flac", "yes", "b", "test", "0"),
    ("no/c_nohash_0.flac", "no", "c", "val", "0"),
]


def make_folder(root, samples=16_000, leave_out=()):
    folder = root / "speech_commands"
    folder.mkdir()
    with (folder / "metadata.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "label", "speaker", "split", "duplicate"])
        writer.writerows(ROWS)
    with tarfile.open(folder / "speech_commands.tar", "w") as tar:
        for number, row in enumerate(ROWS):
            if row[0] in leave_out:
                continue
            stream = io.BytesIO()
            sound = np.full(samples, 100 * number, np.int16)
            soundfile.write(stream, sound, 16_000, format="FLAC")
            info = tarfile.TarInfo("./" + row[0])
            info.size = len(stream.getvalue())
            stream.seek(0)
            tar.addfile(info, stream)
    return root


def test_split_labels_and_duplicates(tmp_path):
    clips = speech_commands.load(make_folder(tmp_path), "train")
    assert [speech_commands.LABELS[t] for t in clips.target] == ["stop", "_silence_"]
    assert clips.audio.dtype == np.int16 and clips.audio.shape == (2, 16_000)
    assert clips.audio[:, 0].tolist() == [0, 100]
    assert clips.speaker.tolist() == ["a", ""]
    assert len(clips[:1]) == 1


def test_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="AUDIOXAI_DATA"):
        speech_commands.load(tmp_path, "train")
    with pytest.raises(ValueError, match="unknown split 'dev'.*test, train, val"):
        speech_commands.load(make_folder(tmp_path), "dev")


def test_damaged_archives(tmp_path):
    for name, arguments, message in [
        ("missing", {"leave_out": [ROWS[0][0]]}, "1 clips are missing"),
        ("short", {"samples": 100}, "not one second"),
    ]:
        (tmp_path / name).mkdir()
        folder = make_folder(tmp_path / name, **arguments)
        with pytest.raises(ValueError, match=message):
            speech_commands.load(folder, "train")


def test_real_splits_share_no_speaker(data_root):
    splits = {name: speech_commands.load(data_root, name) for name in ("train", "val", "test")}
    assert [len(s) for s in splits.values()] == [2815, 651, 598]
    speakers = [set(s.speaker) - {""} for s in splits.values()]
    assert not (speakers[0] & speakers[1] or speakers[0] & speakers[2] or speakers[1] & speakers[2])
