"""WAV and its long and big-endian kin: libsndfile is given a header that says what is true.

It reads a file whose end is missing without a word, takes pad bytes for sound, and believes what
headers say that were never updated.
"""

import dataclasses
import struct

from audioxai_jax.data.formats import containers, mpeg
from audioxai_jax.data.formats.layout import (
    FormatError,
    Layout,
    Part,
    Source,
    channels_text,
    cut_short,
)

KINDS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"BW64": "<"}
STREAMED = 0x7FFF0000
"""Chunk sizes from here on are what writers leave who did not know the length."""
MOST_CHUNKS = 10_000
PCM, MS_ADPCM, FLOAT, A_LAW, U_LAW, IMA, GSM, EXTENSIBLE = 1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE
PLAIN = {PCM: None, FLOAT: None, A_LAW: 8, U_LAW: 8}
MPEG = (0x50, 0x55)
LONGEST = 0xFFFF0000


@dataclasses.dataclass(frozen=True)
class Chunks:
    """What the chunks before and behind the sound say.

    Attributes:
      order: order of bytes, as `struct` has it.
      form: the format chunk.
      fact: samples of each channel by the fact chunk, None without one.
      start: start of the sound.
      promised: bytes of sound by the header; None if it does not say.
      head: layout of the chunks that may follow, as `struct` has it, if not those of RIFF.
    """

    order: str
    form: bytes
    fact: int | None
    start: int
    promised: int | None
    head: str = ""


def chunks(source: Source, begin: int = 0) -> Chunks:
    """Walks to the chunk of the sound of the file that begins there; raises FormatError if there
    is none."""
    order = KINDS[source.read(begin, 4)]
    place, form, fact, long_size = begin + 12, b"", None, None
    for _ in range(MOST_CHUNKS):
        head = source.read(place, 8)
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        place += 8
        if name == b"data":
            if size == 0xFFFFFFFF and long_size is not None:
                return Chunks(order, form, fact, place, long_size)
            if size >= STREAMED and place + size > source.size:
                return Chunks(order, form, fact, place, None)
            return Chunks(order, form, fact, place, size)
        if name == b"fmt " and not form:
            form = source.read(place, min(size, 64))
        elif name == b"fact" and size >= 4:
            fact = struct.unpack(f"{order}I", source.read(place, 4).ljust(4, b"\0"))[0]
        elif name == b"ds64":
            long_size = struct.unpack("<QQ", source.read(place, 16).ljust(16, b"\0"))[1]
        place += size
        # Some writers leave out the pad byte of odd chunks.
        if size % 2 and not (known(source.read(place, 4)) and not known(source.read(place + 1, 4))):
            place += 1
    raise FormatError("is not audio that can be read (no sound in its chunks)")


