"""Free Spoken Digit Dataset: six men say the digits, fifty times each, at 8 kHz."""

from collections.abc import Iterator
from pathlib import Path

from audioxai_jax.data.archives import is_archive, members
from audioxai_jax.data.builders.recordings import Columns, DataError, Recordings


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
    def official_sources(cls, data: Path) -> list[Path]:
        places = [data / cls.DATASET, *sorted(data.glob("free-spoken-digit-dataset*"))]
        places += sorted(path for path in (data / cls.DATASET).glob("*") if is_archive(path))
        return [p for p in places if is_archive(p) or next(p.rglob("recordings/*.wav"), None)][:1]

    def official_clips(self, sources: list[Path]) -> Iterator[tuple[str, bytes, Columns]]:
        def wanted(name: str) -> bool:
            return "recordings/" in f"/{name}" and name.endswith(".wav")

        for name, content in members(sources[0], wanted):
            file = name.rpartition("/")[2]
            parts = file.removesuffix(".wav").split("_")
            if len(parts) != 3 or not parts[2].isdecimal():
                raise DataError(f"{name}: expected a name such as 0_george_0.wav")
            digit, speaker, index = parts
            split = "test" if int(index) < 5 else "train"
            yield file, content, {"label": digit, "speaker": speaker, "split": split}
