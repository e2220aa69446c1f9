"""What formats have in common: bytes promised and there, and integers in wide containers."""

import dataclasses
import re
import struct

import numpy as np

from audioxai_jax.data.formats.layout import FormatError, Source, cut_short

MOST_CHUNKS = 10_000
WINDOW = 1 << 20
GUIDS = "<16sq"
"""The head of a chunk of Wave64."""
SOUNDS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"riff", b"caff", b"data", b"SSND", b"BODY")
"""Chunks that hold sound themselves, of a joined file or of the same."""


def size(
    source: Source, start: int, promised: int | None, head: str = "<4sI"
) -> tuple[int, tuple[str, ...]]:
    """Bytes of sound from `start` on, and a note if they are not what the header promises.

    Args:
      promised: by the header; None if it does not say.
      head: name and size of the chunks that may follow, as `struct` has it.

    Raises:
      FormatError: if fewer are there than it promises.
    """
    there = max(0, source.size - start)
    if promised is None:
        there -= tail(source, start, head)
        return there, ("The header does not say how long it is; it was read to its end.",)
    if promised > there:
        raise cut_short(promised, there)
    left = there - promised
    if left <= 1 or trailer(source, start + promised, head):
        return promised, ()
    if promised == 0:
        there -= tail(source, start, head)
        return there, ("The header was never updated; the file was read to its end.",)
    return promised, (
        f"The header promises {promised} bytes of sound; {left} more follow and were not read.",
    )


def trailer(source: Source, place: int, head: str) -> bool:
    """Whether what lies there is chunks, a tag, or zeros, and no sound that was left out."""
    padded = place + (-place % 8 if head == GUIDS else place % 2)
    return any(chunks(source, start, head) for start in (place, padded)) or zeros(source, place)


def chunks(source: Source, place: int, head: str) -> bool:
    """Whether chunks that are no sound reach from there to the end of the file."""
    long = struct.calcsize(head)
    for _ in range(MOST_CHUNKS):
        data = source.read(place, long)
        if len(data) < 8 or data.startswith(b"TAG") and place + 128 >= source.size:
            return True
        if len(data) < long or not all(32 <= byte < 127 for byte in data[:4]):
            return zeros(source, place)
        if data[:4] in SOUNDS:
            return False
        length = struct.unpack(head, data)[1]
        if head == GUIDS:  # sizes count the names, and are rounded to eight bytes
            length = max(long, length) - long
            length += -length % 8
        if length < 0:
            return False
        place += long + length + (length % 2 if long == 8 else 0)
        if place > source.size + 7 * (head == GUIDS) + 1:
            return False
    return False


def tail(source: Source, start: int, head: str) -> int:
    """Bytes of a list of texts at the very end, behind sound of unknown length."""
    if head == GUIDS:
        return 0
    block = source.read(max(start, source.size - WINDOW // 16), WINDOW)
    for name in (b"LIST", b"id3 "):
        for at in (match.start() for match in re.finditer(name, block)):
            data = block[at : at + struct.calcsize(head)]
            if len(data) < struct.calcsize(head):
                continue
            end = at + len(data) + struct.unpack(head, data)[1]
            if abs(end - len(block)) <= 1:
                return len(block) - at
    return 0


def zeros(source: Source, place: int) -> bool:
    while block := source.read(place, WINDOW):
        if block.strip(b"\0"):
            return False
        place += len(block)
    return True


@dataclasses.dataclass(frozen=True)
class Integers:
    """Integers of `width` bytes in `[start, stop)` of a file; with `offset` they are unsigned."""

    source: Source
    start: int
    stop: int
    width: int
    order: str
    offset: bool = False

    def blocks(self):
        """Yields them as int64 `[n]`."""
        step = WINDOW // self.width * self.width
        for place in range(self.start, self.stop, step):
            data = self.source.read(place, min(step, self.stop - place))
            parts = np.frombuffer(data[: len(data) // self.width * self.width], np.uint8)
            parts = parts.reshape(-1, self.width)
            parts = parts[:, ::-1] if self.order == ">" else parts
            value = np.zeros(len(parts), np.int64)
            for number in range(self.width):
                value |= parts[:, number].astype(np.int64) << 8 * number
            middle = 1 << 8 * self.width - 1
            yield value - middle if self.offset else (value ^ middle) - middle


def justified(data: Integers, valid: int) -> tuple[float, tuple[str, ...]]:
    """Factor of integers of `valid` bits in wider containers, and a note.

    By the rule they fill the upper bits and the rest is 0. Some writers fill the lower ones, which
    makes the sound softer.

    Raises:
      FormatError: if they do neither.
    """
    spare = 8 * data.width - valid
    low, most = 0, 0
    for block in data.blocks():
        low |= int(np.bitwise_or.reduce(block & (1 << spare) - 1))
        most = max(most, int(np.max(np.where(block < 0, ~block, block), initial=0)))
    if low == 0:
        return 1.0, ()
    if most < 1 << valid - 1:
        return float(1 << spare), (
            f"Its {valid} bits lie in the lower end of {8 * data.width}; they were scaled up.",
        )
    raise FormatError(
        f"contradicts itself: samples of {valid} bits use all of {8 * data.width}: its header "
        "may be damaged"
    )
