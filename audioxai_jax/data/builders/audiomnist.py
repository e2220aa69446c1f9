"""AudioMNIST: sixty people say the digits, fifty times each, at 48 kHz."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.archives import is_archive, members
from audioxai_jax.data.builders.items import Columns, DataError, Item, LeftOut, found, sounds
from audioxai_jax.data.builders.recordings import Recordings
from audioxai_jax.data.folders import holds, named_like
from audioxai_jax.data.names import is_hidden, looks_like_sound, stem
from audioxai_jax.data.splits import SEX_BLOCKS

with needed_by("audioxai_jax.data.builders"):
    import tensorflow_datasets as tfds

SEXES = ("male", "female")
METADATA = "audioMNIST_meta.txt"
IN_ARCHIVE = re.compile(r"(?:.*/)?data/(.+)")
CLIP = re.compile(r"([0-9]{2})/([0-9])_([0-9]{2})_[0-9]+")


class AudioMnist(Recordings, skip_registration=True):
    """S. Becker and others, "AudioMNIST", arXiv 1807.03418.

    Configuration "digit": what is said. "sex": of the speaker, as the metadata has it;
    clips of speakers that it lacks are left out, but the 24 of the paper's folds must be
    there. The digit is every record's `word`. In the table layout "sex" is the column `sex`,
    empty if it is not known.
    """

    DATASET = "audiomnist"
    LABELS = tuple("0123456789")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="digit", description="the ten digits"),
        tfds.core.BuilderConfig(name="sex", description="male or female speaker"),
    ]
    PAGE = "https://github.com/soerenab/AudioMNIST"
    LAYOUT = (
        "a checkout (AudioMNIST/, audiomnist/ or the folder itself) or an archive of one, whose "
        f"folder data/ holds 01/0_01_0.wav and so on and {METADATA}"
    )
    UNLABELLED = "of a speaker whose sex is not known"
    CREDIT = {
        "name": "AudioMNIST",
        "licence": "MIT",
        "credit": "Sören Becker, Johanna Vielhaben, Marcel Ackermann, Klaus-Robert Müller, "
        "Sebastian Lapuschkin, Wojciech Samek, AudioMNIST, arXiv 1807.03418",
    }

    @property
    def tells_sex(self) -> bool:
        """Whether the classes are the sexes, not the digits."""
        return self.builder_config is not None and self.builder_config.name == "sex"

    def labels(self) -> tuple[str, ...]:
        return SEXES if self.tells_sex else self.LABELS

    def relabelled(self, columns: Columns) -> str | None:
        if not self.tells_sex:
            return columns["label"]
        if "sex" not in columns:
            raise DataError(
                f"{self.DATASET}/metadata.csv: lacks the column sex, which the configuration "
                "'sex' needs"
            )
        return columns["sex"] or None

    @classmethod
    def official_places(cls, data: Path) -> list[list[Path]]:
        """The folder `data` of a checkout, or an archive."""
        named = [data / "AudioMNIST", data / cls.DATASET, *named_like(data, "AudioMNIST-")]
        below = [path for place in named for path in named_like(place, "")]
        places = dict.fromkeys([*named, *below, data])  # a checkout has a folder of programs
        folders = [p / "data" for p in places if holds(p / "data", is_clip)]
        archives = [p for p in [*named_like(data, "AudioMNIST"), *below] if is_archive(p)]
        return [[*folders, *archives]]

    def official_items(self, sources: list[Path]) -> Iterator[Item]:
        source = sources[0]
        known = self._sexes(source) if self.tells_sex else {}
        for entry in sounds(source, (METADATA,)):
            if isinstance(entry, LeftOut):
                yield entry
                continue
            file = inside(source, entry.name)
            if not file:
                yield LeftOut(entry.name, "not in the folder data/")
                continue
            parts = CLIP.fullmatch(stem(file))
            if parts is None:
                raise DataError(f"{entry.place}: expected a name such as 01/0_01_0.wav")
            folder, digit, speaker = parts.groups()
            if folder != speaker:
                raise DataError(
                    f"{entry.place}: a clip of speaker {speaker} in the folder of speaker "
                    f"{folder}: put it where it belongs, or fetch the data again"
                )
            sex = known.get(speaker, "")
            columns = {"label": digit, "word": digit, "speaker": speaker, "sex": sex}
            yield found(file, columns, entry)

    def _generate_examples(self, data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        """As of all data sets; then no speaker of the folds may be missing."""
        heard = set()
        for file, record in super()._generate_examples(data):
            heard.add(record["speaker"])
            yield file, record
        if self.tells_sex:
            check_folds(heard, f"{data}: {self.DATASET} has no clips with a known sex")

    def _sexes(self, source: Path) -> dict[str, str]:
        """Sex by speaker of a checkout or an archive."""
        file = next(members(source, lambda name: inside(source, name) == METADATA), None)
        if file is None:
            raise DataError(
                f"{source}: {METADATA} is missing, which says who is a man and who is a woman: "
                f"fetch it from {self.PAGE}, or use the configuration 'digit', which needs none"
            )
        known = sexes(f"{source}: {file[0]}", file[1])
        check_folds(known, f"{source}: {file[0]} has no entries")
        return known


def inside(source: Path, name: str) -> str:
    """A member's name within the folder `data`, "" if it is not there or hidden."""
    match = IN_ARCHIVE.fullmatch(name if source.is_file() else f"data/{name}")
    return match[1] if match and not is_hidden(match[1]) else ""


def is_clip(name: str) -> bool:
    """Whether a file in the folder `data` is named as a clip."""
    return looks_like_sound(name) and CLIP.fullmatch(stem(name)) is not None


def sexes(name: str, content: bytes) -> dict[str, str]:
    """Sex by speaker, "male" or "female", of a metadata file; it says "gender".

    Speakers are two digits whether the file pads them or not. Nothing else in it is read.

    Raises:
      DataError: if it is not the JSON it should be, or says something else of a speaker.
    """
    try:
        entries = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{name}: is not JSON ({error}): fetch it again") from None
    if not isinstance(entries, dict):
        raise DataError(f"{name}: expected an entry per speaker, is a {type(entries).__name__}")
    found = {}
    for key, entry in entries.items():
        speaker = key.strip().zfill(2)
        if not re.fullmatch(r"[0-9]{2}", speaker):
            raise DataError(f"{name}: expected speakers such as '01', not {key!r}")
        if speaker in found:
            raise DataError(f"{name}: speaker {speaker} is there twice: leave one entry")
        gender = entry.get("gender") if isinstance(entry, dict) else None
        found[speaker] = str(gender).strip().lower()
        if found[speaker] not in SEXES:
            raise DataError(
                f"{name}: speaker {speaker} has the gender {gender!r}, expected male or female: "
                "correct it, or take the entry out to leave the speaker out"
            )
    return found


def check_folds(speakers: Collection[str], problem: str) -> None:
    """Raises DataError, naming them, unless all speakers of the folds by sex are there."""
    lacking = sorted({f"{s:02}" for block in SEX_BLOCKS for s in sum(block, ())} - set(speakers))
    if lacking:
        raise DataError(
            f"{problem} of {len(lacking)} of the 24 speakers of the folds by sex: "
            f"{', '.join(lacking)}; fetch what is missing from {AudioMnist.PAGE}"
        )
