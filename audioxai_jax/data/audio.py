"""Clips from sound files, sound files from waveforms."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audioxai_jax.core.checks import as_samples, check_audio, check_scale
from audioxai_jax.core.files import replace_file
from audioxai_jax.data.channels import Mixer, channel_name
from audioxai_jax.data.sound_files import AudioError, Recording, check_finite, opened, recording


@dataclasses.dataclass(frozen=True)
class Clip:
    """A recording, mono.

    Attributes:
      samples: float32 `[T]` at `sample_rate`, nominally in [-1, 1].
      sample_rate: Hz.
      source_rate: rate of the file, Hz.
      channels: number of channels of the file.
      seconds: length of the recording in the file.
      path: the file.
      notes: facts that a listener must know about the recording, a sentence each.
      channel: name of the channel in `samples`: "mix" (their mean), "left", "right" or "1", ...
    """

    samples: np.ndarray
    sample_rate: int
    source_rate: int
    channels: int
    seconds: float
    path: Path
    notes: tuple[str, ...] = ()
    channel: str = "mix"


def read_clip(
    path: str | Path,
    sample_rate: int,
    *,
    longest_s: float = 600.0,
    channel: str | int = "mix",
) -> Clip:
    """Reads a sound file, mixes it down and resamples it.

    Args:
      path: WAV, FLAC, Ogg, MP3, AIFF or whatever else libsndfile reads; with the extra `formats`
        also what FFmpeg's libraries read, such as M4A.
      sample_rate: wanted, Hz; resampled by soxr's high quality setting.
      longest_s: longer files are refused, before they are read.
      channel: "mix", the mean of all channels, "left", "right", or a number from 1 on.

    Raises:
      AudioError: for a file that is missing, empty, no audio, cut short or too long, that
        has no samples, or samples that are not finite; that has no such channel, or whose channels
        cancel in the mix.
      ValueError: for a channel that is none of these.
    """
    path, wanted = Path(path), channel_name(channel)
    with opened(path) as stream:
        found = recording(path, stream)
        mono, notes = _read(path, found, longest_s, wanted)
    rate = found.sample_rate
    if len(mono) == 0:
        raise AudioError(f"{path}: holds no samples")
    check_finite(path, mono, rate)
    resampled = resample(mono, rate, sample_rate)
    if not np.isfinite(resampled).all():
        raise AudioError(
            f"{path}: samples as large as {np.abs(mono).max():.3g} overflow, full scale is 1"
        )
    return Clip(
        samples=resampled,
        sample_rate=sample_rate,
        source_rate=rate,
        channels=found.channels,
        seconds=len(mono) / rate,
        path=path,
        notes=(*found.notes, *notes),
        channel=wanted,
    )


def _read(
    path: Path, found: Recording, longest_s: float, channel: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """One waveform, float32 `[T]`, and what must be said of its making.

    Block by block: a header that lies about its length must not cost memory.
    """
    longest = round(longest_s * found.sample_rate)
    too_long = f"at most {longest_s:.0f} s can be explained: cut out the part that matters"
    if found.frames is not None and found.frames > longest:
        seconds = found.frames / found.sample_rate
        raise AudioError(f"{path}: lasts {seconds:.0f} s, {too_long}")
    mixer = Mixer(path, found.channels, channel)
    blocks, count = [], 0
    for block in found.blocks:
        blocks.append(mixer.mono(block))
        count += len(block)
        if count > longest:
            raise AudioError(f"{path}: lasts longer than its header says, {too_long}")
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), mixer.notes()


def write_wav(path: str | Path, samples: np.ndarray, sample_rate: int) -> None:
    """Writes a waveform as 16-bit PCM, whole or not at all; see `files` for pipes and links.

    Args:
      samples: `[T]`, floating point; values outside [-1, 1] are clipped.

    Raises:
      OutputError: a ValueError, if nothing can be written there.
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
