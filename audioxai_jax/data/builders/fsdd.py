"""Free Spoken Digit Dataset: six men say the digits, fifty times each, at 8 kHz."""

import re
from collections.abc import Iterator
from pathlib import Path

from audioxai_jax.data.archives import is_archive
from audioxai_jax.data.builders.items import DataError, Item, LeftOut, found, sounds
from audioxai_jax.data.builders.recordings import Recordings
from audioxai_jax.data.folders import holds, named_like
from audioxai_jax.data.names import looks_like_sound, stem

CLIP = re.compile(r"([^_]+)_([^_]+)_([0-9]+)")


class Fsdd(Recordings, skip_registration=True):
    """Spoken digits of six men; Z. Jackson and contributors."""

    DATASET = "fsdd"
    LABELS = tuple("0123456789")
    PAGE = "https://github.com/Jakobovski/free-spoken-digit-dataset"
    LAYOUT = "a checkout or an archive whose folder recordings/ holds 0_george_0.wav and so on"
    CREDIT = {
        "name": "Free Spoken Digit Dataset",
        "licence": "CC BY-SA 4.0",
        "credit": "Zohar Jackson and contributors, Free Spoken Digit Dataset",
    }

    @classmethod
    def official_places(cls, data: Path) -> list[list[Path]]:
        places = [data / cls.DATASET, *named_like(data, "free-spoken-digit-dataset")]
        places += filter(is_archive, named_like(data / cls.DATASET, ""))
        return [[p for p in places if is_archive(p) or holds(p, is_clip)]]

    def official_items(self, sources: list[Path]) -> Iterator[Item]:
        for entry in sounds(sources[0]):
            if isinstance(entry, LeftOut):
                yield entry
            elif not is_clip(entry.name):
                yield LeftOut(entry.name, "not in a folder recordings/")
            else:
                file = entry.name.rpartition("/")[2]
                parts = CLIP.fullmatch(stem(file))
                if parts is None:
                    raise DataError(f"{entry.place}: expected a name such as 0_george_0.wav")
                digit, speaker, index = parts.groups()
                split = "test" if int(index) < 5 else "train"
                columns = {"label": digit, "speaker": speaker.lower(), "split": split}
                yield found(file, columns, entry)


def is_clip(name: str) -> bool:
    """Whether a file is a sound in the folder of the recordings."""
    return "/recordings/" in f"/{name.lower()}" and looks_like_sound(name)
