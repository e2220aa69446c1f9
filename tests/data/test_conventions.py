"""Sounds as other libraries give them become the clip that `read_clip` gives."""

from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
import soundfile

from audioxai_jax.data.audio import Clip, read_clip
from audioxai_jax.data.conventions import as_clip
from audioxai_jax.data.sound_files import AudioError

RATE, WANTED = 44_100, 16_000
LEFT, RIGHT = (0.2 * np.random.default_rng(k).normal(size=3000).clip(-3, 3) for k in (0, 1))
BOTH = np.round(32768 * np.stack([LEFT, RIGHT])).astype(np.int16)
"""`[C, T]`, so that a file of 16 bits holds the same."""
FLOATS = (BOTH / 32768).astype(np.float32)


class Tensor:
    """As torch's: no array before it is detached and on the host; bfloat16 not at all."""

    def __init__(self, values, where="cuda", dtype="torch.float32"):
        self.values, self.where, self.dtype = values, where, dtype
        self.shape = values.shape

    def detach(self):
        return Tensor(self.values, f"{self.where} detached", self.dtype)

    def cpu(self):
        return Tensor(self.values, self.where.replace("cuda", "cpu"), self.dtype)

    def float(self):
        return Tensor(self.values, self.where)

    def __array__(self, dtype=None, copy=None):
        assert self.where == "cpu detached" and self.dtype != "torch.bfloat16"
        return np.asarray(self.values, dtype)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sounds") / "x.wav"
    soundfile.write(path, BOTH.T, RATE, subtype="PCM_16")
    return path


def decoder():
    return SimpleNamespace(data=Tensor(FLOATS), sample_rate=RATE)


SOUNDS = {
    "row of datasets": lambda file: {"array": FLOATS, "sampling_rate": RATE, "path": None},
    "row with audio": lambda file: {
        "audio": {"array": FLOATS.astype(np.float64), "sampling_rate": RATE},
        "label": 3,
    },
    "bytes": lambda file: {"bytes": file.read_bytes(), "path": None},
    "row with bytes": lambda file: {"audio": {"bytes": file.read_bytes(), "path": "a/x.wav"}},
    "row with a path": lambda file: {"audio": {"bytes": None, "path": str(file)}},
    "row with a file": lambda file: {"audio": str(file)},
    "torchcodec": lambda file: {"audio": SimpleNamespace(get_all_samples=decoder)},
    "transformers": lambda file: {"raw": FLOATS, "sampling_rate": RATE},
    "pyannote": lambda file: {"waveform": Tensor(FLOATS), "sample_rate": RATE},
    "torchaudio": lambda file: (Tensor(FLOATS), RATE),
    "torchaudio, bfloat16": lambda file: (Tensor(FLOATS, dtype="torch.bfloat16"), RATE),
    "data set of torchaudio": lambda file: (Tensor(FLOATS), RATE, "stop", "speaker", 0),
    "librosa": lambda file: (FLOATS, float(RATE)),
    "jax": lambda file: (jnp.asarray(FLOATS), np.int64(RATE)),
    "scipy": lambda file: (RATE, BOTH.T),
    "pcm": lambda file: (BOTH, RATE),
    "wide pcm": lambda file: (BOTH.astype(np.int32) * 65536, RATE),
    "path": lambda file: file,
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("channel", ["mix", "right", 1])
def test_it_is_the_clip_of_the_file(name, channel, file):
    wanted = read_clip(file, WANTED, channel=channel)
    found = as_clip(SOUNDS[name](file), WANTED, channel=channel)
    assert isinstance(found, Clip) and found.samples.dtype == np.float32
    np.testing.assert_allclose(found.samples, wanted.samples, atol=1e-6)
    for field in ("sample_rate", "source_rate", "channels", "seconds", "notes", "channel"):
        assert getattr(found, field) == getattr(wanted, field), field


def test_the_path_is_the_rows(file):
    assert as_clip({"bytes": file.read_bytes(), "path": "a/x.wav"}).path == Path("a/x.wav")
    row = {"array": LEFT, "sampling_rate": 8000, "path": "b.flac"}
    assert as_clip(row).path == Path("b.flac")
    assert as_clip(LEFT, 8000).path == Path("array")


def test_without_a_wanted_rate_it_keeps_its_own():
    found = as_clip((LEFT, RATE))
    assert found.sample_rate == found.source_rate == RATE
    np.testing.assert_array_equal(found.samples, LEFT.astype(np.float32))


def test_a_plain_array_is_at_the_rate_that_is_given():
    np.testing.assert_array_equal(as_clip(LEFT, 8000).samples, LEFT.astype(np.float32))
    resampled = as_clip(LEFT, 16_000, source_rate=8000)
    assert resampled.source_rate == 8000 and resampled.samples.shape == (6000,)
    np.testing.assert_array_equal(as_clip(list(LEFT), 8000).samples, LEFT.astype(np.float32))
    assert as_clip(as_clip(LEFT, 8000), 16_000).samples.shape == (6000,)


@pytest.mark.parametrize(
    "coded, wanted",
    [
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 2**30], np.int32), [-1, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1, 0, 0.5]),
        (np.array([-128, 64], np.int8), [-1, 0.5]),
        (np.zeros(3, np.int32), [0, 0, 0]),
    ],
)
def test_pcm_is_divided_by_the_full_scale_of_its_dtype(coded, wanted):
    np.testing.assert_array_equal(as_clip(coded, 8000).samples, np.float32(wanted))


