"""Headers of MPEG audio frames (layers I to III), and the tags that lie around them."""

import dataclasses

from audioxai_jax.data.formats.layout import Source

RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
KILOBITS = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
LONGEST_FRAME = 8192


@dataclasses.dataclass(frozen=True)
class Frame:
    """What a frame's header says.

    Attributes:
      kind: version, layer, rate and number of channels: equal in all frames of a stream.
      size: bytes, 0 for free format.
      padding: bytes that a frame of free format is longer.
      samples: samples of each channel.
      tag: position of the Xing header in a frame that has one.
    """

    kind: tuple[int, int, int, int]
    size: int
    padding: int
    samples: int
    tag: int


def frame(header: bytes) -> Frame | None:
    """Of the first four bytes of a frame, None if they are something else."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    index, place = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or index == 15 or place == 3:
        return None
    first = version == 3
    kilobits, rate = KILOBITS[first, layer][index], RATES[version][place]
    channels, padding = 1 if header[3] >> 6 == 3 else 2, header[2] >> 1 & 1
    if layer == 1:
        padding, samples = 4 * padding, 384
        size = 12_000 * kilobits // rate * 4
    else:
        samples = 576 if layer == 3 and not first else 1152
        size = samples * 125 * kilobits // rate
    side = {(True, 2): 32, (True, 1): 17, (False, 2): 17, (False, 1): 9}[first, channels]
    return Frame(
        (version, layer, rate, channels),
        size + padding if kilobits else 0,
        padding,
        samples,
        4 + side,
    )


def bits_end(head: bytes, found: Frame) -> int:
    """Bytes from the beginning of a layer III frame to the end of its own bits.

    Args:
      head: the frame's first 40 bytes or more.
    """
    at = 4 if head[1] & 1 else 6
    mpeg1, channels = found.kind[0] == 3, found.kind[3]
    side = found.tag - 4
    bits = int.from_bytes(head[at : at + side], "big")

    def take(place: int, count: int) -> int:
        return bits >> 8 * side - place - count & (1 << count) - 1

    if mpeg1:
        before, place, granules, each = take(0, 9), 20 if channels == 2 else 18, 2, 59
    else:
        before, place, granules, each = take(0, 8), 10 if channels == 2 else 9, 1, 63
    total = sum(take(place + each * number, 12) for number in range(granules * channels))
    return at + side + max(0, -(-total // 8) - before)


def tag_size(source: Source, place: int, stop: int) -> int:
    """Bytes of the tag that begins at a place (ID3v1 and v2, APE, Lyrics3), 0 for none."""
    head = source.read(place, 32)
    if head.startswith(b"ID3") and len(head) >= 10 and head[3] < 0xFF and head[4] < 0xFF:
        size = _syncsafe(head[6:10]) + (20 if head[5] & 0x10 else 10)
        return size if place + size <= stop else 0
    if head.startswith(b"TAG+") and stop - place >= 227:
        return 227
    if head.startswith(b"TAG") and stop - place >= 128:
        return 128
    if head.startswith(b"APETAGEX") and len(head) == 32:
        size, flags = int.from_bytes(head[12:16], "little"), int.from_bytes(head[20:24], "little")
        if flags >> 29 & 1:  # the header; otherwise the footer, with its items before it
            return min(size + 32, stop - place)
        return 32
    if head.startswith(b"LYRICSBEGIN"):
        text = source.read(place, min(stop - place, 1 << 20))
        for end in (b"LYRICS200", b"LYRICSEND"):
            if (found := text.find(end)) >= 0:
                return found + len(end)
    return 0


def sound_end(source: Source, start: int) -> int:
    """Where the tags at the end of a file begin (ID3v1 and v2, APE, Lyrics3), else its end."""
    stop, before = source.size, -1
    while stop != before:
        before = stop
        if source.read(stop - 128, 3) == b"TAG":
            stop -= 128
        foot = source.read(stop - 32, 32)
        if foot.startswith(b"APETAGEX"):
            flags = int.from_bytes(foot[20:24], "little")
            stop -= int.from_bytes(foot[12:16], "little") + 32 * (flags >> 31)
        elif foot[-10:].startswith(b"3DI"):
            stop -= _syncsafe(foot[-4:]) + 20
        elif foot.endswith(b"LYRICS200") and foot[-15:-9].isdigit():
            stop -= int(foot[-15:-9]) + 15
        elif foot.endswith(b"LYRICSEND"):
            text = source.read(stop - 5120, 5120)
            stop -= len(text) - text.rfind(b"LYRICSBEGIN") if b"LYRICSBEGIN" in text else 0
        if stop <= start:
            return before
    return stop


def _syncsafe(data: bytes) -> int:
    size = 0
    for byte in data:
        size = size << 7 | byte & 0x7F
    return size
