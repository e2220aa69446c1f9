"""AIFF, 8SVX, CAF and Wave64: chunks that say how much sound they hold."""

import struct
from collections.abc import Iterator

from audioxai_jax.data.formats import containers, wav
from audioxai_jax.data.formats.layout import (
    ForeignError,
    FormatError,
    Layout,
    Part,
    Source,
    cut_short,
)

NO_SOUND = "is not audio that can be read (no sound in its chunks)"
W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
W64_RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
WIDTHS = {
    b"NONE": 0,
    b"twos": 0,
    b"sowt": 0,
    b"in24": 3,
    b"in32": 4,
    b"fl32": 4,
    b"FL32": 4,
    b"fl64": 8,
    b"FL64": 8,
    b"alaw": 1,
    b"ALAW": 1,
    b"ulaw": 1,
    b"ULAW": 1,
    b"raw ": 0,
}
"""Bytes of a sample of an AIFF file; 0 means that its bits decide."""
AIFF_STREAMED = 0x7F000000
"""Bytes of sound that SoX promises, in whole samples, if it does not know the length."""


def walk(source: Source, start: int, head: str) -> Iterator[tuple[bytes, int, int]]:
    """Yields `(name, place, size)` of chunks; `head` is the `struct` of a name and a size."""
    place, long = start, struct.calcsize(head)
    for _ in range(containers.MOST_CHUNKS):
        data = source.read(place, long)
        if len(data) < long:
            return
        name, size = struct.unpack(head, data)
        yield name, place + long, size
        if size < 0:
            return
        place += long + size + (size % 2 if long == 8 else 0)


def aiff(source: Source) -> Layout:
    """AIFF and AIFC."""
    common, found = b"", None
    for name, place, size in walk(source, 12, ">4sI"):
        if name == b"COMM" and not common:
            common = source.read(place, min(size, 64))
        elif name == b"SSND":
            found = found or (place, size)
        if found and common:
            break
    if found is None or len(common) < 18:
        raise FormatError(NO_SOUND)
    place, promised = found
    channels, frames, bits = struct.unpack(">HIH", common[:8])
    offset = int.from_bytes(source.read(place, 4), "big")
    start = place + 8 + offset
    guess = promised >= wav.STREAMED or -2048 < promised - 8 - AIFF_STREAMED <= 0
    if guess and place + promised > source.size:
        stated = None
    else:
        stated = max(0, promised - 8 - offset)
    size, notes = containers.size(source, start, stated, ">4sI")
    coding = common[18:22] if source.read(8, 4) == b"AIFC" else b"NONE"
    width = WIDTHS.get(coding, -1) or (bits + 7) // 8
    if width <= 0 or width > 8 or not channels:
        return Layout((Part(((0, source.size),)),), notes)
    there = size // (width * channels)
    if frames > there and not (notes and frames >= AIFF_STREAMED // (width * channels)):
        raise cut_short(frames, there, "samples")
    if notes and frames in (0, there) or frames > there or not frames:
        frames = there
    elif frames < there:
        notes = (
            f"The header promises {frames} samples; {there - frames} more follow and were "
            "not read.",
        )
    scale, stop = 1.0, start + frames * width * channels
    if coding in (b"NONE", b"twos", b"sowt") and bits < 8 * width <= 32:
        order = "<" if coding == b"sowt" else ">"
        data = containers.Integers(source, start, stop, width, order)
        scale, more = containers.justified(data, bits)
        notes = (*notes, *more)
    return Layout((Part(_aiff(source, common, start, stop, frames), frames, scale=scale),), notes)


def _aiff(source: Source, common: bytes, start: int, stop: int, frames: int):
    common = common[:2] + struct.pack(">I", frames) + common[6:]
    common += b"\0" * (len(common) % 2)
    body = source.read(8, 4)
    if body == b"AIFC":
        body += b"FVER" + struct.pack(">II", 4, 0xA2805140)
    body += b"COMM" + struct.pack(">I", len(common)) + common
    body += b"SSND" + struct.pack(">III", stop - start + 8, 0, 0)
    total = len(body) + stop - start
    pad = (stop - start) % 2
    return b"FORM" + struct.pack(">I", total + pad) + body, (start, stop), bytes(pad)


def svx(source: Source) -> Layout:
    """Amiga samples of one channel."""
    header, found = b"", None
    for name, place, size in walk(source, 12, ">4sI"):
        if name == b"VHDR":
            header = source.read(place, 20)
        elif name == b"CHAN" and source.read(place, 4) == b"\0\0\0\6":
            raise ForeignError("8SVX of two channels")
        elif name == b"BODY":
            found = (place, size)
            break
    if found is None or len(header) < 20:
        raise FormatError(NO_SOUND)
    if header[15]:
        raise ForeignError("compressed 8SVX")
    start, promised = found
    size, notes = containers.size(source, start, promised, ">4sI")
    width = 1 if source.read(8, 4) == b"8SVX" else 2
    head = source.read(0, start - 4) + struct.pack(">I", size)
    return Layout((Part((head, (start, start + size)), size // width),), notes)


def caf(source: Source) -> Layout:
    """Core Audio files: plain samples by their bytes, ALAC by its table of packets."""
    form, packets, found = b"", None, None
    for name, place, size in walk(source, 8, ">4sq"):
        if name == b"desc":
            form = source.read(place, 32)
        elif name == b"pakt" and size >= 24:
            packets = struct.unpack(">qqii", source.read(place, 24).ljust(24, b"\0"))
        elif name == b"data":
            found = (place, size)
    if found is None or len(form) < 32:
        raise FormatError(NO_SOUND)
    place, promised = found
    coding = form[8:12]
    width, _, channels, bits = struct.unpack(">IIII", form[16:32])
    start, stated = place + 4, None if promised < 0 else max(0, promised - 4)
    size, notes = containers.size(source, start, stated, ">4sq")
    if coding in (b"lpcm", b"alaw", b"ulaw"):
        if not channels or width != channels * bits // 8 or bits % 8:
            raise ForeignError(f"CAF of {bits} bits in {width} bytes")
        size = size // width * width
        head = source.read(0, place - 8) + struct.pack(">q", size + 4) + source.read(place, 4)
        return Layout((Part((head, (start, start + size)), size // width),), notes)
    frames = packets[1] if packets and packets[1] > 0 else None
    return Layout((Part(((0, source.size),), frames),), notes)


def w64(source: Source) -> Layout:
    """Wave64: WAV with long names and sizes, which count themselves."""
    place, form, fact = 40, b"", None
    for _ in range(containers.MOST_CHUNKS):
        head = source.read(place, 24)
        if len(head) < 24:
            break
        size = int.from_bytes(head[16:], "little") - 24
        name = head[:4] if head[4:16].endswith(W64_TAIL[2:]) else b""
        start = place + 24
        if name == b"data":
            unknown = size < 0 or size >= 1 << 62
            found = wav.Chunks("<", form, fact, start, None if unknown else size, containers.GUIDS)
            return wav.of_chunks(source, found)
        if name == b"fmt ":
            form = source.read(start, min(max(size, 0), 64))
        elif name == b"fact":
            fact = int.from_bytes(source.read(start, 8), "little") & 0xFFFFFFFF
        place = start + max(size, 0) + -max(size, 0) % 8
    raise FormatError(NO_SOUND)
