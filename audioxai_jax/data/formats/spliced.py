"""A stream made of pieces of a file and of bytes, without a copy."""

import bisect
import dataclasses
import itertools
import os
from collections.abc import Callable

from audioxai_jax.data.formats.layout import Layout, Part, Piece, Source

TAG = 128
"""Bytes at the end where libmpg123 looks for a tag."""


class Spliced:
    """The pieces of a part as one stream to read.

    A seek before the beginning, as a damaged header may ask for, stays where it is: libsndfile
    sees that it did not arrive, and an exception in its callback would be printed.
    """

    def __init__(self, source: Source, part: Part):
        self.source, self.pieces, self.place = part.source or source, part.pieces, 0
        sizes = [len(p) if isinstance(p, bytes) else p[1] - p[0] for p in part.pieces]
        self.starts = [0, *itertools.accumulate(sizes)]
        self.there = self.starts[-1]
        # No MPEG file has frames 100 times as large as others: the guess is never too short.
        self.size = self.there if part.counted else 100 * self.there + 2 * TAG

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.size}[whence]
        if base + offset >= 0:
            self.place = base + offset
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, count: int = -1) -> bytes:
        count = self.there - self.place if count < 0 else count
        if self.place >= self.there:  # nothing, and no tag
            tag = self.place == self.size - TAG > self.there
            self.place += TAG * tag
            return bytes(TAG * tag)
        found = []
        while count > 0 and self.place < self.there:
            number = bisect.bisect_right(self.starts, self.place) - 1
            piece, start = self.pieces[number], self.place - self.starts[number]
            if isinstance(piece, bytes):
                block = piece[start : start + count]
            else:
                block = self.source.read(piece[0] + start, min(count, piece[1] - piece[0] - start))
            if not block:
                break
            found.append(block)
            count -= len(block)
            self.place += len(block)
        return b"".join(found)

    def readinto(self, buffer) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def within(source: Source, pieces: tuple[Piece, ...], layout: Callable[[Source], Layout]) -> Layout:
    """The layout of a file that lies in pieces of another."""
    inner = Source(Spliced(source, Part(pieces)))  # type: ignore[arg-type]
    found = layout(inner)
    parts = tuple(p if p.source else dataclasses.replace(p, source=inner) for p in found.parts)
    return Layout(parts, found.notes)
