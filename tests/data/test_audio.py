"""Sound files: what is read is what was written, and damaged files are refused."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audioxai_jax.data.audio import read_clip, wav_bytes, write_wav
from audioxai_jax.data.sound_files import AudioError
from tests.helpers.refusals import refusal

RATE = 16_000


def tone(seconds=0.5, rate=RATE, hertz=440.0, peak=0.5):
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def refused(path, **options) -> str:
    message = refusal(AudioError, read_clip, path, RATE, **options)
    assert str(path) in message
    return message


def test_sixteen_bit_samples_survive_a_round_trip(tmp_path):
    coded = np.array([-32768, -1, 0, 1, 32767], np.int16)
    write_wav(tmp_path / "x.wav", coded / 32768, RATE)
    clip = read_clip(tmp_path / "x.wav", RATE)
    np.testing.assert_array_equal(clip.samples, coded / np.float32(32768))
    assert clip.samples.dtype == np.float32
    assert (clip.source_rate, clip.channels, clip.seconds) == (RATE, 1, 5 / RATE)


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=50))
@settings(max_examples=30, deadline=None)
def test_written_samples_are_clipped_and_rounded_to_sixteen_bits(values):
    samples = np.asarray(values, np.float32)
    read, _ = soundfile.read(io.BytesIO(wav_bytes(samples, RATE)))
    wanted = np.clip(samples, -1, 32767 / 32768)
    assert np.abs(read - wanted).max() <= 0.5 / 32768 + 1e-9


def test_channels_are_averaged(tmp_path):
    left, right = tone(hertz=440), tone(hertz=1000)
    soundfile.write(tmp_path / "x.wav", np.stack([left, right], 1), RATE, subtype="FLOAT")
    clip = read_clip(tmp_path / "x.wav", RATE)
    np.testing.assert_allclose(clip.samples, (left + right) / 2, atol=1e-7)
    assert clip.channels == 2


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_tone_is_the_same_tone_after_resampling(tmp_path, rate):
    soundfile.write(tmp_path / "x.wav", tone(1.0, rate), rate, subtype="FLOAT")
    clip = read_clip(tmp_path / "x.wav", RATE)
    assert clip.samples.shape == (RATE,) and clip.source_rate == rate
    inside = slice(1000, -1000)
    np.testing.assert_allclose(clip.samples[inside], tone(1.0)[inside], atol=1e-3)


@pytest.mark.parametrize("rate", [8_000, RATE, 44_100])
def test_one_sample_is_a_clip(tmp_path, rate):
    soundfile.write(tmp_path / "x.wav", np.ones(1) / 2, rate)
    assert read_clip(tmp_path / "x.wav", RATE).samples.shape == (max(1, RATE // rate),)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "AIFF", "RF64"])
def test_formats_are_read(tmp_path, form):
    soundfile.write(tmp_path / "x", tone(), RATE, format=form)
    samples = read_clip(tmp_path / "x", RATE).samples
    assert np.corrcoef(samples, tone())[0, 1] > 0.99


def test_missing_folder_empty_and_text_files_are_refused(tmp_path):
    assert "no such file" in refused(tmp_path / "none.wav")
    assert "is a folder" in refused(tmp_path)
    (tmp_path / "empty.wav").touch()
    assert "is empty" in refused(tmp_path / "empty.wav")
    (tmp_path / "text.mp3").write_text("no sound at all\n" * 50)
    assert "not audio" in refused(tmp_path / "text.mp3")
    (tmp_path / "head.wav").write_bytes(wav_bytes(tone(), RATE)[:30])
    assert "not audio" in refused(tmp_path / "head.wav")


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF", "RF64"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.999])
def test_files_that_are_cut_short_are_refused(tmp_path, form, part):
    soundfile.write(tmp_path / "whole", tone(), RATE, format=form)
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(content[: int(part * len(content))])
    assert "cut short" in refused(tmp_path / "cut")


@pytest.mark.parametrize("riff,data", [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFF024, 0x7FFFF000)])
def test_the_sizes_that_streaming_writers_leave_are_understood(tmp_path, riff, data):
    content = wav_bytes(tone(), RATE)
    assert content[36:40] == b"data"
    streamed = content[:4] + struct.pack("<I", riff) + content[8:40] + struct.pack("<I", data)
    (tmp_path / "x.wav").write_bytes(streamed + content[44:])
    clip = read_clip(tmp_path / "x.wav", RATE)
    np.testing.assert_allclose(clip.samples, tone(), atol=1e-4)
    assert len(clip.notes) == 1 and "read to its end" in clip.notes[0]


def test_a_flac_that_was_written_to_a_pipe_is_read_with_a_note(tmp_path):
    soundfile.write(tmp_path / "x.flac", tone(), RATE)
    content = bytearray((tmp_path / "x.flac").read_bytes())
    content[21] &= 0xF0  # 36 bits of the stream's description count its samples
    content[22:26] = bytes(4)
    (tmp_path / "x.flac").write_bytes(content)
    clip = read_clip(tmp_path / "x.flac", RATE)
    np.testing.assert_allclose(clip.samples, tone(), atol=1e-4)
    assert "does not say how long it is" in clip.notes[0]


def test_no_samples_are_refused(tmp_path):
    write_wav(tmp_path / "x.wav", np.zeros(0), RATE)
    assert "no samples" in refused(tmp_path / "x.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path, value):
    samples = tone()
    samples[4000:4002] = value
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    assert "2 samples are NaN or infinite, the first at 0.250 s" in refused(tmp_path / "x.wav")
    with pytest.raises(ValueError, match="cannot be written"):
        write_wav(tmp_path / "y.wav", samples, RATE)
    assert not (tmp_path / "y.wav").exists()


def test_too_long_a_file_is_refused(tmp_path):
    write_wav(tmp_path / "x.wav", tone(0.5), RATE)
    assert "at most 0 s" in refused(tmp_path / "x.wav", longest_s=0.4)
    assert len(read_clip(tmp_path / "x.wav", RATE, longest_s=0.5).samples) == RATE // 2


def test_writing_leaves_no_partial_file_and_replaces_the_old_one(tmp_path):
    write_wav(tmp_path / "x.wav", tone(0.5), RATE)
    write_wav(tmp_path / "x.wav", tone(0.1), RATE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.wav"]
    assert len(read_clip(tmp_path / "x.wav", RATE).samples) == RATE // 10


def test_a_name_that_is_no_text_is_a_name(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xe9.mp3")
    path.write_bytes(wav_bytes(tone(), RATE))
    assert len(read_clip(path, RATE).samples) == RATE // 2
    assert "cannot be read" in refused(tmp_path / "a\0b.wav")


# Channels --------------------------------------------------------------------------------------

LEFT, OTHER = tone(), tone(hertz=777.0)
SILENT = np.zeros_like(LEFT)
FAINT = (0.01 * np.random.default_rng(0).normal(size=len(LEFT))).astype(np.float32)
HALF = np.concatenate([-LEFT[:4000], LEFT[4000:]])
MIXES = {
    "mono": ([LEFT], None),
    "equal": ([LEFT, LEFT], None),
    "unrelated": ([LEFT, OTHER], None),
    "one is silent": ([LEFT, SILENT], None),
    "one is constant": ([LEFT, SILENT + 0.3], None),
    "both are silent": ([SILENT, SILENT], None),
    "surround, one is sound": ([SILENT, SILENT, LEFT, SILENT, SILENT, SILENT], None),
    "almost opposite": ([LEFT, FAINT - LEFT], "cancel in part: their mean is"),
    "opposite for a while": ([LEFT, HALF], "% of the sound"),
    "opposite": ([LEFT, -LEFT], "refused"),
    "opposite around constants": ([LEFT + 0.2, -LEFT - 0.1], "refused"),
    "surround, opposite": ([LEFT, -LEFT, SILENT, SILENT], "refused"),
}


@pytest.mark.parametrize("name", MIXES)
def test_channels_that_cancel_are_said_or_refused(tmp_path, name):
    channels, said = MIXES[name]
    soundfile.write(tmp_path / "x.wav", np.stack(channels, 1), RATE, subtype="FLOAT")
    if said == "refused":
        message = refused(tmp_path / "x.wav")
        assert "channels cancel" in message and "--channel left" in message
    else:
        notes = read_clip(tmp_path / "x.wav", RATE).notes
        assert [said in note for note in notes] == [True] * (said is not None)
    for choice, wanted in zip((1, 2, "left", "right"), 2 * channels[:2], strict=False):
        if choice in (1, "left") or len(channels) > 1:
            clip = read_clip(tmp_path / "x.wav", RATE, channel=choice)
            np.testing.assert_array_equal(clip.samples, wanted)
            assert clip.channel == str(choice) and clip.notes == ()


def test_a_channel_that_is_not_there_is_refused(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.stack([LEFT, OTHER], 1), RATE)
    assert "has 2 channels, there is none called '3'" in refused(tmp_path / "x.wav", channel=3)
    soundfile.write(tmp_path / "y.wav", LEFT, RATE)
    assert "has 1 channel, " in refused(tmp_path / "y.wav", channel="right")
    for bad in (0, -1, True, "middle", "1.5", ""):
        with pytest.raises(ValueError, match="expected mix, left, right or the number"):
            read_clip(tmp_path / "x.wav", RATE, channel=bad)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG"])
def test_right_is_not_the_centre_in_any_format(tmp_path, form):
    """Vorbis has left, centre, right; WAV and FLAC have left, right, centre."""
    left, right, centre = tone(hertz=300), tone(hertz=600), tone(hertz=900)
    order = [left, centre, right] if form == "OGG" else [left, right, centre]
    soundfile.write(tmp_path / "x", np.stack(order, 1), RATE, format=form)
    for channel, wanted in {"left": left, "right": right, 2: right, 3: centre}.items():
        clip = read_clip(tmp_path / "x", RATE, channel=channel)
        assert np.corrcoef(clip.samples, wanted)[0, 1] > 0.99
