"""Which module reads the headers of which format."""

from audioxai_jax.data.formats import flac, mpeg, ogg, wav
from audioxai_jax.data.formats.layout import Layout, Source
from audioxai_jax.data.formats.mpeg_frames import tag_size


def layout_of(source: Source) -> Layout:
    """Where the sound of a file lies; raises FormatError if it is not all there."""
    start = 0
    while size := tag_size(source, start, source.size):
        start += size
    head = source.read(start, 16)
    if head.startswith(flac.MAGIC):
        return flac.layout(source, start)
    if head.startswith(ogg.MAGIC):
        return ogg.layout(source, start)
    if head[:4] in wav.KINDS and start == 0:
        return wav.layout(source)
    if mpeg.is_mpeg(source):
        return mpeg.layout(source)
    return source.whole()
