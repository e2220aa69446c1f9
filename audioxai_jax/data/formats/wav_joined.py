"""WAV files one behind the other in one file, and files of several chunks of sound.

libsndfile reads the first of either, and does not say that more follows.
"""

import dataclasses
import itertools
import struct
from collections.abc import Iterator

from audioxai_jax.data.formats import wav
from audioxai_jax.data.formats.layout import Layout, Source
from audioxai_jax.data.formats.spliced import within

WINDOW = 1 << 20


def layout(source: Source) -> Layout:
    """The sound of a WAV file, or of joined ones; raises FormatError if it is not all there."""
    starts = [0]
    while (start := following(source, starts[-1])) is not None:
        starts.append(start)
    if len(starts) == 1:
        return single(source)
    ends = itertools.pairwise([*starts, source.size])
    return together([within(source, (piece,), single) for piece in ends])


def together(layouts: list[Layout]) -> Layout:
    notes = dict.fromkeys(note for found in layouts for note in found.notes)
    return Layout(tuple(part for found in layouts for part in found.parts), tuple(notes))


def single(source: Source) -> Layout:
    """One file, of one or several chunks of sound."""
    first = wav.chunks(source)
    more = [
        dataclasses.replace(first, start=start, promised=size, fact=None)
        for name, start, size in behind(source, first)
        if name == b"data" and size
    ]
    if not more:
        return wav.of_chunks(source, first)
    found = [dataclasses.replace(first, fact=None), *more]
    layouts = []
    for chunk in found[:-1]:
        piece = (0, chunk.start + (chunk.promised or 0))
        layouts.append(within(source, (piece,), lambda s, chunk=chunk: wav.of_chunks(s, chunk)))
    return together([*layouts, wav.of_chunks(source, found[-1])])


def behind(source: Source, found: wav.Chunks) -> Iterator[tuple[bytes, int, int]]:
    """Yields `(name, place, size)` of the chunks behind the sound, if its size is known."""
    if not found.promised:
        return
    place, size = found.start + found.promised, found.promised
    for _ in range(wav.MOST_CHUNKS):
        # Some writers leave out the pad byte of odd chunks.
        if size % 2 and not wav.known(source.read(place, 4)):
            place += 1
        head = source.read(place, 8)
        if len(head) < 8 or not wav.known(head[:4]):
            return
        size = struct.unpack(f"{found.order}I", head[4:])[0]
        yield head[:4], place + 8, size
        place += 8 + size


def following(source: Source, begin: int) -> int | None:
    """Where the next WAV file begins behind the one that begins there, None if none does."""
    found = wav.chunks(source, begin)
    if not found.promised:  # not known, or never updated
        return search(source, found.start)
    for name, place, _ in behind(source, found):
        if name in wav.KINDS and source.read(place, 4) == b"WAVE":
            return place - 8
    return None


def search(source: Source, start: int) -> int | None:
    """The next header of a WAV file, wherever it is."""
    for place in range(start, source.size, WINDOW):
        block = source.read(place, WINDOW + 15)
        at = block.find(b"WAVEfmt ")
        while at >= 0:
            if at >= 8 and block[at - 8 : at - 4] in wav.KINDS:
                return place + at - 8
            at = block.find(b"WAVEfmt ", at + 1)
    return None
