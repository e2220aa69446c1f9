"""Where the sound of a file lies, and how much of it there should be.

Each format's module reads the headers and hands back a `Layout`; libsndfile then decodes its
parts, and what comes out is compared with what the layout promises.
"""

import dataclasses
import os
from typing import BinaryIO

Piece = bytes | tuple[int, int]
"""Bytes as they are, or `(start, stop)` of bytes of the file."""
UNSTATED = "Files of this format do not say how long they are: a missing end would not be seen."
"""A note."""


class FormatError(ValueError):
    """A file that cannot be read as it should be; the message does not name the file."""


class ForeignError(FormatError):
    """A file that libsndfile cannot decode, `kind` in words; another decoder may."""

    def __init__(self, kind: str):
        super().__init__(kind)
        self.kind = kind


class Source:
    """The bytes of a file, read anywhere."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.size = stream.seek(0, os.SEEK_END)

    def read(self, start: int, count: int) -> bytes:
        """At most `count` bytes from `start` on; fewer at the end of the file."""
        if not 0 <= start < self.size or count <= 0:
            return b""
        self.stream.seek(start)
        return self.stream.read(min(count, self.size - start))


@dataclasses.dataclass(frozen=True)
class Part:
    """A stretch of sound that is decoded by itself.

    Attributes:
      pieces: inputs of the decoder, one after the other.
      frames: number of frames that must come out; None: the number in libsndfile's header.
      surplus: how many more it may make, which are padding and dropped.
      scale: factor of the samples.
      counted: False for MPEG without a header of its own: libsndfile guesses its length from the
        bit rate of the first frame, and is told of a longer file so that it reads to the end.
      mpeg: whether libmpg123 decodes it, which complains on standard error.
      headless: whether its first frames cannot be decoded right.
      order: order of the decoder's channels, those that come first, second, ... in a WAV file;
        empty if they are in order.
      source: file with the pieces, if not in the file itself.
    """

    pieces: tuple[Piece, ...]
    frames: int | None = None
    surplus: int = 0
    scale: float = 1.0
    counted: bool = True
    mpeg: bool = False
    headless: bool = False
    order: tuple[int, ...] = ()
    source: Source | None = None


@dataclasses.dataclass(frozen=True)
class Layout:
    """The parts of a file, in order, and what a listener must know, a sentence each."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


def whole(source: Source) -> Layout:
    """A file as it is, its length as libsndfile reads it."""
    return Layout((Part(((0, source.size),), mpeg=True),))  # for all that is known


def channels_text(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def cut_short(promised: float, there: float, unit: str = "bytes of sound") -> FormatError:
    return FormatError(
        f"is cut short: its header promises {promised} {unit}, {max(0, there)} are there"
    )
