"""Clips of AudioMNIST: a made-up checkout, resampled, embedded, in the paper's folds."""

import numpy as np
import pytest
import scipy.signal

from audioxai_jax.data.builders import DataError
from experiments.audiomnist import clips as audiomnist
from tests.helpers import made_up_data


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return made_up_data.audiomnist(tmp_path_factory.mktemp("data"), digits=(0, 7))


@pytest.mark.full_size
@pytest.mark.parametrize(
    "task, sizes",
    [
        pytest.param("digit", (72, 24, 24), marks=pytest.mark.full_size),
        ("sex", (24, 12, 12)),
    ],
)
def test_clips_and_folds(tree, tmp_path, task, sizes):
    clips = audiomnist.load(tree, "audiomnist", task, cache=tmp_path)
    assert clips.audio.shape == (120, 8000) and clips.audio.dtype == np.int16
    assert list(clips.file) == sorted(clips.file)
    assert set(clips.target.tolist()) == ({0, 7} if task == "digit" else {0, 1})
    for fold in audiomnist.QUESTIONS["audiomnist", task].folds:
        parts = [clips.part(fold, part) for part in ("train", "val", "test")]
        assert tuple(map(len, parts)) == sizes
        heard = [set(part.speaker.tolist()) for part in parts]
        assert sum(map(len, heard)) == len(set.union(*heard))


def test_offsets_follow_from_seed_and_name(tree, tmp_path):
    first, again, other = (audiomnist.load(tree, seed=s, cache=tmp_path) for s in (0, 0, 1))
    starts = [(clips.audio != 0).argmax(1) for clips in (first, again, other)]
    assert (starts[0] == starts[1]).all() and (starts[0] != starts[2]).mean() > 0.9


def test_offsets_are_uniform():
    found = [audiomnist.offset(f"{i}.wav", 4000, 0) for i in range(2000)]
    assert 0 <= min(found) < 40 and 3960 < max(found) < 4000
    assert abs(np.mean(found) - 2000) < 4 * 4000 / 12**0.5 / 2000**0.5
    assert audiomnist.offset("a", 8000, 0) == audiomnist.offset("a", 9000, 0) == 0


def test_resampled_as_scipy_does():
    sound = np.round(8000 * np.sin(np.arange(4800) / 40)).astype(np.int16)
    found = audiomnist.to_8khz(sound, 48_000)
    wanted = scipy.signal.resample(sound.astype(np.float64), 800)
    assert found.dtype == np.int16 and len(found) == 800
    assert np.abs(found - wanted).max() < 0.51


def test_embedding():
    clip = np.arange(1, 9001, dtype=np.int16)
    assert audiomnist.embed(clip[:3], 5)[:10].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 0]
    assert audiomnist.embed(clip, 0)[[0, -1]].tolist() == [501, 8500]


def test_a_question_that_cannot_be_asked(tmp_path):
    with pytest.raises(DataError, match="sex of fsdd cannot be asked: known are"):
        audiomnist.load(tmp_path, "fsdd", "sex")


def test_real_digits(data_root):
    clips = audiomnist.load(data_root, "fsdd")
    assert clips.audio.shape == (3000, 8000)
    fold, others = clips.parts["without_theo"], clips.speaker != "theo"
    assert (fold[~others] == "test").all() and (fold == "test").sum() == 500
    assert 200 < (fold[others] == "val").sum() < 300 and set(fold[others]) == {"train", "val"}
    longer = np.abs(clips.audio[:, [0, -1]]).max(1) > 0  # the middle second of 20 longer clips
    assert 10 < longer.sum() < 60
