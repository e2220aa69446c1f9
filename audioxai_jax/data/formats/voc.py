"""Creative Voice files: blocks of sound, of silence, and of more sound."""

from audioxai_jax.data.formats import containers, wav
from audioxai_jax.data.formats.layout import (
    ForeignError,
    FormatError,
    Layout,
    Part,
    Piece,
    Source,
    cut_short,
)

CANNOT = "convert it, for example with ffmpeg -i FILE out.wav"
CODES = {0: (wav.PCM, 8), 4: (wav.PCM, 16), 6: (wav.A_LAW, 8), 7: (wav.U_LAW, 8)}
MOST_BLOCKS = 100_000
LONGEST_SILENCE = 1 << 24
"""Samples."""
Form = tuple[int, int, int, int]


def layout(source: Source) -> Layout:
    """All blocks as one sound; raises FormatError for one that is cut short, of two formats, or
    that libsndfile does not decode."""
    place = int.from_bytes(source.read(20, 2), "little")
    form: Form | None = None
    extended: tuple[int, int] | None = None
    pieces: list[Piece] = []
    notes: tuple[str, ...] = ()
    for _ in range(MOST_BLOCKS):
        head = source.read(place, 4)
        if not head or head[0] == 0:
            left = source.size - place - 1
            if left > 1 and not containers.zeros(source, place + 1):
                notes = (f"{left} bytes follow its last block and were not read.",)
            break
        size, kind, body = int.from_bytes(head[1:], "little"), head[0], place + 4
        stop = body + size
        if stop > source.size:
            raise cut_short(size, source.size - body)
        if kind == 8:
            data = source.read(body, 4)
            channels = data[3] + 1
            rate = 256_000_000 // (65_536 - int.from_bytes(data[:2], "little")) // channels
            extended = (rate, channels)
        elif kind in (1, 9):
            new, skip = described(source, body, kind, extended)
            stop += 8 if kind == 9 and uncounted(source, stop) else 0
            extended = None
            if form not in (None, new):
                raise FormatError(f"changes its format from block to block: {CANNOT}")
            form = new
            pieces.append((body + skip, stop))
        elif kind == 2 and form:
            pieces.append((body, stop))
        elif kind == 3:
            pieces.append(silence(source, body, form))
        elif kind in (6, 7):
            raise FormatError(f"repeats blocks of sound: {CANNOT}")
        place = stop
    if form is None:
        raise FormatError("is not audio that can be read (no block of sound)")
    tag, channels, rate, bits = form
    size = sum(len(p) if isinstance(p, bytes) else p[1] - p[0] for p in pieces)
    frames = size // (channels * bits // 8)
    head = wav.header(tag, channels, rate, bits, size)
    return Layout((Part((head, *pieces), frames),), notes)


def described(
    source: Source, body: int, kind: int, extended: tuple[int, int] | None
) -> tuple[Form, int]:
    """Format of a block of sound, and the bytes that describe it."""
    data = source.read(body, 12)
    if kind == 9 and len(data) == 12:
        rate, bits, channels = int.from_bytes(data[:4], "little"), data[4], data[5]
        code = int.from_bytes(data[6:8], "little")
        skip = 12
    elif kind == 1 and len(data) >= 2:
        rate, channels = extended or (1_000_000 // (256 - data[0]), 1)
        code, bits, skip = data[1], 8, 2
    else:
        raise FormatError("is not audio that can be read (a block without description)")
    if code not in CODES or CODES[code][1] != bits or not channels:
        raise ForeignError(f"VOC of code {code}")
    return (CODES[code][0], channels, rate, bits), skip


def uncounted(source: Source, stop: int) -> bool:
    """Whether 8 bytes of sound remain behind a last block, whose size lacks them if SoX wrote it.

    Then comes the end; a block of four bytes in their place would say so.
    """
    rest = source.read(stop, 10)
    return len(rest) == 9 and rest[8] == 0 and rest[1:4] != b"\4\0\0"


def silence(source: Source, body: int, form: Form | None) -> bytes:
    """A block of silence, in the format of the sound before it."""
    data = source.read(body, 3)
    count = int.from_bytes(data[:2], "little") + 1
    if form is None or len(data) < 3:
        raise FormatError(f"begins with a block of silence: {CANNOT}")
    tag, channels, rate, bits = form
    own = 1e6 / (256 - data[2])
    samples = round(count * rate / own) * channels
    if samples > LONGEST_SILENCE:
        raise FormatError("is not audio that can be read (endless silence)")
    zero = {wav.A_LAW: b"\xd5", wav.U_LAW: b"\xff"}.get(tag, b"\x80" if bits == 8 else b"\0\0")
    return zero * samples
