"""Formats of one fixed header that says how much sound follows."""

import functools
import operator
import re
import struct

from audioxai_jax.data.formats import containers
from audioxai_jax.data.formats.layout import (
    UNSTATED,
    ForeignError,
    FormatError,
    Layout,
    Part,
    Source,
    cut_short,
    whole,
)

AU_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
IRCAM = tuple(bytes.fromhex(f"64a30{n}00") for n in range(1, 5)) + tuple(
    bytes.fromhex(f"000{n}a364") for n in range(1, 5)
)
MAT4_WIDTHS = (8, 4, 4, 2, 2, 1)
CANNOT = "convert it, for example with ffmpeg -i FILE out.wav"
DAMAGED = "is not audio that can be read (its header is damaged)"


def counted(
    source: Source, start: int, promised: int | None, width: int | None, head: bytes | None = None
) -> Layout:
    """The sound behind a header of a file.

    Args:
      promised: bytes of sound; None if the header does not say.
      width: bytes of a sample of all channels; None if channels differ.
      head: the header as it should be, if it has to be another one.
    """
    size, notes = containers.size(source, start, promised)
    first = (0, start) if head is None else head
    frames = size // width if width else None
    return Layout((Part((first, (start, start + size)), frames),), notes)


def au(source: Source) -> Layout:
    order = ">" if source.read(0, 4) == b".snd" else "<"
    head = source.read(0, 24)
    if len(head) < 24:
        raise FormatError(DAMAGED)
    start, promised, coding, _, channels = struct.unpack(f"{order}5I", head[4:])
    if not 24 <= start <= source.size or not channels:
        raise FormatError(DAMAGED)
    stated = None if promised == 0xFFFFFFFF else promised
    size, _ = containers.size(source, start, stated)
    new = head[:8] + struct.pack(f"{order}I", size) + head[12:] + source.read(24, start - 24)
    width = AU_WIDTHS.get(coding)
    return counted(source, start, stated, width and width * channels, new)


def nist(source: Source) -> Layout:
    """NIST SPHERE."""
    text = source.read(0, 1024).decode("latin-1")
    lines = text.split("\n")
    start = int(lines[1]) if len(lines) > 1 and lines[1].strip().isdigit() else 0
    if start < 16:
        raise FormatError(DAMAGED)
    fields = dict(
        re.findall(r"^(\w+) -\w+ (.+?)\s*$", source.read(0, start).decode("latin-1"), re.MULTILINE)
    )
    coding = fields.get("sample_coding", "pcm")
    if "," in coding:
        raise ForeignError(f"NIST coded as {coding}")
    try:
        width = int(fields["sample_n_bytes"]) * int(fields["channel_count"])
        count = int(fields["sample_count"]) if "sample_count" in fields else None
    except (KeyError, ValueError):
        raise FormatError(DAMAGED) from None
    if width <= 0:
        raise FormatError(DAMAGED)
    return counted(source, start, None if count is None else count * width, width)


def avr(source: Source) -> Layout:
    head = source.read(0, 128)
    if len(head) < 128:
        raise FormatError(DAMAGED)
    stereo, bits = struct.unpack(">HH", head[12:16])
    frames = int.from_bytes(head[26:30], "big")
    width = bits // 8 * (2 if stereo else 1)
    if width <= 0:
        raise FormatError(DAMAGED)
    return counted(source, 128, frames * width, width)


def mpc2k(source: Source) -> Layout:
    head = source.read(0, 42)
    if len(head) < 42:
        raise FormatError(DAMAGED)
    width = 4 if head[21] else 2
    return counted(source, 42, int.from_bytes(head[30:34], "little") * width, width)


def wve(source: Source) -> Layout:
    return counted(source, 32, int.from_bytes(source.read(18, 4), "big"), 1)


def xi(source: Source) -> Layout:
    count = int.from_bytes(source.read(296, 2), "little")
    if count != 1:
        raise FormatError(f"is an instrument of {count} samples: {CANNOT}")
    size, kind = int.from_bytes(source.read(298, 4), "little"), source.read(312, 1)
    return counted(source, 338, size, 2 if kind and kind[0] & 0x10 else 1)


def sds(source: Source) -> Layout:
    """MIDI sample dumps: packets of 120 bytes of seven bits."""
    head = source.read(0, 21)
    if len(head) < 21 or not 8 <= head[6] <= 28:
        raise FormatError(DAMAGED)
    frames = head[10] | head[11] << 7 | head[12] << 14
    each = 120 // (-(-head[6] // 7))
    there = (source.size - 21) // 127 * each
    if frames > there:
        raise cut_short(frames, max(0, there), "samples")
    needed = -(-frames // each)
    for number in range(needed):  # libsndfile prints what is wrong with them
        packet = source.read(21 + 127 * number, 127)
        check = functools.reduce(operator.xor, packet[1:125])
        known = packet[:2] == b"\xf0\x7e" and packet[3] == 2 and packet[4] == number % 128
        if not known or packet[125] != check & 0x7F or packet[126] != 0xF7:
            raise FormatError(f"is damaged: packet {number} of the sample dump is not whole")
    stop = 21 + 127 * needed
    return Layout((Part(((0, stop),), frames, surplus=needed * each - frames),))


def mat4(source: Source) -> Layout:
    """Two matrices: the rate and the sound."""
    order = "<" if source.read(0, 4) == bytes(4) else ">"
    place = 0
    for _ in range(2):
        head = source.read(place, 20)
        if len(head) < 20:
            raise FormatError(DAMAGED)
        kind, rows, columns, _, name = struct.unpack(f"{order}5I", head)
        start = place + 20 + name
        width = MAT4_WIDTHS[kind // 10 % 10] if kind // 10 % 10 < 6 else 8
        place = start + rows * columns * width
    if place > source.size:
        raise cut_short(place - start, source.size - start)
    return Layout((Part(((0, source.size),), columns),))


def mat5(source: Source) -> Layout:
    order = ">" if source.read(126, 2) == b"MI" else "<"
    place, size = 128, 0
    for _ in range(2):  # matrices of flags, dimensions, name and numbers each
        if source.read(place, 4) != struct.pack(f"{order}I", 14):
            raise FormatError(f"is not a MAT5 file of a rate and a sound: {CANNOT}")
        place += 8
        for part in range(4):
            head = source.read(place, 8)
            if len(head) < 8:
                raise FormatError(DAMAGED)
            kind, size = struct.unpack(f"{order}II", head)
            small = kind >> 16  # up to four bytes lie in the tag itself
            place += 8 if small else 8 + size + (-size % 8 if part < 3 else 0)
            size = 0 if small else size
        place += -size % 8
    start = place - size - -size % 8
    if start + size > source.size:
        raise cut_short(size, source.size - start)
    return whole(source)


def endless(source: Source) -> Layout:
    """IRCAM, PAF and PVF: no header says where they end."""
    return Layout(whole(source).parts, (UNSTATED,))
