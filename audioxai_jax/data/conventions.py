"""Clips from what other libraries call a sound: rows, tuples, tensors, arrays.

=================================================== ===========================================
value                                               where it comes from
=================================================== ===========================================
`{"array", "sampling_rate"}`, or under "audio"      rows of Hugging Face `datasets`
`{"bytes", "path"}`, or under "audio"               the same, not decoded
object with `get_all_samples()`                     the same, decoded by torchcodec
`{"raw", "sampling_rate"}`                          pipelines of `transformers`
`{"waveform", "sample_rate"}`                       pyannote
`(waveform [C, T], rate, ...)`                      `torchaudio.load` and its data sets
`(array [T] or [C, T], rate)`                       librosa
`(rate, array [T] or [T, C])`                       scipy's WAV files, Gradio
an array `[T]` or `[C, T]`                          anything, with its rate beside it
a path, a `Clip`                                    this library
=================================================== ===========================================

Nothing of these libraries is imported: values are known by what they have.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from audioxai_jax.core.checks import WrongType, as_array, check_scale, kind, whole
from audioxai_jax.data.audio import Clip, resample
from audioxai_jax.data.channels import Mixer, channel_name
from audioxai_jax.data.sound_files import check_finite, decode_sound, opened

KEYS = (("array", "sampling_rate"), ("raw", "sampling_rate"), ("waveform", "sample_rate"))
"""Names of a sound and its rate in mappings."""

FULL_SCALE = {"int8": 2.0**7, "uint8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}
"""Largest sample of PCM by dtype; unsigned bytes lie around 128."""

PLACE = Path("array")
"""Path of a clip that came from no file."""


@dataclasses.dataclass(frozen=True)
class _Sound:
    """Samples `[T, C]`, their rate, the file that they came from and what was said of it."""

    samples: np.ndarray
    rate: int
    path: Path = PLACE
    notes: tuple[str, ...] = ()


def as_clip(
    value: Any,
    sample_rate: int | None = None,
    *,
    source_rate: int | None = None,
    channel: str | int = "mix",
) -> Clip:
    """A clip of whatever another library calls a sound, mixed down and resampled as `read_clip`.

    PCM of whole numbers is divided by the full scale of its dtype: 2^15 for int16, 2^31 for int32,
    2^7 for bytes, of which unsigned ones lie around 128. The dtype says it, and WAV files have no
    other. int64 is refused, and int32 no louder than 16 bits: they hold samples of another width.

    Args:
      value: sound, see the head of this file. Arrays of two axes are `[C, T]`, but after a rate,
        `(rate, array)`, where they are `[T, C]`.
      sample_rate: wanted rate, Hz; that of the value if None.
      source_rate: rate of an array that comes without one, Hz; `sample_rate` if None.
      channel: "mix", the mean of all channels, "left", "right", or a number from 1 on.

    Returns:
      A `Clip`; its path is the row's if that has one, else "array".

    Raises:
      AudioError: as `read_clip`, of the sound itself.
      WrongType, ValueError: for a value that is none of these, an array without a rate, two rates
        that differ, a batch, or `[T, C]` where `[C, T]` is expected.

    >>> as_clip({"array": np.zeros(8000), "sampling_rate": 8000}, 16_000).samples.shape
    (16000,)
    """
    wanted = channel_name(channel)
    sound = _sound(value, source_rate, sample_rate)
    if source_rate is not None and _rate(source_rate) != sound.rate:
        raise ValueError(
            f"as_clip: source_rate is {source_rate}, the value itself says {sound.rate} Hz: leave "
            "out source_rate"
        )
    rate = sound.rate if sample_rate is None else whole(sample_rate, "as_clip: sample_rate")
    if not sound.samples.size:
        raise ValueError(f"as_clip: the sound has no samples, its shape is {sound.samples.shape}")
    check_finite(sound.path, sound.samples, sound.rate)
    check_scale(sound.samples, "as_clip: the sound")
    count, channels = sound.samples.shape
    mixer = Mixer(sound.path, channels, wanted)
    mono = mixer.mono(sound.samples)
    return Clip(
        samples=resample(mono, sound.rate, rate),
        sample_rate=rate,
        source_rate=sound.rate,
        channels=channels,
        seconds=count / sound.rate,
        path=sound.path,
        notes=(*sound.notes, *mixer.notes()),
        channel=wanted,
    )


def _sound(value: Any, source_rate: int | None, sample_rate: int | None) -> _Sound:
    if isinstance(value, Clip):
        return _Sound(value.samples[:, None], value.sample_rate, value.path, value.notes)
    if isinstance(value, (str, Path)):
        return _file(Path(value))
    if hasattr(value, "get_all_samples"):
        value = value.get_all_samples()
        return _Sound(_samples(value.data), _rate(value.sample_rate))
    if isinstance(value, Mapping):
        return _row(value, source_rate, sample_rate)
    if isinstance(value, (tuple, list)) and len(value) > 1:
        first, second = value[:2]
        if _is_rate(second) and not _is_rate(first):
            return _Sound(_samples(first), _rate(second))
        if _is_rate(first) and not _is_rate(second) and len(value) == 2:
            return _Sound(_samples(second, channels_last=True), _rate(first))
    rate = sample_rate if source_rate is None else source_rate
    samples = _samples(value)
    if rate is None:
        raise ValueError(
            "as_clip: an array does not say its rate: write as_clip(array, 16000), or "
            "as_clip(array, 16000, source_rate=44100) to resample it"
        )
    return _Sound(samples, _rate(rate))


def _row(row: Mapping, source_rate: int | None, sample_rate: int | None) -> _Sound:
    for name, rate in KEYS:
        if name in row and row[name] is not None:
            if row.get(rate) is None:
                raise ValueError(
                    f"as_clip: the row has {name!r} without {rate!r}: add its rate, Hz"
                )
            path = row.get("path")
            return _Sound(_samples(row[name]), _rate(row[rate]), Path(path) if path else PLACE)
    if isinstance(row.get("bytes"), bytes):
        path = Path(row.get("path") or "bytes")
        return _decoded(path, row["bytes"])
    if row.get("path"):
        return _file(Path(row["path"]))
    if "audio" in row:
        return _sound(row["audio"], source_rate, sample_rate)
    raise ValueError(
        f"as_clip: the row has no sound, its keys are {', '.join(map(str, list(row)[:6]))}: "
        'expected "audio", "array" with "sampling_rate", "bytes" or "path"'
    )


def _file(path: Path) -> _Sound:
    with opened(path) as stream:
        return _decoded(path, stream.read())


def _decoded(path: Path, content: bytes) -> _Sound:
    sound = decode_sound(path, content)
    return _Sound(sound.samples, sound.sample_rate, path, sound.notes)


def _samples(value: Any, *, channels_last: bool = False) -> np.ndarray:
    """Float32 `[T, C]` of an array or tensor."""
    if hasattr(value, "detach"):  # torch: perhaps with a gradient, on a device, in bfloat16
        value = value.detach().cpu()
        value = value.float() if str(value.dtype).endswith("bfloat16") else value
    array = np.asarray(as_array(value, "as_clip: the sound"))
    if array.ndim not in (1, 2):
        raise ValueError(
            f"as_clip: the sound is {list(array.shape)}, expected [T] or [C, T]: give one clip at "
            "a time"
        )
    array = array[:, None] if array.ndim == 1 else array if channels_last else array.T
    count, channels = array.shape
    if channels > max(count, 1):
        given = [count, channels] if channels_last else [channels, count]
        wanted = "[T, C]" if channels_last else "[C, T]"
        raise ValueError(
            f"as_clip: the sound is {given}, more channels than samples: it must be {wanted}, "
            "transpose it"
        )
    return _floats(array)


def _floats(array: np.ndarray) -> np.ndarray:
    name = array.dtype.name
    if array.dtype.kind == "f" or name == "bfloat16":
        return array.astype(np.float32)
    if name not in FULL_SCALE:
        raise WrongType(
            f"as_clip: samples are {name}, which no PCM is: give floating point in [-1, 1], or "
            "int16"
        )
    numbers = array.astype(np.float64) - (128 if name == "uint8" else 0)
    peak = np.abs(numbers).max(initial=0)
    if name == "int32" and 0 < peak <= FULL_SCALE["int16"]:
        raise ValueError(
            f"as_clip: int32 samples are no larger than {peak:.0f}, full scale is 2^31: they look "
            "like 16-bit ones, convert them to int16 first"
        )
    return (numbers / FULL_SCALE[name]).astype(np.float32)


def _is_rate(value: Any) -> bool:
    """Whether it is one number, as rates are."""
    if isinstance(value, (bool, str, bytes)) or value is None:
        return False
    return isinstance(value, (int, float, np.integer, np.floating)) or np.shape(value) == ()


def _rate(value: Any) -> int:
    if hasattr(value, "item") and np.shape(value) == ():
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int):
        raise WrongType(f"as_clip: the rate must be a whole number of Hz, got {kind(value)}")
    return whole(value, "as_clip: the rate")
