"""MPEG frames are counted, whatever stands around them."""

import os
import struct

import numpy as np
import pytest

from audioxai_jax.data.formats import complaints
from audioxai_jax.data.sound_files import decode_sound
from tests.helpers.mp3_parts import encoded, frames, mp3
from tests.helpers.sound_files import ID3, QUIET, A, B, read, refused


@pytest.mark.parametrize("samples", [QUIET, QUIET[::-1]], ids=["quiet first", "quiet last"])
def test_a_variable_bit_rate_without_a_header_is_read_whole(samples):
    """The encoder's delay of 1105 samples is part of what remains without its header."""
    whole = mp3(samples, 0.5, "VARIABLE")
    parts = frames(whole)
    assert len({len(part) for part in parts}) > 2
    bare = read(b"".join(parts))
    assert len(bare) == 576 * len(parts)
    np.testing.assert_allclose(bare[1105 : 1105 + len(samples)], read(whole), atol=1e-6)


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
