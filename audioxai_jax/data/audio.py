"""Clips from sound files, sound files from waveforms."""

import dataclasses
import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from audioxai_jax.checks import as_samples, check_audio, check_scale
from audioxai_jax.data.sound_files import AudioError, mono_blocks, open_sound, opened
from audioxai_jax.files import replace_file


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


def write_wav(path: str | Path, samples: np.ndarray, sample_rate: int) -> None:
    """Writes a waveform as 16-bit PCM; the file appears whole or not at all.

    Args:
      samples: `[T]`, floating point; values outside [-1, 1] are clipped.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point, such as those of
        `tasks.load`: divide 16-bit samples by 32768.
      ValueError: for samples that are not finite, not one waveform, or more than 100 times beyond
        full scale.
    """
    replace_file(path, wav_bytes(samples, sample_rate))


def wav_bytes(samples: np.ndarray, sample_rate: int) -> bytes:
    """What `write_wav` writes; equal samples give equal bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm(samples), sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def pcm(samples: np.ndarray) -> np.ndarray:
    """A waveform `[T]` as 16-bit integers, clipped to [-1, 1]; raises as `write_wav`."""
    samples = as_samples(samples, "samples")
    if samples.ndim != 1:
        raise ValueError(f"expected one waveform [T], got shape {samples.shape}")
    check_scale(samples, "the sound")
    samples = np.asarray(samples, np.float64)  # half precision ends at 65504
    if not np.isfinite(samples).all():
        raise ValueError("samples that are NaN or infinite cannot be written as sound")
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)


def resample(mono: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A waveform `[T]` at another rate, float32, T rounded but at least 1; soxr's high quality.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point.
    """
    check_audio(as_samples(mono, "samples"), "samples")
    if rate == wanted:
        return mono
    length = max(1, round(len(mono) * wanted / rate))
    found = soxr.resample(mono, rate, wanted, quality="HQ")[:length]
    return np.pad(found, (0, length - len(found))).astype(np.float32)
