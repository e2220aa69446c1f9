"""Files that are joined or cut, and headers that give a wrong length."""

import struct

import numpy as np
import pytest

from audioxai_jax.data.formats.ogg import checksum
from audioxai_jax.data.sound_files import decode_sound
from tests.helpers.mp3_parts import RATE, encoded, tone
from tests.helpers.sound_files import QUIET, A, B, read, refused

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
    """As of a film: the pages of a stream that is no sound lie between those of the sound."""
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
    """It promises as many whole samples as 0x7F000000 bytes hold."""
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
