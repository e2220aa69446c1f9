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
import soundfile

from audioxai_jax.data.formats.complaints import collected
from audioxai_jax.data.formats.layout import ForeignError, FormatError, Layout, Part, Source
from audioxai_jax.data.formats.spliced import Spliced
from audioxai_jax.data.formats.table import layout_of

SLOWEST, FASTEST = 1_000, 768_000
"""Sample rates that are believed, Hz."""
UNKNOWN = 1 << 40
"""Samples; libsndfile says more of a file whose length it does not know."""
BLOCK = 1 << 16
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
      notes: what a listener must know about it, a sentence each.
    """

    samples: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Recording:
    """A sound file that is being read.

    Attributes:
      sample_rate: Hz.
      channels: their number.
      frames: samples of each channel that its header promises; None if it does not say.
      notes: as of `Sound`.
      blocks: float32 `[n, channels]`, in order, to be read once; raises AudioError where the file
        breaks off.
    """

    sample_rate: int
    channels: int
    frames: int | None
    notes: tuple[str, ...]
    blocks: Iterator[np.ndarray]


def decode_sound(name: str | Path, content: bytes) -> Sound:
    """Decodes a whole sound file that is in memory.

    Args:
      name: of the file, for messages.
      content: its bytes, in any format that `read_clip` reads.

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
        return _decoded(name, source, layout_of(source))
    except ForeignError as error:
        return _foreign(name, stream, error.kind)
    except FormatError as error:
        raise AudioError(f"{name}: {error}") from None


def _foreign(name: str | Path, stream: BinaryIO, kind: str) -> Recording:
    """What libsndfile does not decode, through FFmpeg's libraries if they are installed."""
    from audioxai_jax.data.formats import libav

    if not libav.installed():
        raise AudioError(
            f"{name}: is {kind}, which libsndfile does not read: convert it with "
            f'ffmpeg -i {_quoted(name)} out.wav, or pip install "audioxai_jax[formats]"'
        )
    try:
        found = libav.open_sound(stream)
    except FormatError as error:
        raise AudioError(f"{name}: {error}") from None
    return Recording(*found[:4], _said(name, found[4]))


def _said(name: str | Path, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks whose FormatError becomes an AudioError that names the file."""
    try:
        yield from blocks
    except FormatError as error:
        raise AudioError(f"{name}: {error}") from None


class Forward(soundfile.SoundFile):
    """Read from beginning to end.

    soundfile seeks to where it is after each read, and a decoder that had to seek in MPEG or
    Opus is not exact for a while.
    """

    def seekable(self) -> bool:
        return False


def _decoded(name: str | Path, source: Source, layout: Layout) -> Recording:
    files = [_open(name, source, part) for part in layout.parts[:1]]
    rate, channels = files[0].samplerate, files[0].channels
    stated = [_expected(files[0], layout.parts[0]), *(p.frames for p in layout.parts[1:])]
    frames = None if None in stated else sum(n for n in stated if n is not None)

    def blocks() -> Iterator[np.ndarray]:
        for number, part in enumerate(layout.parts):
            with files.pop() if files else _open(name, source, part) as file:
                if (file.samplerate, file.channels) != (rate, channels):
                    raise AudioError(
                        f"{name}: is joined of {channels} channels at {rate} Hz and of "
                        f"{file.channels} at {file.samplerate} Hz: take it apart, for example "
                        f"with ffmpeg -i {_quoted(name)} out.wav"
                    )
                yield from _part_blocks(name, file, part)

    return Recording(rate, channels, frames, layout.notes, blocks())


def _quoted(name: str | Path) -> str:
    return shlex.quote(str(name)) if str(name).isprintable() else "FILE"


def _expected(file: soundfile.SoundFile, part: Part) -> int | None:
    if part.frames is not None:
        return part.frames
    return file.frames if part.counted and file.frames < UNKNOWN else None


def _open(name: str | Path, source: Source, part: Part) -> soundfile.SoundFile:
    try:
        with collected([]) if part.mpeg else contextlib.nullcontext():
            file = Forward(Spliced(source, part))  # type: ignore[arg-type]
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(". ")
        if "does not exist" in reason:  # said of whatever does not look like a sound file
            reason = "Format not recognised"
        if "unsupported encoding" in reason or "nimplemented" in reason:
            raise ForeignError("sound of another encoding") from None
        raise AudioError(f"{name}: is not audio that can be read ({reason})") from None
    except (TypeError, ValueError) as error:  # headerless formats want to be told the rate
        raise AudioError(f"{name}: is not audio that can be read ({error})") from None
    rate, expected, found = file.samplerate, part.frames, file.frames
    if not SLOWEST <= rate <= FASTEST:
        file.close()
        raise AudioError(
            f"{name}: claims {rate} samples a second, {SLOWEST} to {FASTEST} are believed: its "
            "header may be damaged"
        )
    if expected is not None and part.counted and not 0 <= found - expected <= part.surplus:
        file.close()
        raise AudioError(
            f"{name}: contradicts itself: {expected} samples by its header, {found} by its bytes: "
            f"convert it, for example with ffmpeg -i {_quoted(name)} out.wav"
        )
    return file


def _read(
    name: str | Path, file: soundfile.SoundFile, part: Part, size: int, *, forgiven: bool
) -> np.ndarray:
    """The next block; raises AudioError for MPEG frames that libmpg123 cannot decode."""
    if not part.mpeg:
        return file.read(size, dtype="float32", always_2d=True)
    complaints: list[str] = []
    with collected(complaints):
        block = file.read(size, dtype="float32", always_2d=True)
    if not forgiven and any("error" in line for line in complaints):
        raise AudioError(f"{name}: is damaged: some of its MPEG frames cannot be decoded")
    return block


def _part_blocks(name: str | Path, file: soundfile.SoundFile, part: Part) -> Iterator[np.ndarray]:
    expected, count = _expected(file, part), 0
    try:
        while expected is None or count < expected:
            size = BLOCK if expected is None else min(BLOCK, expected - count)
            block = _read(name, file, part, size, forgiven=part.headless and not count)
            if not len(block):
                break
            count += len(block)
            yield block if part.scale == 1 else block * np.float32(part.scale)
    except soundfile.LibsndfileError:
        raise AudioError(f"{name}: is cut short or damaged") from None
    if expected is not None and count < expected:
        raise AudioError(f"{name}: is cut short: {count} of {expected} samples are there")
