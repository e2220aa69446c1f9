"""A walk from frame to frame of MPEG audio, around whatever lies between them."""

import dataclasses

from audioxai_jax.data.formats.layout import FormatError, Source, channels_text
from audioxai_jax.data.formats.mpeg_frames import LONGEST_FRAME, Frame, bits_end, frame, tag_size

SEARCHED = 1 << 20
"""Bytes that may come before the first frame."""
WINDOW = 1 << 16
SURE = 3
"""Frames in a row that make a stream."""
SURE_BEHIND_JUNK = 12
"""Frames in a row that make a stream of a file with other bytes in it, such as a program."""
HEAD = 4 + 32 + 12 + 4


@dataclasses.dataclass
class Stretch:
    """Frames that are decoded together; `first` is a Xing frame before them.

    `headless` ones begin with bits that lay in frames before them; `end` bytes of padding lack at
    the end.
    """

    kind: tuple[int, int, int, int]
    samples: int
    pieces: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    count: int = 0
    first: tuple[int, int, int] | None = None
    headless: bool = False
    end: int = 0

    def add(self, start: int, stop: int) -> None:
        self.count += 1
        if self.pieces and self.pieces[-1][1] == start:
            self.pieces[-1] = (self.pieces[-1][0], stop)
        else:
            self.pieces.append((start, stop))


class Walk:
    """A walk from frame to frame through the bytes `[start, stop)` of a file."""

    def __init__(self, source: Source, start: int, stop: int):
        self.source, self.place, self.stop = source, start, stop
        self.free: dict[tuple[int, int, int, int], int] = {}
        self.stretches: list[Stretch] = []
        self.skipped = 0

    def size(self, place: int, found: Frame) -> int:
        """Bytes of a frame; 0 if its format is free and no other frame says how long it is."""
        if found.size:
            return found.size
        if found.kind not in self.free:
            block = self.source.read(place, 2 * LONGEST_FRAME)
            mine = block[:3]
            for at in range(24, len(block) - 4):
                if block[at] == 0xFF and block[at + 1] == mine[1]:
                    other = frame(block[at : at + 4])
                    if other and not other.size and other.kind == found.kind:
                        self.free[found.kind] = at - found.padding
                        break
            else:
                return 0
        return self.free[found.kind] + found.padding

    def follows(self, place: int, sure: int) -> bool:
        """Whether a frame begins there, and others like it follow, or a tag, or the end."""
        kind = None
        for number in range(sure):
            found = frame(self.source.read(place, 4))
            if found is None or kind not in (None, found.kind):
                return number > 0 and bool(
                    place == self.stop or tag_size(self.source, place, self.stop)
                )
            kind, size = found.kind, self.size(place, found)
            if not size:
                return False
            place += size
        return place <= self.stop

    def search(self, limit: int, sure: int = SURE) -> int | None:
        """The next place where frames follow, before a limit."""
        place = self.place
        while place < min(limit, self.stop):
            block = self.source.read(place, WINDOW + 1)
            at = block.find(b"\xff")
            while 0 <= at < min(len(block), WINDOW):
                if at + 1 < len(block) and block[at + 1] >= 0xE0:
                    if self.follows(place + at, sure):
                        return place + at
                at = block.find(b"\xff", at + 1)
            place += WINDOW
        return None

    def run(self) -> None:
        """Goes to the end, collecting stretches; raises FormatError for a cut or changing one."""
        while self.place < self.stop:
            head = self.source.read(self.place, HEAD)
            found = frame(head)
            now = self.stretches[-1] if self.stretches else None
            same = found and (now and found.kind == now.kind or self.follows(self.place, SURE))
            if found and same and (size := self.size(self.place, found)):
                self.take(head, found, size)
            elif size := tag_size(self.source, self.place, self.stop):
                self.place += size
            else:
                self.skip()

    def take(self, head: bytes, found: Frame, size: int) -> None:
        start, end = self.place, min(self.place + size, self.stop)
        now = self.stretches[-1] if self.stretches else None
        xing = found.kind[1] == 3 and is_header(head, found)
        if end - start < size:
            if not now or found.kind != now.kind:
                self.skip()
                return
            if found.kind[1] < 3 or end - start < max(40, bits_end(head, found)):
                raise FormatError(
                    f"is cut short: {end - start} of {size} bytes of its last frame are there"
                )
            now.end = size - (end - start)  # what lacks is padding
        if now and found.kind != now.kind:
            changes(now, found)
            # The bits of a layer III frame may begin in frames before it.
            if borrows(head, found):
                raise FormatError(
                    "changes from one MPEG layer to another in the middle: convert it, for "
                    "example with ffmpeg -i FILE out.wav"
                )
        if xing or not now or found.kind != now.kind:
            self.stretches.append(Stretch(found.kind, found.samples))
        if xing:
            self.stretches[-1].first = (start, end, found.tag)
        else:
            if not self.stretches[-1].count:
                self.stretches[-1].headless = borrows(head, found)
            self.stretches[-1].add(start, end)
        self.place = end

    def skip(self) -> None:
        """Skips bytes up to the next frame."""
        limit = min(self.stop, self.place + SEARCHED) if not self.stretches else self.stop
        self.place += 1
        place = self.search(limit)
        if place is None:
            self.skipped += self.nonzero(self.place - 1, self.stop)
            self.place = self.stop
        else:
            self.skipped += self.nonzero(self.place - 1, place)
            self.place = place

    def nonzero(self, start: int, stop: int) -> int:
        """Bytes of a gap that is more than zeros."""
        for place in range(start, stop, WINDOW):
            if self.source.read(place, min(WINDOW, stop - place)).strip(b"\0"):
                return stop - start if self.stretches else 0
        return 0


def changes(now: Stretch, found: Frame) -> None:
    """Raises FormatError where rate or channels change."""
    (_, _, rate, channels), (_, _, new_rate, new_channels) = now.kind, found.kind
    if (rate, channels) != (new_rate, new_channels):
        raise FormatError(
            f"changes from {channels_text(channels)} at {rate} Hz to {new_channels} at {new_rate} "
            "Hz in the middle: convert it, for example with ffmpeg -i FILE out.wav"
        )


def borrows(head: bytes, found: Frame) -> bool:
    """Whether the bits of a frame of layer III begin in frames before it."""
    at = 4 if head[1] & 1 else 6
    mpeg1 = found.kind[0] == 3
    return found.kind[1] == 3 and bool(head[at] or (mpeg1 and head[at + 1] & 0x80))


def is_header(head: bytes, found: Frame) -> bool:
    """Whether a frame is a Xing, Info or VBRI header instead of sound."""
    return head[found.tag : found.tag + 4] in (b"Xing", b"Info") or head[36:40] == b"VBRI"
