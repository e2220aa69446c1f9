"""The parts of a sound file through libsndfile, compared with what they should give."""

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
import soundfile

from audioxai_jax.data.formats.complaints import collected
from audioxai_jax.data.formats.layout import (
    ForeignError,
    FormatError,
    Layout,
    Part,
    Source,
    channels_text,
)
from audioxai_jax.data.formats.spliced import Spliced

SLOWEST, FASTEST = 1_000, 768_000
"""Sample rates that are believed, Hz."""
UNKNOWN = 1 << 40
"""Samples; libsndfile says more of a file whose length it does not know."""
UNKNOWN_CODES = ("unsupported encoding", "nimplemented", "Malformed 'fmt ' chunk")
"""What libsndfile says of codes that it does not know."""
BLOCK = 1 << 16


@dataclasses.dataclass(frozen=True)
class Recording:
    """A sound file that is being read.

    Attributes:
      sample_rate: Hz.
      channels: number of channels.
      frames: samples of each channel that its header promises; None if it does not say.
      notes: notes, see `Sound`.
      blocks: float32 `[n, channels]`, in order, to be read once; raises where the file breaks off:
        FormatError, or AudioError if it has a name.
    """

    sample_rate: int
    channels: int
    frames: int | None
    notes: tuple[str, ...]
    blocks: Iterator[np.ndarray]


class Forward(soundfile.SoundFile):
    """Read from beginning to end.

    soundfile seeks to where it is after each read, and a decoder that had to seek in MPEG or
    Opus is not exact for a while.
    """

    def seekable(self) -> bool:
        return False


def decoded(source: Source, layout: Layout) -> Recording:
    """The parts of a layout, one after the other; raises FormatError, as do its blocks."""
    files = [_open(source, part) for part in layout.parts[:1]]
    rate, channels = files[0].samplerate, files[0].channels
    stated = [_expected(files[0], layout.parts[0]), *(p.frames for p in layout.parts[1:])]
    frames = None if None in stated else sum(n for n in stated if n is not None)

    def blocks() -> Iterator[np.ndarray]:
        for number, part in enumerate(layout.parts):
            with files.pop() if files else _open(source, part) as file:
                if (file.samplerate, file.channels) != (rate, channels):
                    raise FormatError(
                        f"is joined of {channels_text(channels)} at {rate} Hz and of "
                        f"{file.channels} at {file.samplerate} Hz: take it apart, for example "
                        f"with ffmpeg -i FILE out.wav"
                    )
                yield from _part_blocks(file, part)

    return Recording(rate, channels, frames, layout.notes, blocks())


def _expected(file: soundfile.SoundFile, part: Part) -> int | None:
    if part.frames is not None:
        return part.frames
    return file.frames if part.counted and file.frames < UNKNOWN else None


def _open(source: Source, part: Part) -> soundfile.SoundFile:
    try:
        with collected([]) if part.mpeg else contextlib.nullcontext():
            file = Forward(Spliced(source, part))  # type: ignore[arg-type]
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(". ")
        if "does not exist" in reason:  # said of whatever does not look like a sound file
            reason = "Format not recognised"
        if any(said in reason for said in UNKNOWN_CODES):
            raise ForeignError("sound of another encoding") from None
        raise FormatError(f"is not audio that can be read ({reason})") from None
    except (TypeError, ValueError) as error:  # headerless formats want to be told the rate
        raise FormatError(f"is not audio that can be read ({error})") from None
    rate, expected, found = file.samplerate, part.frames, file.frames
    if not SLOWEST <= rate <= FASTEST:
        file.close()
        raise FormatError(
            f"claims {rate} samples a second, {SLOWEST} to {FASTEST} are believed: its "
            "header may be damaged"
        )
    if expected is not None and part.counted and not 0 <= found - expected <= part.surplus:
        file.close()
        raise FormatError(
            f"contradicts itself: {expected} samples by its header, {found} by its bytes: "
            f"convert it, for example with ffmpeg -i FILE out.wav"
        )
    return file


def _read(file: soundfile.SoundFile, part: Part, size: int, *, forgiven: bool) -> np.ndarray:
    """The next block; raises FormatError for MPEG frames that libmpg123 cannot decode."""
    if not part.mpeg:
        return file.read(size, dtype="float32", always_2d=True)
    complaints: list[str] = []
    with collected(complaints):
        block = file.read(size, dtype="float32", always_2d=True)
    if not forgiven and any("error" in line for line in complaints):
        raise FormatError("is damaged: some of its MPEG frames cannot be decoded")
    return block


def _part_blocks(file: soundfile.SoundFile, part: Part) -> Iterator[np.ndarray]:
    expected, count = _expected(file, part), 0
    try:
        while expected is None or count < expected:
            size = BLOCK if expected is None else min(BLOCK, expected - count)
            block = _read(file, part, size, forgiven=part.headless and not count)
            if not len(block):
                break
            count += len(block)
            block = block[:, part.order] if part.order else block
            yield block if part.scale == 1 else block * np.float32(part.scale)
    except soundfile.LibsndfileError:
        raise FormatError("is cut short or damaged") from None
    if expected is not None and count < expected:
        raise FormatError(f"is cut short: {count} of {expected} samples are there")