@pytest.mark.parametrize(
    "value, options, said",
    [
        (LEFT, {}, "an array does not say its rate"),
        ((LEFT, RATE), {"source_rate": 8000}, "source_rate is 8000, the value itself says 44100"),
        ((FLOATS.T, RATE), {}, r"is \[3000, 2\], more channels than samples: it must be \[C, T\]"),
        ((RATE, FLOATS), {}, r"is \[2, 3000\], more channels than samples: it must be \[T, C\]"),
        ((FLOATS[None], RATE), {}, r"is \[1, 2, 3000\], expected \[T\] or \[C, T\]: give one clip"),
        ((LEFT.astype(np.int64), RATE), {}, "samples are int64, which no PCM is"),
        ((BOTH.astype(np.int32), RATE), {}, "look like 16-bit ones, convert them to int16"),
        ((LEFT > 0, RATE), {}, "samples are bool"),
        ((LEFT * 1e6, RATE), {}, "full scale is 1"),
        ((np.zeros(0), RATE), {}, "has no samples"),
        ((LEFT, 44_100.5), {}, "must be a whole number of Hz, got a float"),
        ((LEFT, 0), {}, "rate must be a whole number from 1 up"),
        ({"array": LEFT}, {}, "has 'array' without 'sampling_rate'"),
        ({"text": "hello", "id": 3}, {}, "the row has no sound, its keys are text, id"),
        ({"audio": {"bytes": None, "path": None}}, {}, "has no sound, its keys are bytes, path"),
        (None, {"sample_rate": 8000}, "must be an array, got None"),
        ((LEFT, RATE), {"channel": "middle"}, "expected mix, left, right or the number"),
    ],
)
def test_what_is_not_a_sound_is_refused_in_one_line(value, options, said):
    with pytest.raises(ValueError, match=said) as refusal:
        as_clip(value, **options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "value, said",
    [
        ((np.array([0.1, np.nan]), RATE), "1 samples are NaN or infinite, the first at 0.000 s"),
        ((np.stack([LEFT, -LEFT]), RATE), "its channels cancel"),
        ({"bytes": b"not a sound", "path": "x.wav"}, r"x\.wav: "),
        ("nowhere.wav", "nowhere.wav: no such file"),
    ],
)
def test_a_sound_that_cannot_be_used_is_refused_as_files_are(value, said):
    with pytest.raises(AudioError, match=said):
        as_clip(value)
