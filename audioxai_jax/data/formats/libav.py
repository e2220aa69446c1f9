"""What libsndfile does not decode, through PyAV and FFmpeg's libraries: the extra `formats`."""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from audioxai_jax.data.formats.decoder import Recording
from audioxai_jax.data.formats.layout import UNSTATED, FormatError

SLACK = 0.1
"""Seconds that what is decoded may be shorter than the container says: codecs pad."""

MUCH = 1.0
"""Seconds that it may be longer, which is the padding of any codec."""
ESTIMATED = set("aac ac3 eac3 amr amrnb amrwb avi dts loas mp3 mpeg mpegts".split())
"""Formats of whose length FFmpeg makes a guess, from the bit rate or the size of the file."""


def installed() -> bool:
    return importlib.util.find_spec("av") is not None


def open_sound(stream: BinaryIO) -> Recording:
    """The first stream of sound; raises FormatError, as do its blocks, if there is none, if it
    cannot be decoded, or is shorter than its container says."""
    av: Any = importlib.import_module("av")

    stream.seek(0)
    try:
        container = av.open(stream, "r", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError, EOFError) as error:
        raise FormatError(f"is not audio that can be read ({_reason(error)})") from None
    sounds = container.streams.audio
    context = sounds[0].codec_context if sounds else None
    if context is None or not context.sample_rate or not context.channels:
        container.close()
        raise FormatError("is not audio that can be read (no stream of sound in it)")
    notes: tuple[str, ...] = ()
    if len(sounds) > 1:
        notes = (f"It holds {len(sounds)} streams of sound; the first was read.",)
    rate, channels = context.sample_rate, context.channels
    seconds = _seconds(container, sounds[0])
    notes += (UNSTATED,) if seconds is None else ()
    frames = None if seconds is None else round(seconds * rate)
    blocks = _blocks(container, sounds[0], rate, channels, seconds)
    return Recording(rate, channels, frames, notes, blocks)


def _seconds(container: Any, sound: Any) -> float | None:
    """By the container's word, None if it is an estimate."""
    if container.format.name in ESTIMATED:
        return None
    if sound.duration:
        return float(sound.duration * sound.time_base)
    return container.duration / 1e6 if container.duration else None


def _blocks(
    container: Any, sound: Any, rate: int, channels: int, seconds: float | None
) -> Iterator[np.ndarray]:
    """float32 `[n, channels]`; a decoder's error, another format or a missing end is refused."""
    av: Any = importlib.import_module("av")

    resampler = av.AudioResampler(format="flt")
    count, layout = 0, None
    with container:
        try:
            for frame in container.decode(sound):
                layout = layout or frame.layout.name
                if (frame.sample_rate, frame.layout.name) != (rate, layout):
                    raise FormatError("changes its rate or channels in the middle: convert it")
                for one in resampler.resample(frame):
                    block = one.to_ndarray().reshape(-1, channels)
                    count += len(block)
                    yield np.ascontiguousarray(block, np.float32)
        except (av.error.FFmpegError, OSError, EOFError) as error:
            raise FormatError(f"is cut short or damaged ({_reason(error)})") from None
    if seconds is not None and count / rate > seconds + MUCH:
        raise FormatError(
            f"contradicts itself: it should last {seconds:.2f} s, {count / rate:.2f} s came out"
        )
    if seconds is not None and count / rate < seconds - SLACK:
        raise FormatError(f"is cut short: {count / rate:.2f} of {seconds:.2f} s are there")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
