"""All of the sound of a file, or a refusal: what is decoded is compared with its bytes."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile

from audioxai_jax.data.formats import complaints
from audioxai_jax.data.formats.decoder import BLOCK
from audioxai_jax.data.formats.ogg import checksum
from audioxai_jax.data.sound_files import AudioError, decode_sound
from tests.helpers.mp3_parts import RATE, encoded, frames, mp3, tone

A, B = tone(300), tone(900)
QUIET = np.concatenate([np.zeros(RATE), 0.3 * np.random.default_rng(0).normal(size=4 * RATE)])


def read(content: bytes) -> np.ndarray:
    return decode_sound("file", content).samples


def refused(content: bytes) -> str:
    with pytest.raises(AudioError) as caught:
        decode_sound("file", content)
    assert str(caught.value).startswith("file: ") and "\n" not in str(caught.value)
    return str(caught.value)


# MPEG ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [QUIET, QUIET[::-1]], ids=["quiet first", "quiet last"])
def test_a_variable_bit_rate_without_a_header_is_read_whole(samples):
    """The encoder's delay of 1105 samples is part of what remains without its header."""
    whole = mp3(samples, 0.5, "VARIABLE")
    parts = frames(whole)
    assert len({len(part) for part in parts}) > 2
    bare = read(b"".join(parts))
    assert len(bare) == 576 * len(parts)
    np.testing.assert_allclose(bare[1105 : 1105 + len(samples)], read(whole), atol=1e-6)


