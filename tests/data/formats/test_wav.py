"""WAV files: integers in wide containers, chunks, and headers that contradict themselves."""

import io
import struct

import numpy as np
import pytest
import soundfile

from audioxai_jax.data.formats.decoder import BLOCK
from audioxai_jax.data.sound_files import decode_sound
from tests.helpers.mp3_parts import RATE, encoded, frames, mp3
from tests.helpers.sound_files import ID3, A, read, refused

WHOLE = np.round(A.astype(np.float64) * 2**23).astype("<i4")
SHORTS = (WHOLE >> 8).astype("<i2")


def wav(data, tag=1, channels=1, bits=16, align=2, valid=None, size=None, riff=None, after=b""):
    form = struct.pack("<HHIIHH", tag, channels, RATE, RATE * align, align, bits)
    if valid is not None:
        form = struct.pack("<H", 0xFFFE) + form[2:] + struct.pack("<HHIH", 22, valid, 4, tag)
        form += bytes.fromhex("000000001000800000aa00389b71")
    size = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    body += data + after
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


LEVELS = {
    "24 bits in 4 bytes": wav((WHOLE << 8).tobytes(), bits=24, align=4),
    "in the lower end": wav(WHOLE.tobytes(), bits=24, align=4),
    "extensible, 24 in 4": wav((WHOLE << 8).tobytes(), bits=24, align=4, valid=24),
    "extensible, 24 of 32": wav((WHOLE << 8).tobytes(), bits=32, align=4, valid=24),
    "extensible, lower end": wav(WHOLE.tobytes(), bits=32, align=4, valid=24),
    "20 bits in 4 bytes": wav((WHOLE >> 4 << 12).astype("<i4").tobytes(), bits=20, align=4),
    "12 bits, lower end": wav((SHORTS >> 4).tobytes(), bits=12),
    "16 bits": wav(SHORTS.tobytes()),
    "8 bits": wav(((WHOLE >> 16) + 128).astype("u1").tobytes(), bits=8, align=1),
}


@pytest.mark.parametrize("name", LEVELS)
def test_integers_in_wide_containers_have_the_right_level(name):
    found = decode_sound("file", LEVELS[name])
    assert found.samples.shape == (RATE, 1)
    atol = {"12": 1 / 2048, "8 ": 1 / 128}.get(name[:2], 1e-4)
    np.testing.assert_allclose(found.samples[:, 0], A, atol=atol)
    assert len(found.notes) == ("lower end" in name)


@pytest.mark.parametrize(
    "content",
    [
        wav((WHOLE << 8 | 5).tobytes(), bits=32, align=4, valid=24),
        wav(SHORTS.tobytes(), channels=2),
        wav(SHORTS.tobytes(), channels=2, bits=24, align=4),
        wav(SHORTS.tobytes(), bits=16, align=4),
        wav(SHORTS.tobytes(), bits=0),
        wav(SHORTS.tobytes(), tag=3),
    ],
)
def test_headers_that_contradict_themselves_are_refused(content):
    assert "contradicts itself" in refused(content)


