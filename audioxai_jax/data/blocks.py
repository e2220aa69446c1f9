"""Long sound files, block by block: what `audioxai_jax.streaming.api` reads and makes."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from audioxai_jax.core.files import OutputError, writing
from audioxai_jax.data.audio import pcm
from audioxai_jax.data.channels import Mixer, channel_name
from audioxai_jax.data.sound_files import AudioError, check_finite, opened, recording


def read_blocks(
    path: str | Path, sample_rate: int, *, channel: str | int = "mix"
) -> Iterator[np.ndarray]:
    """Yields the samples of a sound file of any length, mono, in order, float32 `[n]`.

    Args:
      path, channel: sound file and channel, see `read_clip`.
      sample_rate: required rate of the file, Hz: blocks are not resampled.

    Raises:
      AudioError: as `read_clip`, for files of any length, where the fault is met; channels that
        cancel are seen at the end. And for a file of another rate.
    """
    path, wanted, count = Path(path), channel_name(channel), 0
    with opened(path) as stream:
        found = recording(path, stream)
        if found.sample_rate != sample_rate:
            raise AudioError(
                f"{path}: has {found.sample_rate} samples a second, blocks are wanted at "
                f"{sample_rate}: resample the file first, with sox or ffmpeg"
            )
        mixer = Mixer(path, found.channels, wanted)
        for block in found.blocks:
            mono = mixer.mono(block)
            check_finite(path, mono, sample_rate, count)
            count += len(mono)
            yield mono
        mixer.notes()
    if not count:
        raise AudioError(f"{path}: holds no samples")


def write_blocks(path: str | Path, blocks: Iterable[np.ndarray], sample_rate: int) -> None:
    """Writes a waveform in pieces `[n]` as `write_wav` does, one piece at a time.

    Args:
      blocks: samples beyond full scale, [-1, 1], are clipped.

    Raises:
      AudioError: if there can be no such file; it names `path`.
      ValueError: as `write_wav`.
    """
    path = Path(path)
    try:
        with (
            writing(path) as stream,
            soundfile.SoundFile(
                stream, "w", sample_rate, 1, format="WAV", subtype="PCM_16"
            ) as file,
        ):
            for block in blocks:
                file.write(pcm(block))
    except OutputError as error:
        raise AudioError(str(error)) from None