ID3 = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)
LYING_ID3 = b"ID3\x03\0\0\0\0\x03\0" + b"TIT2" + bytes(200)
FOOTED_ID3 = b"ID3\x04\0\x10\0\0\x02\0" + bytes(256) + b"3DI\x04\0\x10\0\0\x02\0"
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0xA0000000) + bytes(8)
ITEMS = b"\x05\0\0\0\0\0\0\0Title\0words"
APE_END = ITEMS + b"APETAGEX" + struct.pack("<IIII", 1000, 32 + len(ITEMS), 1, 0) + bytes(8)
LYRICS = b"LYRICSBEGIN" + b"IND0000200" + b"000021LYRICS200"
WRAPPED = {
    "ID3v2": (ID3, b""),
    "two tags": (ID3 + ID3, b""),
    "footer": (FOOTED_ID3, b""),
    "a tag that lies about its size": (LYING_ID3, b""),
    "APE before": (APE, b""),
    "APE after": (b"", APE_END),
    "Lyrics3 and ID3v1": (b"", LYRICS + b"TAG" + b"x" * 125),
    "junk before": (b"no sound " * 50, b""),
    "zeros after": (b"", bytes(700)),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("bare", [False, True], ids=["with a header", "without"])
def test_tags_around_mpeg_frames_change_nothing(name, bare, capfd):
    before, after = WRAPPED[name]
    content = b"".join(frames(mp3(A, 0.7))) if bare else mp3(A, 0.7)
    found = decode_sound("file", before + content + after)
    np.testing.assert_array_equal(found.samples, read(content))
    assert found.notes == () and capfd.readouterr() == ("", "")


def test_frames_that_change_or_are_missing_are_refused_and_damaged_ones_said(capfd):
    parts, whole = frames(mp3(A, 0.7)), mp3(A, 0.7)
    stereo = encoded(np.stack([A, B], 1), format="MP3")
    assert "changes from 1 channel at 16000 Hz to 2" in refused(whole + stereo)
    assert "at 24000 Hz in the middle" in refused(whole + encoded(A, 24_000, format="MP3"))
    assert "promises 30 frames, 14 are there" in refused(whole[: len(whole) // 2 - 126])
    assert "8 of 252 bytes of its last frame" in refused(b"".join(parts)[: 8 - len(parts[-1])])
    holed = decode_sound("file", b"".join([*parts[:9], bytes(50) + b"x" * 202, *parts[10:]]))
    assert len(holed.samples) == 29 * 576 and "252 bytes between" in holed.notes[0]
    garbled = b"".join(part[:5] + b"\xff" * 20 + part[25:] for part in parts)
    assert "MPEG frames cannot be decoded" in refused(garbled)
    assert capfd.readouterr() == ("", "")


def test_a_few_frames_in_something_else_are_no_stream():
    """Bytes of a program may look like frames, here of layer I: of 48 and 32 kHz."""
    first, second = (bytes([0xFF, 0xFF, code, 0]) + bytes(28) for code in (0x14, 0x18))
    content = b"\x7fELF program" * 30 + 6 * first + b"more" * 30 + 3 * (second + bytes(16)) + b"x"
    assert "is not audio that can be read (Format not recognised)" in refused(content)
    few = b"".join(frames(mp3(A[:4_000], 0.7)))
    np.testing.assert_array_equal(read(b"no sound " * 50 + few), read(few))


def test_a_last_frame_that_lacks_padding_is_whole():
    """Its bits lie in the frames before it."""
    content = b"".join(frames(mp3(QUIET, 0.7))[:99])
    np.testing.assert_array_equal(read(content[:-200]), read(content))


def test_only_the_decoders_complaints_are_kept_back(capfd):
    kept: list[str] = []
    with complaints.collected(kept):
        os.write(2, b"[src/libmpg123/x.c] error: bad\nanother's line\n")
    assert kept == ["[src/libmpg123/x.c] error: bad"]
    assert capfd.readouterr().err == "another's line\n"


# Joined, cut, and with wrong totals ------------------------------------------------------------

KINDS = {
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", None),
    "flac": ("FLAC", None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_joined_files_are_read_to_the_end_if_they_agree(kind):
    form, subtype = KINDS[kind]
    options = {"format": form, "subtype": subtype}
    first, second = encoded(A, **options), encoded(B, **options)
    np.testing.assert_array_equal(read(first + second), np.concatenate([read(first), read(second)]))
    assert len(read(first + second + first)) == 3 * RATE
    for other in (encoded(B, 24_000, **options), encoded(np.stack([A, B], 1), **options)):
        assert "Hz" in refused(first + other)


@pytest.mark.parametrize("kind", KINDS)
def test_compressed_files_without_their_end_are_refused(kind):
    form, subtype = KINDS[kind]
    content = encoded(np.concatenate([QUIET] * 2), format=form, subtype=subtype)
    for part in (0.5, 0.98):  # the last frame of an MP3 may be padding
        said = refused(content[: int(part * len(content))])
        assert "cut short" in said or "damaged" in said
    hole = content[: len(content) // 2] + content[len(content) // 2 + 9_000 :]
    said = refused(hole)
    assert "cut short" in said or "damaged" in said


@pytest.mark.parametrize("stated, notes", [(0, 1), (100, 1), (RATE - 1, 1), (RATE, 0)])
def test_a_flac_header_that_counts_too_few_is_corrected(stated, notes):
    content = bytearray(encoded(A, format="FLAC"))
    right = read(bytes(content))
    content[22:26] = struct.pack(">I", stated)
    found = decode_sound("file", bytes(content))
    np.testing.assert_array_equal(found.samples, right)
    assert len(found.notes) == notes


def test_a_flac_header_that_counts_too_many_or_lies_about_the_rate_is_refused():
    content = bytearray(encoded(A, format="FLAC"))
    content[22:26] = struct.pack(">I", RATE + 1)
    assert "promises 16001 samples, 16000 are there" in refused(bytes(content))
    content[22:26], content[18:20] = struct.pack(">I", RATE), b"\x02\xee"
    assert "changes from 1 channel of 16 bits at 12000 Hz" in refused(bytes(content))


def test_pages_of_another_stream_in_an_ogg_are_left_out():
    """As of a film: the pages of a stream without sound lie between those of the sound."""
    content = encoded(QUIET, format="OGG", subtype="VORBIS")
    starts = [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]
    pages = [content[a:b] for a, b in zip(starts, [*starts[1:], len(content)], strict=True)]

    def page(number, kind, body):
        head = b"OggS\0" + bytes([kind]) + bytes(8) + struct.pack("<III", 77, number, 0)
        made = bytearray(head + b"\1" + bytes([len(body)]) + body)
        made[22:26] = struct.pack("<I", checksum(bytes(made)))
        return bytes(made)

    film = page(0, 2, b"\x80theora") + pages[0] + page(1, 0, b"picture") + b"".join(pages[1:-1])
    film += page(2, 4, b"last") + pages[-1]
    np.testing.assert_array_equal(read(film), read(content))
    broken = bytearray(film)
    broken[len(film) // 2] ^= 1
    assert "does not match its checksum" in refused(bytes(broken))


VORBIS = {
    3: "L C R",
    4: "L R Lb Rb",
    5: "L C R Lb Rb",
    6: "L C R Lb Rb LFE",
    7: "L C R Ls Rs Cb LFE",
    8: "L C R Ls Rs Lb Rb LFE",
}
"""Channels by the Vorbis I specification, 4.3.9, which Opus shares in its mapping family 1."""
PLACES = "L R C LFE Lb Rb Cb Ls Rs".split()
"""Channels by the bits of the channel mask of WAV."""


@pytest.mark.parametrize("count", VORBIS)
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_channels_of_ogg_have_the_order_of_wav(subtype, count):
    """libsndfile writes and reads them in that of Vorbis, whatever it is given.

    That it does not sort them is in the header of an Opus file: left and right are coupled, the
    first two channels of its streams, and with a centre it says that they are sent to 1 and 3.
    """
    names = VORBIS[count].split()
    levels = 0.05 * (1 + np.arange(count))
    content = bytearray(encoded(levels * tone(100)[:, None], format="OGG", subtype=subtype))
    wanted = [levels[names.index(name)] for name in PLACES if name in names]
    found = np.sqrt(2 * np.mean(np.square(read(bytes(content))[4_000:12_000]), axis=0))
    np.testing.assert_allclose(found / found[0], np.divide(wanted, 0.05), rtol=0.2)
    if subtype == "OPUS":
        mapping = content[49 : 49 + count]
        assert (
            content[46] == 1 and names[mapping.index(0)] == "L" and names[mapping.index(1)] == "R"
        )
        content[46] = 255  # the family of channels without places
        content[22:26] = struct.pack("<I", checksum(bytes(content[: 49 + count])))
        bare = np.sqrt(2 * np.mean(np.square(read(bytes(content))[4_000:12_000]), axis=0))
        np.testing.assert_allclose(bare / bare[0], levels / 0.05, rtol=0.2)


STATED = [
    "WAV",
    "WAVEX",
    "RF64",
    "AIFF",
    "AU",
    "W64",
    "CAF",
    "NIST",
    "VOC",
    "SVX",
    "AVR",
    "SDS",
    "MAT4",
    "MAT5",
    "MPC2K",
    "WVE",
]


@pytest.mark.parametrize("form", STATED)
def test_formats_that_say_how_long_they_are(form):
    subtype = "ALAW" if form == "WVE" else "PCM_16"
    content = encoded(A, 8_000 if form == "WVE" else RATE, format=form, subtype=subtype)
    found = decode_sound("file", content)
    assert found.samples.shape == (RATE, 1) and found.notes == ()
    np.testing.assert_allclose(found.samples[:, 0], A, atol=0.02 if form == "WVE" else 1e-4)
    for size in (int(0.4 * len(content)), len(content) - 3):
        assert "cut short" in refused(content[:size])


@pytest.mark.parametrize("subtype, width", [("PCM_16", 2), ("PCM_24", 3)])
def test_an_aiff_that_sox_wrote_to_a_pipe_is_read_to_its_end(subtype, width):
    """It promises the whole samples that 0x7F000000 bytes hold."""
    content = bytearray(encoded(A, format="AIFF", subtype=subtype))
    right, count = read(bytes(content)), 0x7F000000 // width
    common, sound = content.index(b"COMM"), content.index(b"SSND")
    content[common + 10 : common + 14] = struct.pack(">I", count)
    content[sound + 4 : sound + 8] = struct.pack(">I", count * width + 8)
    found = decode_sound("file", bytes(content))
    np.testing.assert_array_equal(found.samples, right)
    assert "does not say how long" in found.notes[0]


@pytest.mark.parametrize("subtype", ["GSM610", "MS_ADPCM", "IMA_ADPCM"])
def test_a_fact_chunk_is_not_believed_where_the_size_is_unknown(subtype):
    content = bytearray(encoded(A[:6_400], 8_000, format="WAV", subtype=subtype))
    right, fact, data = read(bytes(content)), content.index(b"fact"), content.index(b"data")
    content[fact + 8 : fact + 12] = struct.pack("<I", 0x76271280)
    content[data + 4 : data + 8] = struct.pack("<I", 0x7FFFEFC2)
    found = decode_sound("file", bytes(content))
    np.testing.assert_array_equal(found.samples[: len(right)], right)
    assert len(found.samples) - len(right) < 2_048 and "does not say how" in found.notes[0]


@pytest.mark.parametrize("form", ["IRCAM", "PAF", "PVF"])
def test_formats_that_do_not_say_it_have_a_note(form):
    found = decode_sound("file", encoded(A, format=form, subtype="PCM_16"))
    assert len(found.samples) == RATE and "do not say how long" in found.notes[0]


# WAV -------------------------------------------------------------------------------------------

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
