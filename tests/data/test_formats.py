"""Data sets of every sample format: the samples that were written, or a refusal, never zeros."""

import io

import numpy as np
import pytest
import soundfile

from audioxai_jax.data import builders
from audioxai_jax.data.builders import DataError
from audioxai_jax.data.builders.items import decode
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal

INTEGERS = np.random.default_rng(0).integers(-32768, 32768, 2_000).astype(np.int16)
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(4_000) / 8_000)

EXACT = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAVEX", "FLOAT"),
    ("RF64", "DOUBLE"),
    ("W64", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "FLOAT"),
    ("AIFF", "DOUBLE"),
    ("AU", "FLOAT"),
    ("CAF", "FLOAT"),
    ("CAF", "ALAC_16"),
]
CLOSE = [  # and the largest error, of full scale
    ("WAV", "PCM_U8", 1 / 128),
    ("AIFF", "PCM_S8", 1 / 128),
    ("WAV", "ULAW", 0.02),
    ("WAV", "ALAW", 0.02),
    ("WAV", "IMA_ADPCM", 0.05),
    ("WAV", "MS_ADPCM", 0.05),
    ("OGG", "VORBIS", 0.05),
    ("MP3", "MPEG_LAYER_III", 0.05),
]


def written(samples, form: str, subtype: str, rate: int = 8_000) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=form, subtype=subtype)
    return stream.getvalue()


@pytest.mark.parametrize("form, subtype", EXACT)
def test_sixteen_bits_are_kept_in_every_format(form, subtype):
    as_float = subtype in ("FLOAT", "DOUBLE")
    content = written(INTEGERS / 32768 if as_float else INTEGERS, form, subtype)
    found = decode("x", content)
    assert found.audio.dtype == np.int16 and found.sample_rate == 8_000 and not found.remarks
    np.testing.assert_array_equal(found.audio, INTEGERS)


@pytest.mark.parametrize("form, subtype, error", CLOSE)
def test_other_formats_have_the_right_level(form, subtype, error):
    found = decode("x", written(TONE, form, subtype)).audio
    assert len(found) >= 4_000
    settled = slice(1_000, 3_900)  # adaptive coders begin softly
    assert np.abs(found / 32768 - np.pad(TONE, (0, len(found) - 4_000)))[settled].max() < error


def with_one(value: float) -> np.ndarray:
    return np.where(np.arange(len(TONE)) == 7, value, TONE)


@pytest.mark.parametrize(
    "samples, said",
    [
        (with_one(np.nan), "NaN or infinite"),
        (with_one(np.inf), "NaN or infinite"),
        (TONE * 32768, r"samples as large as 9.8.e\+03, full scale is 1"),
        (with_one(-3.0), "samples as large as 3, full scale is 1"),
        (TONE * 1e-6, "16 bits keep nothing"),
        (TONE * 1e-40, "16 bits keep nothing"),
    ],
)
def test_floats_that_are_no_sound_are_refused_by_name(samples, said):
    message = refusal(DataError, decode, "a.tar: b.wav", written(samples, "WAV", "DOUBLE"))
    assert message.startswith("a.tar: b.wav: ")
    with pytest.raises(DataError, match=said):
        decode("b.wav", written(samples, "WAV", "DOUBLE"))


@pytest.mark.parametrize(
    "samples, said",
    [
        (with_one(1.5), "samples beyond full scale, clipped"),
        (with_one(-1.01), "samples beyond full scale, clipped"),
        (TONE * 1e-4, "so soft that 16 bits change it by more than a tenth"),
    ],
)
def test_what_sixteen_bits_lose_is_said(samples, said):
    found = decode("x", written(samples, "WAV", "FLOAT"))
    assert found.remarks == (said,)
    wanted = np.clip(np.round(samples * 32768), -32768, 32767)
    assert np.abs(found.audio - wanted).max() <= 1  # not wrapped


def test_full_scale_and_silence_pass_without_remark():
    for samples in (with_one(1.0), with_one(-1.0), np.zeros(100)):
        assert decode("x", written(samples, "WAV", "FLOAT")).remarks == ()


def test_a_streamed_header_is_repaired():
    content = bytearray(written(INTEGERS, "WAV", "PCM_16"))
    content[4:8] = content[40:44] = bytes(4)
    found = decode("x", bytes(content))
    np.testing.assert_array_equal(found.audio, INTEGERS)
    assert found.remarks


@pytest.mark.parametrize("dataset", ["fsdd", "tess", "audiomnist", "speech_commands"])
def test_builders_read_floats_in_other_containers(dataset, tmp_path):
    """The same records from 16-bit WAV and from floats in CAF, which have the suffix too."""
    maker, place = {
        "fsdd": (made_up.official_fsdd, "fsdd"),
        "tess": (made_up.official_tess, "tess"),
        "audiomnist": (lambda: made_up.official_audiomnist(1, (0, 7), (36,)), "AudioMNIST"),
        "speech_commands": (
            lambda: made_up.official_speech_commands(False),
            "speech_commands_v0.02",
        ),
    }[dataset]
    files, others = maker(), {}
    for name, content in files.items():
        if name.endswith(".wav") and content[:4] == b"RIFF":
            samples, rate = soundfile.read(io.BytesIO(content))
            others[name.replace(".wav", ".CAF")] = written(samples, "CAF", "FLOAT", rate)
        else:
            others[name] = content
    made_up.folder(tmp_path / "a" / place, files)
    made_up.folder(tmp_path / "b" / place, others)
    known, found = (
        {
            record["file"].decode().replace(".CAF", ".wav"): record["audio"]
            for record in builders.prepare(dataset, tmp_path / name, cache=tmp_path / "cache")
        }
        for name in "ab"
    )
    assert known.keys() == found.keys() and len(known) >= 2
    for name, audio in known.items():
        np.testing.assert_array_equal(audio, found[name])
