"""Ogg: pages are checked, joined files taken apart, other streams left out.

libsndfile reads the first of several joined files, stops at what it cannot read without a word,
and knows no end but the file's.
"""

import dataclasses
import zlib

from audioxai_jax.data.formats import flac
from audioxai_jax.data.formats.layout import ForeignError, FormatError, Layout, Part, Source
from audioxai_jax.data.formats.spliced import within

MAGIC = b"OggS"
BEGINS, ENDS = 2, 4
REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
SOUNDS = {b"\x01vorbis": "Vorbis", b"OpusHead": "Opus", b"\x7fFLAC": "FLAC"}
OTHERS = {b"Speex   ": "Speex", b"PCM     ": "PCM", b"fLaC": "old FLAC", b"CELT    ": "CELT"}
SEARCHED = 1 << 16
ORDERS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
"""Channels of Vorbis, as libsndfile hands them out, in the order of WAV, by their number.

Vorbis: left, centre, right, then 5: two behind; 6: and low frequencies; 7: two at the sides, centre
behind, low; 8: two at the sides, two behind, low. WAV: left, right, centre, low, behind, sides.
"""


@dataclasses.dataclass
class Stream:
    """A logical stream: its pages, what is in them, and whether the last one says so."""

    codec: str
    order: tuple[int, ...] = ()
    pieces: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    bodies: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    number: int = 0
    ended: bool = False
    known: bool = True


def checksum(page: bytes) -> int:
    """CRC-32 of a page, its own checksum taken as 0: zlib's, with the bits the other way round."""
    data = (page[:22] + bytes(4) + page[26:]).translate(REVERSED)
    found = zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)


def find(source: Source, start: int, stop: int) -> int | None:
    """The next place where a page may begin."""
    for place in range(start, stop, SEARCHED):
        at = source.read(place, min(SEARCHED + 3, stop - place)).find(MAGIC)
        if at >= 0:
            return place + at
    return None


def pages(source: Source, start: int, stop: int):
    """Yields `(place, page)` of the pages in `[start, stop)`.

    Raises:
      FormatError: where one is damaged, or not all there.
    """
    place = start
    while place < stop:
        head = source.read(place, 27)
        if not head.startswith(MAGIC):
            if find(source, place, stop) is not None:
                raise FormatError(f"is damaged: the bytes from {place} on are no Ogg page")
            return  # the sound ends with the last page
        table = source.read(place + 27, head[26]) if len(head) == 27 else b""
        size = 27 + len(table) + sum(table)
        page = source.read(place, size)
        if len(head) < 27 or len(table) < head[26] or len(page) < size:
            raise FormatError("is cut short: its last page is not all there")
        if checksum(page) != int.from_bytes(page[22:26], "little"):
            raise FormatError(f"is damaged: the page at byte {place} does not match its checksum")
        yield place, page
        place += size


def codec(page: bytes) -> tuple[str, bool]:
    """What a stream is, by its first page, and whether libsndfile decodes it; "" for no sound."""
    packet = page[27 + page[26] :]
    for kinds, known in ((SOUNDS, True), (OTHERS, False)):
        for magic, name in kinds.items():
            if packet.startswith(magic):
                return name, known
    return "", False


def channel_order(page: bytes) -> tuple[int, ...]:
    """The `order` of a part of Vorbis or Opus, by the first page of its stream."""
    packet = page[27 + page[26] :]
    if packet.startswith(b"\x01vorbis"):
        return ORDERS.get(packet[11], ())
    if packet.startswith(b"OpusHead") and packet[18] == 1:  # other families have no places
        return ORDERS.get(packet[9], ())
    return ()


def links(source: Source, start: int, stop: int) -> list[dict[int, Stream]]:
    """The joined files, each its streams by serial number."""
    found: list[dict[int, Stream]] = []
    opening = False
    for place, page in pages(source, start, stop):
        serial, number = (int.from_bytes(page[a : a + 4], "little") for a in (14, 18))
        if page[5] & BEGINS:
            if not opening:
                found.append({})
            opening = True
            name, known = codec(page)
            found[-1][serial] = Stream(name, channel_order(page), number=number, known=known)
        else:
            opening = False
        stream = found[-1].get(serial) if found else None
        if stream is None:
            raise FormatError("is not audio that can be read (the beginning of the Ogg is missing)")
        if number != stream.number:
            raise FormatError(f"is damaged: Ogg pages are missing before byte {place}")
        stream.number = number + 1 & 0xFFFFFFFF
        stream.ended |= bool(page[5] & ENDS)
        end = place + len(page)
        stream.bodies.append((place + 27 + page[26], end))
        if stream.pieces and stream.pieces[-1][1] == place:
            stream.pieces[-1] = (stream.pieces[-1][0], end)
        else:
            stream.pieces.append((place, end))
    return found


def layout(source: Source, start: int, stop: int) -> Layout:
    """The sound of each joined file: the first stream of it that is sound."""
    parts, notes = [], []
    for link in links(source, start, stop):
        sounds = [stream for stream in link.values() if stream.codec]
        if not sounds:
            raise FormatError("is not audio that can be read (no stream of the Ogg is sound)")
        stream = sounds[0]
        if not stream.known:
            raise ForeignError(f"{stream.codec} in Ogg")
        if not stream.ended:
            raise FormatError("is cut short: its last Ogg page is missing")
        if len(sounds) > 1:
            notes.append(f"It holds {len(sounds)} streams of sound; the first was read.")
        if stream.codec == "FLAC":  # libsndfile does not read all of them
            inner = unwrapped(source, stream)
            parts += inner.parts
            notes += inner.notes
        else:
            parts.append(Part(tuple(stream.pieces), order=stream.order))
    return Layout(tuple(parts), tuple(dict.fromkeys(notes)))


def unwrapped(source: Source, stream: Stream) -> Layout:
    """FLAC without Ogg: the pages hold its bytes, after nine of their own."""
    start, stop = stream.bodies[0]
    pieces = ((start + 9, stop), *stream.bodies[1:])
    return within(source, pieces, lambda inner: flac.layout(inner, 0, inner.size))
