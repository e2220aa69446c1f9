"""Sound files in, sound files out.

A clip that cannot be trusted is refused: libsndfile reads a WAV file whose end is missing
without a word, so the header's promise is compared with what is there.
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
import soxr

from audioxai_jax.files import replace_file

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


@dataclasses.dataclass(frozen=True)
class Clip:
    """A recording, mono.

    Attributes:
      samples: float32 `[T]` at `sample_rate`, nominally in [-1, 1].
      sample_rate: Hz.
      source_rate: of the file, Hz.
      channels: of the file; `samples` is their mean.
      seconds: length of the recording in the file.
      path: the file.
    """

    samples: np.ndarray
    sample_rate: int
    source_rate: int
    channels: int
    seconds: float
    path: Path


def read_clip(path: str | Path, sample_rate: int, *, longest_s: float = 600.0) -> Clip:
    """Reads a sound file, mixes it down and resamples it.

    Args:
      path: WAV, FLAC, Ogg, MP3, AIFF or whatever else libsndfile reads.
      sample_rate: wanted, Hz; resampled by soxr's high quality setting.
      longest_s: longer files are refused, before they are read.

    Raises:
      AudioError: for a file that is missing, empty, no audio, cut short or too long, that
        has no samples, or samples that are not finite.
    """
    path = Path(path)
    with opened(path) as stream:
        mono, rate, channels = _read(path, stream, longest_s)
    if len(mono) == 0:
        raise AudioError(f"{path}: holds no samples")
    finite = np.isfinite(mono)
    if not finite.all():
        raise AudioError(
            f"{path}: {np.sum(~finite)} samples are NaN or infinite, the first at "
            f"{np.argmin(finite) / rate:.3f} s"
        )
    resampled = resample(mono, rate, sample_rate)
    if not np.isfinite(resampled).all():
        raise AudioError(
            f"{path}: samples as large as {np.abs(mono).max():.3g} overflow, full scale is 1"
        )
    return Clip(
        samples=resampled,
        sample_rate=sample_rate,
        source_rate=rate,
        channels=channels,
        seconds=len(mono) / rate,
        path=path,
    )


def write_wav(path: str | Path, samples: np.ndarray, sample_rate: int) -> None:
    """Writes a waveform as 16-bit PCM; the file appears whole or not at all.

    Args:
      samples: `[T]`; values outside [-1, 1] are clipped.

    Raises:
      ValueError: for samples that are not finite, or not one waveform.
    """
    replace_file(path, wav_bytes(samples, sample_rate))


def wav_bytes(samples: np.ndarray, sample_rate: int) -> bytes:
    """What `write_wav` writes; equal samples give equal bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm(samples), sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def pcm(samples: np.ndarray) -> np.ndarray:
    """A waveform `[T]` as 16-bit integers, clipped to [-1, 1]; raises as `write_wav`."""
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(f"expected one waveform [T], got shape {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("samples that are NaN or infinite cannot be written as sound")
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)


def resample(mono: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A waveform `[T]` at another rate, float32, T rounded but at least 1; soxr's high quality."""
    if rate == wanted:
        return mono
    length = max(1, round(len(mono) * wanted / rate))
    found = soxr.resample(mono, rate, wanted, quality="HQ")[:length]
    return np.pad(found, (0, length - len(found))).astype(np.float32)


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


def _read(path: Path, stream: BinaryIO, longest_s: float) -> tuple[np.ndarray, int, int]:
    """The mean of all channels, float32 `[T]`, the rate and the number of channels.

    Block by block: a header that lies about its length must not cost memory.
    """
    with open_sound(path, stream) as file:
        longest = round(longest_s * file.samplerate)
        too_long = f"at most {longest_s:.0f} s can be explained: cut out the part that matters"
        if file.frames > longest:
            seconds = file.frames / file.samplerate
            raise AudioError(f"{path}: lasts {seconds:.0f} s, {too_long}")
        blocks, count = [], 0
        for block in mono_blocks(path, file):
            blocks.append(block)
            count += len(block)
            if count > longest:
                raise AudioError(f"{path}: lasts longer than its header says, {too_long}")
        mono = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        return mono, file.samplerate, file.channels


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
