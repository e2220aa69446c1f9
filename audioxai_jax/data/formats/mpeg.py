"""MP3 and its elder brothers: every frame is looked at, as few files say how many there are.

libsndfile guesses the length of a file without a Xing header from the bit rate of its first
frame, reads the first of several joined files, and does not know most tags.
"""

from audioxai_jax.data.formats.layout import FormatError, Layout, Part, Piece, Source, cut_short
from audioxai_jax.data.formats.mpeg_walk import SEARCHED, SURE, SURE_BEHIND_JUNK, Stretch, Walk

UNKNOWN = 1 << 30
"""Frames; headers that count more were never updated."""


def begins(source: Source, start: int, stop: int) -> bool:
    """Whether frames begin right there."""
    return Walk(source, start, stop).follows(start, SURE)


def found(source: Source, stop: int) -> int | None:
    """Where frames begin, behind junk or tags that do not say how long they are."""
    walk, limit = Walk(source, 0, stop), min(SEARCHED, stop)
    return None if walk.search(limit, SURE_BEHIND_JUNK) is None else walk.search(limit)


def layout(source: Source, start: int, stop: int) -> Layout:
    """All frames in `[start, stop)` of a file.

    Raises:
      FormatError: without frames, for fewer than a header counts, or if they change midway.
    """
    walk = Walk(source, start, stop)
    walk.run()
    if not any(s.count for s in walk.stretches):
        raise FormatError("is not audio that can be read (no MPEG frames)")
    parts, notes = [], []
    for stretch in walk.stretches:
        part, said = _part(source, stretch)
        parts += [part] * (stretch.count > 0)
        notes += said
        if stretch.headless:
            notes.append(
                "The beginning of the MPEG stream is missing: its first frames cannot be decoded "
                "right."
            )
    if walk.skipped:
        notes.append(
            f"{walk.skipped} bytes between the MPEG frames are not sound: the file may be damaged."
        )
    return Layout(tuple(parts), tuple(dict.fromkeys(notes)))


def _part(source: Source, stretch: Stretch) -> tuple[Part, list[str]]:
    frames = stretch.count * stretch.samples
    whole: tuple[Piece, ...] = (*stretch.pieces, bytes(stretch.end))
    # libmpg123 complains of a stream of one frame: it gets another, which is dropped.
    twice = whole if stretch.count == 1 else ()
    surplus = stretch.samples * bool(twice)
    guessed = Part(
        whole + twice, frames, surplus, counted=False, mpeg=True, headless=stretch.headless
    )
    if stretch.first is None:
        return guessed, []
    start, stop, tag = stretch.first
    head = bytearray(source.read(start, stop - start))
    flags = int.from_bytes(head[tag + 4 : tag + 8], "big")
    if head[36:40] == b"VBRI":
        count = int.from_bytes(head[50:54], "big")
    elif flags & 1:
        count = int.from_bytes(head[tag + 8 : tag + 12], "big")
    else:
        count = 0
    count = count if count < UNKNOWN else 0
    # Some writers count the header, some do not count the last frame.
    if count > stretch.count + 1:
        raise cut_short(count, stretch.count, "frames")
    if not count or head[36:40] == b"VBRI":
        return guessed, []
    if count < stretch.count - 1:
        return guessed, [
            f"The header counts {count} MPEG frames, {stretch.count} are there and were read."
        ]
    head[tag + 8 : tag + 12] = stretch.count.to_bytes(4, "big")
    if flags & 2:
        size = len(head) + sum(b - a for a, b in stretch.pieces)
        head[tag + 12 : tag + 16] = min(size, 0xFFFFFFFF).to_bytes(4, "big")
    return Part((bytes(head), *whole), mpeg=True, headless=stretch.headless), []
