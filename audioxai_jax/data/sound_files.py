"""Sound files, opened and read: what cannot be trusted is refused.

libsndfile reads a WAV file whose end is missing without a word, so the header's promise is
compared with what is there.
"""

import contextlib
import dataclasses
import io
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

STREAMED = 0x7FFF0000
"""Chunk sizes from here on are what writers leave who did not know the length."""
SLOWEST, FASTEST = 1_000, 768_000
"""Sample rates that are believed, Hz."""
UNKNOWN = 1 << 40
"""Samples; libsndfile says more of a FLAC file that was written to a pipe."""
BLOCK = 1 << 16
MOST_CHUNKS = 10_000


class AudioError(ValueError):
    """A file that cannot be used as a clip; the message is one line and names the file."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file, opened, whose header promises no more than is there; else raises AudioError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"{path}: is a folder, not a sound file")
        if not stat.S_ISREG(mode):
            raise AudioError(f"{path}: is a pipe or a device, not a sound file: save it first")
        with path.open("rb") as stream:
            yield check_length(path, stream) or stream
    except FileNotFoundError:
        raise AudioError(f"{path}: no such file") from None
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror or error}") from None


def open_sound(path: Path, stream: BinaryIO) -> soundfile.SoundFile:
    """A sound file, opened; raises AudioError if it is empty, no audio, or its header is not
    believed."""
    stream.seek(0)
    if not stream.read(1):
        raise AudioError(f"{path}: is empty")
    stream.seek(0)
    try:
        file = soundfile.SoundFile(Seekable(stream))  # type: ignore[arg-type]
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(". ")
        raise AudioError(f"{path}: is not audio that can be read ({reason})") from None
    except (TypeError, ValueError) as error:  # headerless formats want to be told the rate
        raise AudioError(f"{path}: is not audio that can be read ({error})") from None
    rate, frames = file.samplerate, file.frames
    if not SLOWEST <= rate <= FASTEST:
        file.close()
        raise AudioError(
            f"{path}: claims {rate} samples a second, {SLOWEST} to {FASTEST} are believed: its "
            "header may be damaged"
        )
    if frames > UNKNOWN:
        file.close()
        raise AudioError(
            f"{path}: does not say how long it is, as if written to a pipe, and cannot be read "
            "to its end: convert it to WAV"
        )
    return file


def mono_blocks(path: Path, file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """Yields the mean of all channels, float32 `[n]`, block by block; raises AudioError where the
    file breaks off."""
    count = 0
    try:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            count += len(block)
            with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is said
                mono = block.mean(axis=1, dtype=np.float64).astype(np.float32)
            yield mono
    except soundfile.LibsndfileError:
        raise AudioError(f"{path}: is cut short or damaged") from None
    if file.format == "FLAC" and count < file.frames:
        raise AudioError(f"{path}: is cut short: {count} of {file.frames} samples are there")


class Seekable:
    """A stream that stays where it is when a damaged header sends it before its beginning.

    libsndfile sees that it did not arrive; an exception in its callback would be printed.
    """

    def __init__(self, stream: BinaryIO):
        self.stream, self.read = stream, stream.read
        self.readinto = stream.readinto  # type: ignore[attr-defined]
        self.tell = stream.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self.stream.seek(offset, whence)
        except (OSError, ValueError):
            return self.stream.tell()


def check_length(path: str | Path, stream: BinaryIO) -> BinaryIO | None:
    """Compares a WAV or AIFF header with the file's size.

    Raises:
      AudioError: if less is there than it promises.

    Returns:
      A corrected copy of a streamed WAV file whose sizes were left 0, which libsndfile
      takes to be empty; None for every other file.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    kind = stream.read(4)
    order, sound = {
        b"RIFF": ("<", b"data"),
        b"RF64": ("<", b"data"),
        b"BW64": ("<", b"data"),
        b"RIFX": (">", b"data"),
        b"FORM": (">", b"SSND"),
    }.get(kind, ("", b""))
    header = stream.read(8)
    if not order or len(header) < 8:
        return None
    total = struct.unpack(f"{order}I", header[:4])[0]
    long_size = None
    for _ in range(MOST_CHUNKS):
        header = stream.read(8)
        if len(header) < 8:
            return None  # no sound chunk: libsndfile says so
        name, promised = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        start = stream.tell()
        if name == sound:
            break
        if name == b"ds64":
            long_size = struct.unpack("<QQ", stream.read(16).ljust(16, b"\0"))[1]
        stream.seek(start + promised + promised % 2)
    else:
        raise AudioError(f"{path}: is not audio that can be read (no sound in its chunks)")
    there = size - start
    if promised == 0xFFFFFFFF and long_size is not None:
        promised = long_size
    if promised == 0 and total == 0 and there > 0:
        stream.seek(0)
        content = bytearray(stream.read())
        content[4:8] = struct.pack(f"{order}I", size - 8)
        content[start - 4 : start] = struct.pack(f"{order}I", there)
        return io.BytesIO(bytes(content))
    if there < promised and (long_size is not None or promised < STREAMED):
        raise AudioError(
            f"{path}: is cut short: its header promises {promised} bytes of sound, "
            f"{there} are there"
        )
    return None


@dataclasses.dataclass(frozen=True)
class Sound:
    """A sound file, decoded.

    Attributes:
      samples: float32 `[T, channels]`, full scale is 1; T is at least 1, all are finite.
      sample_rate: Hz.
      notes: what a listener must know about the recording, a sentence each.
    """

    samples: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()


def decode_sound(name: str | Path, content: bytes) -> Sound:
    """A sound file's samples, of whatever format libsndfile reads.

    Args:
      name: of the file, for messages.
      content: of the file.

    Raises:
      AudioError: if it is empty, no audio, cut short, or has samples that are not finite.
    """
    path = Path(name)
    corrected = check_length(path, io.BytesIO(content))
    with open_sound(path, corrected or io.BytesIO(content)) as file:
        blocks = []
        try:
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
        except soundfile.LibsndfileError:
            raise AudioError(f"{path}: is cut short or damaged") from None
        rate, format, frames = file.samplerate, file.format, file.frames
    if not blocks:
        raise AudioError(f"{path}: holds no samples")
    samples = np.concatenate(blocks)
    if format == "FLAC" and len(samples) < frames:
        raise AudioError(f"{path}: is cut short: {len(samples)} of {frames} samples are there")
    if not np.isfinite(samples).all():
        count = np.sum(~np.isfinite(samples))
        raise AudioError(f"{path}: {count} samples are NaN or infinite")
    notes = ("Its header does not say how long it is: all that is there was read.",)
    return Sound(samples, rate, notes if corrected else ())
