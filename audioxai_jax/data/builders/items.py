"""What the layouts of data sets hand to the builders: clips, and what became of all the rest."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from audioxai_jax.data.archives import Entry, entries, named_as_archive
from audioxai_jax.data.audio import pcm
from audioxai_jax.data.names import is_hidden, looks_like_sound, stem
from audioxai_jax.data.sound_files import AudioError, decode_sound

Columns = dict[str, str]
TABLE = "metadata.csv"
LOUDEST = 2.0
"""Of full scale: lossy formats and resampling overshoot a little, more is another scale."""
TOO_SOFT = 0.1
"""Share of a clip's level from which rounding to 16 bits is worth a remark."""


class DataError(ValueError):
    """Data that is missing or not what it should be; the message says what was expected."""


@dataclasses.dataclass(frozen=True)
class Recording:
    """A mono sound.

    Attributes:
      audio: int16 `[T]`.
      sample_rate: Hz.
      remarks: facts that must be known about it.
    """

    audio: np.ndarray
    sample_rate: int
    remarks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Found:
    """A clip.

    Attributes:
      file: name of the record.
      clip: whatever other files of the same clip would have in common.
      columns: label and speaker, and word, split and source where there are any.
      place: the sound file, as messages name it.
      hear: function that gives the sound, at once: not when the next item has come. Raises
        DataError.
    """

    file: str
    clip: str
    columns: Columns
    place: str
    hear: Callable[[], Recording]


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A file that gives no clip, and the reason, as in "hidden"."""

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Remark:
    """What must be known of a file that is used."""

    file: str
    text: str


Item = Found | LeftOut | Remark


def found(file: str, columns: Columns, entry: Entry, clip: str | None = None) -> Found:
    """The clip that an entry holds; `clip` is the file's name without suffix unless given."""
    clip = stem(file) if clip is None else clip
    return Found(file, clip, columns, entry.place, lambda: decode(entry.place, entry.read()))


def sounds(source: Path, known: tuple[str, ...] = ()) -> Iterator[Entry | LeftOut]:
    """The entries of a folder or an archive that may be clips, and why the others cannot.

    Args:
      known: names, without folders, of other files that the layout has.
    """
    for entry in entries(source):
        name = entry.name
        if entry.problem:
            yield LeftOut(name, entry.problem)
        elif is_hidden(name):
            if looks_like_sound(name):
                yield LeftOut(name, "hidden")
        elif looks_like_sound(name):
            yield entry
        elif name.rpartition("/")[2] not in known:
            yield LeftOut(name, no_sound(name))


def no_sound(name: str) -> str:
    """Why a file that is not named as a sound file is left out."""
    if named_as_archive(name):
        return "an archive in the data, to be unpacked first"
    if name == TABLE:
        return "a table without its archive beside it"
    return "not named as a sound file"


def decode(place: str, content: bytes) -> Recording:
    """A mono sound file as 16-bit integers, rounded as `data.audio.pcm` does.

    Raises:
      DataError: if the file is not audio, cut short, empty, or not mono; if a sample is not finite
        or far beyond full scale; if 16 bits keep nothing of it.
    """
    try:
        sound = decode_sound(place, content)
    except AudioError as error:
        raise DataError(str(error)) from None
    count, channels = sound.samples.shape
    if channels != 1:
        raise DataError(f"{place}: {channels} channels of {count} samples, expected mono")
    samples = sound.samples[:, 0]
    peak = float(np.abs(samples).max())
    if peak > LOUDEST:
        raise DataError(
            f"{place}: has samples as large as {peak:.3g}, full scale is 1: scale the data set"
        )
    audio, remarks = pcm(samples), sound.notes
    if peak > 0 and not audio.any():
        raise DataError(
            f"{place}: its largest sample is {peak:.3g} of full scale, of which 16 bits keep "
            "nothing: amplify the data set"
        )
    if peak > 1:
        remarks += ("samples beyond full scale, clipped",)
    lost = audio / np.float32(32768) - np.clip(samples, -1, 1)
    if np.square(lost).mean() > TOO_SOFT**2 * np.square(samples).mean():
        remarks += ("so soft that 16 bits change it by more than a tenth",)
    return Recording(audio, sound.sample_rate, remarks)
