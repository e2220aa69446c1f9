"""FLAC: frames are counted, as the total in the header may be wrong, or not there.

libsndfile reads no more than the header's total, and the first of several joined files.
"""

import dataclasses
import re

from audioxai_jax.data.formats.layout import (
    ForeignError,
    FormatError,
    Layout,
    Part,
    Source,
    channels_text,
    cut_short,
)

MAGIC = b"fLaC"
SYNC = re.compile(rb"\xff[\xf8\xf9]|fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
WINDOW = 1 << 20
LONGEST_HEADER = 16
RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
READABLE = (8, 16, 24)
"""Bits per sample that libsndfile decodes."""


def _crc8_table() -> bytes:
    table = bytearray(256)
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
        table[value] = crc
    return bytes(table)


CRC8 = _crc8_table()


@dataclasses.dataclass
class Stream:
    """One of the joined files: its description, and what its frames add up to."""

    start: int
    description: int
    rate: int
    channels: int
    bits: int
    total: int
    sound: int
    stop: int = 0
    samples: int = 0
    frames: int = 0
    first: int = 0
    fixed: bool | None = None
    lost: int = 0


@dataclasses.dataclass(frozen=True)
class Header:
    """Of a frame; rate and bits are 0 where the stream's description holds."""

    fixed: bool
    samples: int
    rate: int
    channels: int
    bits: int
    number: int


def header(data: bytes) -> Header | None:
    """Of the bytes at a sync code, None unless they are a frame's header, by its checksum."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[3] & 1:
        return None
    block, rate, channels, bits = data[2] >> 4, data[2] & 15, data[3] >> 4, data[3] >> 1 & 7
    if block == 0 or rate == 15 or channels > 10 or bits == 3:
        return None
    lead, at = data[4], 5
    more = next((n for n in range(8) if not lead & 0x80 >> n), 8)
    if more in (1, 8) or len(data) < at + max(0, more - 1) + 5:
        return None
    number = lead & 0xFF >> (more + 1)
    for _ in range(more - 1):
        number, at = number << 6 | data[at] & 0x3F, at + 1
    if block in (6, 7):
        size = block - 5
        samples, at = int.from_bytes(data[at : at + size], "big") + 1, at + size
    else:
        samples = 192 if block == 1 else 576 << block - 2 if block < 6 else 256 << block - 8
    hertz = RATES[rate] if rate < 12 else 0
    if rate >= 12:
        size = 1 if rate == 12 else 2
        value = int.from_bytes(data[at : at + size], "big")
        hertz, at = value * {12: 1000, 13: 1, 14: 10}[rate], at + size
    crc = 0
    for byte in data[:at]:
        crc = CRC8[crc ^ byte]
    if at >= len(data) or crc != data[at]:
        return None
    fixed, count = data[1] == 0xF8, channels + 1 if channels < 8 else 2
    return Header(fixed, samples, hertz, count, BITS.get(bits, 0), number)


def describe(source: Source, start: int) -> Stream:
    """Reads the description of a stream; raises FormatError if there is none, or ForeignError."""
    place, description = start + 4, None
    while True:
        head = source.read(place, 4)
        if len(head) < 4:
            raise FormatError("is not audio that can be read (FLAC without sound)")
        size = int.from_bytes(head[1:], "big")
        if head[0] & 0x7F == 0 and size == 34:
            description = description or place + 4
        place += 4 + size
        if head[0] & 0x80:
            break
    data = source.read(description or 0, 34)
    if description is None or len(data) < 34:
        raise FormatError("is not audio that can be read (FLAC without a description)")
    facts = int.from_bytes(data[10:18], "big")
    bits = (facts >> 36 & 31) + 1
    if bits not in READABLE:
        raise ForeignError(f"FLAC of {bits} bits per sample")
    return Stream(
        start,
        description,
        rate=facts >> 44,
        channels=(facts >> 41 & 7) + 1,
        bits=bits,
        total=facts & (1 << 36) - 1,
        sound=place,
    )


def streams(source: Source, start: int, stop: int) -> list[Stream]:
    """Walks through all frames of all joined streams."""
    found = [describe(source, start)]
    place = found[0].sound
    while place < stop:
        block, jump = source.read(place, min(WINDOW, stop - place)), None
        last = place + len(block) >= stop
        for match in SYNC.finditer(block):
            at = match.start()
            if at + LONGEST_HEADER > len(block) and not last:
                jump = place + at
                break
            if block.startswith(MAGIC, at):
                found[-1].stop = place + at
                found.append(describe(source, place + at))
                jump = found[-1].sound
                break
            if one := header(block[at : at + LONGEST_HEADER]):
                add(found[-1], one)
        if jump is None:
            jump = place + len(block) if last else place + len(block) - 6
        place = jump
    found[-1].stop = stop
    return found


def find(source: Source, start: int, stop: int) -> int | None:
    """Where a stream begins behind junk."""
    block = source.read(start, min(WINDOW, stop - start))
    at = block.find(MAGIC + b"\0\0\0\x22")
    return None if at < 0 else start + at


def add(stream: Stream, one: Header) -> None:
    """Counts a frame if it is the next one; raises FormatError if it is of another kind."""
    if not stream.frames:
        stream.first = one.number
    if stream.frames == 1:  # old writers number samples where the header speaks of frames
        stream.fixed = one.fixed and one.number == stream.first + 1
    wanted = stream.first + (stream.frames if stream.fixed else stream.samples)
    if one.number != wanted:
        stream.lost += one.number > wanted
        return
    kind = (one.rate or stream.rate, one.channels, one.bits or stream.bits)
    if kind != (stream.rate, stream.channels, stream.bits):
        was = f"{channels_text(stream.channels)} of {stream.bits} bits at {stream.rate} Hz"
        raise FormatError(
            f"changes from {was} to {kind[1]} of {kind[2]} bits at {kind[0]} Hz in the middle: "
            "convert it, for example with ffmpeg -i FILE out.wav"
        )
    stream.samples += one.samples
    stream.frames += 1


def layout(source: Source, start: int, stop: int) -> Layout:
    """All streams of a FLAC file, each with the total that its frames add up to."""
    parts, notes = [], []
    for stream in streams(source, start, stop):
        there, total = stream.samples, stream.total
        if total > there:
            raise cut_short(total, there, "samples")
        if stream.lost > 1:
            raise FormatError(f"is damaged: frames are missing after {there / stream.rate:.2f} s")
        if total == 0 and there:
            notes.append("The header does not say how long it is; it was read to its end.")
        elif total < there:
            notes.append(f"The header promises {total} samples, {there} are there and were read.")
        at = stream.description
        facts = int.from_bytes(source.read(at + 10, 8), "big") >> 36 << 36 | there
        alone = MAGIC + b"\x80\x00\x00\x22"
        described = source.read(at, 10) + facts.to_bytes(8, "big") + source.read(at + 18, 16)
        parts.append(Part((alone + described, (stream.sound, stream.stop)), there))
    return Layout(tuple(parts), tuple(notes))
