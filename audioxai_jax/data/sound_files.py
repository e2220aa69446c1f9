"""Sound files, opened and read: all of the sound, or a refusal that says why.

The one reader of clips, blocks and data sets. libsndfile decodes; how much sound there should
be is read from the files themselves, see `audioxai_jax.data.formats`, and compared with what
came out.
"""

import contextlib
import dataclasses
import io
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from audioxai_jax.data.formats.decoder import Recording, decoded
from audioxai_jax.data.formats.layout import ForeignError, FormatError, Source
from audioxai_jax.data.formats.table import layout_of

MOST_SAMPLES = 1 << 28
"""Of one sound in memory, over all channels."""


class AudioError(ValueError):
    """A file that cannot be used as a clip; the message is one line and names the file."""


@dataclasses.dataclass(frozen=True)
class Sound:
    """A whole sound file.

    Attributes:
      samples: float32 `[T, channels]`, nominally in [-1, 1].
      sample_rate: Hz.
      notes: facts that a listener must know about it, a sentence each.
    """

    samples: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()


def decode_sound(name: str | Path, content: bytes) -> Sound:
    """Decodes a whole sound file that is in memory.

    Args:
      name: name of the file, for messages.
      content: bytes of the file, in any format that `read_clip` reads.

    Raises:
      AudioError: for a file that is empty, no audio, cut short or damaged, that has no samples,
        or samples that are not finite.
    """
    found = recording(name, io.BytesIO(content))
    blocks, count = [], 0
    for block in found.blocks:
        blocks.append(block)
        count += block.size
        if count > MOST_SAMPLES:
            raise AudioError(f"{name}: is too long for one sound: cut it into pieces")
    if not count:
        raise AudioError(f"{name}: holds no samples")
    samples = np.concatenate(blocks)
    check_finite(name, samples, found.sample_rate)
    return Sound(samples, found.sample_rate, found.notes)


def check_finite(name: str | Path, samples: np.ndarray, sample_rate: int, before: int = 0) -> None:
    """Raises AudioError if samples `[T]` or `[T, channels]` are not all finite.

    Args:
      before: samples of the file that precede these.
    """
    finite = np.isfinite(samples)
    if not finite.all():
        rows = finite if finite.ndim == 1 else finite.all(axis=1)
        place = (before + int(np.argmin(rows))) / sample_rate
        raise AudioError(
            f"{name}: {np.sum(~finite)} samples are NaN or infinite, the first at {place:.3f} s"
        )


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, opened; else raises AudioError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{path}: is a folder, not a sound file")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{path}: is a pipe or a device, not a sound file: save it first")
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a path with a null character
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{path}: cannot be read: {error}") from None


def recording(name: str | Path, stream: BinaryIO) -> Recording:
    """A sound file, its headers read; raises AudioError if it is empty, no audio, cut short, or
    its header is not believed."""
    source = Source(stream)
    if not source.size:
        raise AudioError(f"{name}: is empty")
    try:
        try:
            found = decoded(source, layout_of(source))
        except ForeignError as error:
            found = _foreign(name, stream, error.kind)
    except FormatError as error:
        raise AudioError(f"{name}: {error}") from None
    return dataclasses.replace(found, blocks=_named(name, found.blocks))


def _foreign(name: str | Path, stream: BinaryIO, kind: str) -> Recording:
    """What libsndfile does not decode, through FFmpeg's libraries if they are installed."""
    from audioxai_jax.data.formats import libav

    if not libav.installed():
        raise AudioError(
            f"{name}: is {kind}, which libsndfile does not read: convert it with "
            f'ffmpeg -i {_quoted(name)} out.wav, or pip install "audioxai_jax[formats]"'
        )
    return libav.open_sound(stream)


def _named(name: str | Path, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks whose FormatError becomes an AudioError that names the file."""
    try:
        yield from blocks
    except FormatError as error:
        raise AudioError(f"{name}: {error}") from None


def _quoted(name: str | Path) -> str:
    return shlex.quote(str(name)) if str(name).isprintable() else "FILE"