def known(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def of_chunks(source: Source, found: Chunks) -> Layout:
    """The sound that chunks describe; raises FormatError if it is not all there."""
    if len(found.form) < 16:
        raise FormatError("is not audio that can be read (no description of the sound)")
    tag, channels, rate, _, align, bits = struct.unpack(f"{found.order}HHIIHH", found.form[:16])
    valid = bits
    if tag == EXTENSIBLE and len(found.form) >= 40:
        extra = struct.unpack(f"{found.order}H", found.form[18:20])[0]
        valid = extra if 0 < extra <= bits else bits
        # Ambisonic files have another identifier, and are as plain.
        tag = struct.unpack(f"{found.order}I", found.form[24:28])[0]
    size, notes = containers.size(
        source, found.start, found.promised, found.head or f"{found.order}4sI"
    )
    stop = found.start + size
    if tag in MPEG:
        inner = mpeg.layout(source, found.start, stop)
        return Layout(inner.parts, (*notes, *inner.notes))
    if channels == 0 or align == 0:
        raise FormatError(f"is not audio that can be read ({channels} channels of {align} bytes)")
    if tag in PLAIN and align % channels == 0:
        part, more = plain(source, found, stop, (tag, channels, rate, align, bits, valid))
    elif tag in PLAIN:
        raise contradiction(channels, bits, align)
    else:
        part, more = coded(source, found, stop, (tag, channels, align))
    return Layout((part,), (*notes, *more))


def contradiction(channels: int, bits: int, align: int) -> FormatError:
    return FormatError(
        f"contradicts itself: {channels_text(channels)} of {bits} bits in {align} bytes: its "
        "header may be damaged"
    )


def plain(source: Source, found: Chunks, stop: int, facts: tuple[int, ...]):
    """Samples one after the other: a part, and notes."""
    tag, channels, rate, align, bits, valid = facts
    width = align // channels
    fits = 8 * width >= bits > 0 and width <= (8 if tag == FLOAT else 4)
    if tag == FLOAT:
        fits = fits and bits == 8 * width in (32, 64)
    elif tag != PCM:
        fits = fits and width == 1
    if not fits:
        raise contradiction(channels, bits, align)
    frames = (stop - found.start) // align
    stop = found.start + frames * align
    scale, notes = 1.0, ()
    if tag == PCM and valid < 8 * width:
        data = containers.Integers(source, found.start, stop, width, found.order, width == 1)
        scale, notes = containers.justified(data, valid)
    size = stop - found.start
    if size >= LONGEST:
        if found.order == ">":
            raise FormatError("is too long: convert it, for example with ffmpeg -i FILE out.wav")
        head = rf64_header(tag, channels, rate, 8 * width, size)
    else:
        head = header(tag, channels, rate, 8 * width, size, found.order)
    return Part((head, (found.start, stop)), frames, scale=scale), notes


def header(tag: int, channels: int, rate: int, bits: int, size: int, order: str = "<") -> bytes:
    """Of a WAV file of plain samples."""
    align = channels * bits // 8
    form = struct.pack(
        f"{order}HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits
    )
    return wrapped(form, b"", size, order)


def rf64_header(tag: int, channels: int, rate: int, bits: int, size: int) -> bytes:
    """Of one that is longer than 4 GiB."""
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    sizes = struct.pack("<QQQI", size + 72, size, size // align, 0)
    return (
        b"RF64\xff\xff\xff\xffWAVEds64"
        + struct.pack("<I", 28)
        + sizes
        + b"fmt "
        + struct.pack("<I", 16)
        + form
        + b"data\xff\xff\xff\xff"
    )


def wrapped(form: bytes, more: bytes, size: int, order: str) -> bytes:
    """A header of a format chunk and others, in front of the sound."""
    number = lambda value: struct.pack(f"{order}I", value)
    form += b"\0" * (len(form) % 2)
    body = b"WAVEfmt " + number(len(form)) + form + more + b"data" + number(size)
    name = b"RIFF" if order == "<" else b"RIFX"
    return name + number(len(body) + size) + body


def coded(source: Source, found: Chunks, stop: int, facts: tuple[int, ...]):
    """Blocks of compressed samples: a part, and notes."""
    tag, channels, align = facts
    blocks, rest = divmod(stop - found.start, align)
    extra = found.form[18:20]
    each = struct.unpack(f"{found.order}H", extra)[0] if len(extra) == 2 else 0
    if tag == GSM:
        each, align = 320, 65
        blocks, rest = divmod(stop - found.start, 65)
    elif tag not in (MS_ADPCM, IMA):
        each = 0
    stop -= rest
    size, order = stop - found.start, found.order
    count = None if found.promised is None else found.fact  # it was made of the same guess
    fact = b"" if count is None else b"fact" + struct.pack(f"{order}II", 4, count)
    head = wrapped(found.form, fact, size, order)
    frames, surplus, notes = None, 0, []
    if each and size:
        if rest > 1:
            raise FormatError(f"is cut short: {rest} of {align} bytes of its last block are there")
        frames, surplus = blocks * each, 320 * (tag == GSM)  # libsndfile adds a pad byte
        if count and count < STREAMED:
            if frames < count and count != frames * channels:
                raise cut_short(count, frames, "samples")
            if frames - each < count < frames:
                frames, surplus = count, surplus + frames - count
            elif count <= frames - each:
                notes.append(
                    f"The fact chunk says {count} samples, {frames} are there and were read."
                )
    return Part((head, (found.start, stop)), frames, surplus), tuple(notes)