CHUNK = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
ENDS = {
    "nothing": (wav(SHORTS.tobytes()), RATE, None),
    "a chunk": (wav(SHORTS.tobytes(), after=CHUNK + CHUNK), RATE, None),
    "an ID3v1 tag": (wav(SHORTS.tobytes(), after=b"TAG" + b"x" * 125), RATE, None),
    "zeros": (wav(SHORTS.tobytes(), after=bytes(999)), RATE, None),
    "stale": (wav(SHORTS.tobytes(), size=8_000, riff=8_036), 4_000, "24000 more follow"),
    "RIFF 0": (wav(SHORTS.tobytes(), size=0, riff=0), RATE, "never updated"),
    "RIFF 36": (wav(SHORTS.tobytes(), size=0, riff=36), RATE, "never updated"),
    "streamed": (wav(SHORTS.tobytes(), size=2**32 - 1, riff=2**32 - 1), RATE, "does not say how"),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_follows_the_sound(name):
    content, count, note = ENDS[name]
    found = decode_sound("file", content)
    np.testing.assert_array_equal(found.samples[:, 0], (SHORTS / np.float32(32_768))[:count])
    assert [note in said for said in found.notes] == [True] * (note is not None)
    assert "holds no samples" in refused(wav(b"", after=CHUNK))


STALE = wav(SHORTS.tobytes(), size=0, riff=0)
STREAMED = wav(SHORTS.tobytes(), size=2**32 - 1, riff=2**32 - 1)
EIGHT = wav(b"\x80" * 15, bits=8, align=1)
DATA = b"data" + struct.pack("<I", 2 * RATE) + SHORTS.tobytes()


@pytest.mark.parametrize(
    "parts",
    [
        [wav(SHORTS.tobytes())] * 3,
        [wav(SHORTS.tobytes(), after=CHUNK)] * 2,
        [STREAMED] * 2,
        [STALE] * 2,
        [EIGHT, EIGHT + b"\0", wav(SHORTS.tobytes())],
        [encoded(A, 8_000, format="WAV", subtype="GSM610")] * 2,
    ],
)
def test_joined_wav_files_are_read_to_the_end_if_they_agree(parts):
    found = read(b"".join(parts))
    np.testing.assert_array_equal(found, np.concatenate([read(part) for part in parts]))
    assert "Hz" in refused(b"".join(parts) + encoded(A, 24_000, format="WAV"))
    assert "cut short" in refused(b"".join(parts) + wav(SHORTS.tobytes())[:-9])


def test_a_second_chunk_of_sound_is_read_too():
    content = wav(SHORTS.tobytes(), after=CHUNK + DATA)
    np.testing.assert_array_equal(read(content), np.tile(read(wav(SHORTS.tobytes())), (2, 1)))
    assert "cut short" in refused(content[:-9])


@pytest.mark.parametrize("form", ["AIFF", "AU", "CAF", "W64", "SVX", "NIST", "VOC"])
def test_a_joined_file_of_another_format_has_a_note(form):
    content = encoded(A, format=form, subtype="PCM_16")
    found = decode_sound("file", content + content)
    assert len(found.samples) == RATE and "were not read" in found.notes[0]


@pytest.mark.parametrize("subtype", ["GSM610", "MS_ADPCM"])
@pytest.mark.parametrize("count", [960, 1_280, 1_999])
def test_blocks_of_compressed_samples_end_where_the_fact_chunk_says(subtype, count):
    content = encoded(A[:count], 8_000, format="WAV", subtype=subtype)
    assert len(read(content)) == count
    assert "cut short" in refused(content[: len(content) * 2 // 3])


def test_mp3_in_wav_and_other_chunks_before_the_sound():
    inner = mp3(A, 0.7)
    np.testing.assert_array_equal(read(wav(inner, tag=0x55, bits=0, align=1)), read(inner))
    odd = wav(SHORTS.tobytes()).replace(b"data", b"junk\x03\0\0\0abcdata", 1)
    np.testing.assert_array_equal(read(odd), read(wav(SHORTS.tobytes())))
    tagged = ID3 + wav(SHORTS.tobytes())
    np.testing.assert_array_equal(read(tagged), read(wav(SHORTS.tobytes())))


def test_blocks_of_a_voc_file_are_one_sound():
    def block(kind, body):
        return bytes([kind]) + len(body).to_bytes(3, "little") + body

    form = struct.pack("<IBBHI", RATE, 16, 1, 4, 0)
    silence = struct.pack("<HB", 99, 256 - 1_000_000 // RATE)
    data = [SHORTS[:100].tobytes(), SHORTS[100:300].tobytes(), SHORTS[300:400].tobytes()]
    voc = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x10A, 0x1129)
    voc += block(9, form + data[0]) + block(2, data[1]) + block(3, silence)
    voc += block(9, form + data[2]) + b"\0"
    wanted = np.concatenate([SHORTS[:300], np.zeros(round(100 * RATE * 62 / 1e6)), SHORTS[300:400]])
    np.testing.assert_array_equal(read(voc)[:, 0], (wanted / 32_768).astype(np.float32))
    assert "cut short" in refused(voc[:300])
    sox = bytearray(voc[:26] + block(9, form + SHORTS[:500].tobytes()) + b"\0")
    sox[27:30] = (1_004).to_bytes(3, "little")  # SoX leaves out 8 of the 12 bytes of the format
    np.testing.assert_array_equal(read(bytes(sox))[:, 0], SHORTS[:500] / np.float32(32_768))


FOREIGN = {
    "M4A": b"\0\0\0\x20ftypM4A \0\0\0\0",
    "WebM": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
    "WMA": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "WavPack": b"wvpk" + bytes(20),
    "AMR": b"#!AMR\n",
    "Musepack": b"MPCK",
    "TTA": b"TTA1",
    "Monkey's Audio": b"MAC \x96\x0f",
    "DSF": b"DSD \x1c",
    "AAC": b"\xff\xf1\x50\x80\x02\x1f\xfc"
    + bytes(9)
    + (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_libsndfile_does_not_read_is_named_with_a_way_out(kind, monkeypatch):
    monkeypatch.setattr("audioxai_jax.data.formats.libav.installed", lambda: False)
    said = refused(FOREIGN[kind])
    assert f"is {kind}" in said and "ffmpeg -i file out.wav" in said
    assert 'pip install "audioxai_jax[formats]"' in said


def test_flac_of_odd_widths_is_named_too(monkeypatch):
    monkeypatch.setattr("audioxai_jax.data.formats.libav.installed", lambda: False)
    content = bytearray(encoded(A, format="FLAC"))
    content[20], content[21] = content[20] & 0xFE, (11 << 4) | content[21] & 0x0F
    assert "FLAC of 12 bits per sample" in refused(bytes(content))


def test_blocks_are_not_disturbed_by_seeking():
    """soundfile seeks after each block, and an MP3 decoder that seeks stutters."""
    noise = 0.1 * np.random.default_rng(0).normal(size=(100_000, 1))
    content = b"".join(frames(mp3(noise, 0.9)))
    once = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)[0]
    found = read(content)
    assert len(found) == 576 * len(frames(content)) > BLOCK
    np.testing.assert_array_equal(found[: len(once)], once[: len(found)])
