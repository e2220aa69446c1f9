"""Which module reads the headers of which format."""

from collections.abc import Callable

from audioxai_jax.data.formats import (
    chunked,
    flac,
    foreign,
    headers,
    mpeg,
    ogg,
    voc,
    wav,
    wav_joined,
)
from audioxai_jax.data.formats.layout import ForeignError, Layout, Source, whole
from audioxai_jax.data.formats.mpeg_frames import sound_end, tag_size
from audioxai_jax.data.formats.spliced import within

BEGINNINGS: tuple[tuple[bytes, Callable[[Source], Layout]], ...] = (
    (chunked.W64_RIFF, chunked.w64),
    (b".snd", headers.au),
    (b"dns.", headers.au),
    (b"NIST_1A", headers.nist),
    (b"Creative Voice File", voc.layout),
    (b"2BIT", headers.avr),
    (b"ALawSoundFile**", headers.wve),
    (b"Extended Instrument:", headers.xi),
    (b"\x01\x04", headers.mpc2k),
    (b"\0\0\x03\xe8\0\0\0\x01\0\0\0\x01", headers.mat4),
    (b"\0\0\0\0\x01\0\0\0\x01\0\0\0", headers.mat4),
    (b"MATLAB 5", headers.mat5),
    (b"PVF1", headers.endless),
    (b" paf", headers.endless),
    (b"fap ", headers.endless),
    *((magic, headers.endless) for magic in headers.IRCAM),
)
FORMS = {
    b"AIFF": chunked.aiff,
    b"AIFC": chunked.aiff,
    b"8SVX": chunked.svx,
    b"16SV": chunked.svx,
}


def layout_of(source: Source) -> Layout:
    """Where the sound of a file lies.

    Raises:
      ForeignError: for a format that libsndfile does not decode.
      FormatError: if the sound is not all there.
    """
    start = 0
    while size := tag_size(source, start, source.size):
        start += size
    if start and (layout := known(source.read(start, 64))):
        return within(source, ((start, source.size),), layout)
    if layout := known(source.read(0, 64)):
        return layout(source)
    return tagged(source, start, sound_end(source, start))


def known(head: bytes) -> Callable[[Source], Layout] | None:
    """What reads a file with such a beginning, None if that does not say."""
    for magic, layout in BEGINNINGS:
        if head.startswith(magic):
            return layout
    if head[:4] in wav.KINDS and head[8:12] == b"WAVE":
        return wav_joined.layout
    if head.startswith(b"FORM") and head[8:12] in FORMS:
        return FORMS[head[8:12]]
    if head.startswith(b"caff") and head[8:12] == b"desc":
        return chunked.caf
    if head[:2] == b"\xf0\x7e" and head[3:4] == b"\x01":
        return headers.sds
    return None


def tagged(source: Source, start: int, stop: int) -> Layout:
    """Of formats that may have tags around them; the sound is in `[start, stop)`."""
    if source.read(start, 4) == flac.MAGIC:
        return flac.layout(source, start, stop)
    if source.read(start, 4) == ogg.MAGIC:
        return ogg.layout(source, start, stop)
    if mpeg.begins(source, start, stop):
        return mpeg.layout(source, start, stop)
    if kind := foreign.kind(source, start):
        raise ForeignError(kind)
    if (place := ogg.find(source, start, min(stop, start + ogg.SEARCHED))) is not None:
        return ogg.layout(source, place, stop)
    if (place := flac.find(source, start, stop)) is not None:
        return flac.layout(source, place, stop)
    if (place := mpeg.found(source, stop)) is not None:
        return mpeg.layout(source, place, stop)
    return whole(source)
