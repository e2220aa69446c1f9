"""Which module reads the headers of which format."""

from audioxai_jax.data.formats.layout import Layout, Source


def layout_of(source: Source) -> Layout:
    """Where the sound of a file lies; raises FormatError if it is not all there."""
    return source.whole()
