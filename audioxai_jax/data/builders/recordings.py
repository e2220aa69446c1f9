"""What the builders of all data sets share: records, and the two layouts they are made from.

A `tensorflow-datasets` builder that never needs TensorFlow: audio is an int16 tensor (tfds'
own `Audio` feature imports TensorFlow), files are array records. A record is a clip as it
was recorded, at its own rate; what becomes of it is the pipelines' affair.

The data must be there already. It is looked for in tfds' manual folder, as either

* the *table layout*: `<dataset>/metadata.csv` (a row per clip: file, label, speaker and
  perhaps word, split, source) beside `<dataset>/<dataset>.tar` with those files, or
* what the data set's own page hands out, in the folder `<dataset>` or beside it.
"""

import abc
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from audioxai_jax.data.archives import members
from audioxai_jax.data.audio import pcm
from audioxai_jax.data.sound_files import AudioError, decode_sound

Columns = dict[str, str]


class DataError(ValueError):
    """Data that is missing or not what it should be; the message says what was expected."""


class Recordings(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base of the builders; a subclass names its labels and reads its official layout.

    All clips are in one tfds split, "clips": which of them train and which test is a choice
    among several, see `audioxai_jax.data.splits`.

    Class attributes:
      DATASET: name of its folder.
      LABELS: classes, in the order of their numbers.
      PAGE: where it is downloaded from.
      LAYOUT: what the download looks like, for the message when it is not there.
      CREDIT: name, licence and credit, for the manifests of what is trained on it.
    """

    VERSION = tfds.core.Version("1.0.0")
    url_infos: ClassVar = {}  # nothing is downloaded, so tfds need not look for checksums
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Download the data from PAGE; LAYOUT says what is expected."
    DATASET: ClassVar[str]
    LABELS: ClassVar[tuple[str, ...]]
    PAGE: ClassVar[str]
    LAYOUT: ClassVar[str]
    CREDIT: ClassVar[dict[str, str]]

    def __init__(self, **options: Any):
        super().__init__(**{"file_format": "array_record", **options})

    @classmethod
    @abc.abstractmethod
    def official_sources(cls, data: Path) -> list[Path]:
        """The files and folders of the official download; none if it is not there."""

    @abc.abstractmethod
    def official_clips(self, sources: list[Path]) -> Iterator[tuple[str, bytes, Columns]]:
        """`(file, content, columns)` of each clip in the official download.

        Columns are label and speaker, and word, split and source where there are any.
        """

    def labels(self) -> tuple[str, ...]:
        return self.LABELS

    def _info(self) -> tfds.core.DatasetInfo:
        number, text = tfds.features.Tensor(shape=(), dtype=np.int32), tfds.features.Text()
        return tfds.core.DatasetInfo(
            builder=self,
            description=(type(self).__doc__ or "").strip(),
            homepage=self.PAGE,
            citation=self.CREDIT["credit"],
            license=self.CREDIT["licence"],
            features=tfds.features.FeaturesDict(
                {
                    "audio": tfds.features.Tensor(shape=(None,), dtype=np.int16),
                    "sample_rate": number,
                    "label": tfds.features.ClassLabel(names=list(self.labels())),
                    "speaker": text,
                    "word": text,
                    "split": text,
                    "origin": text,
                    "file": text,
                    "duplicate": tfds.features.Tensor(shape=(), dtype=np.bool_),
                }
            ),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"clips": self._generate_examples(Path(dl_manager.manual_dir))}

    def _generate_examples(self, data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        found = read_table(data / self.DATASET, self.DATASET)
        if found is None:
            sources = self.official_sources(data)
            if not sources:
                raise DataError(self.missing(data))
            found = self.official_clips(sources)
        names, files, seen = set(self.labels()), set(), set()
        for file, content, columns in found:
            if file in files:
                raise DataError(
                    f"{self.DATASET}: {file} is there twice: leave one copy of the data"
                )
            files.add(file)
            label = self.relabelled(columns)
            if label is None:
                continue
            if label not in names:
                raise DataError(f"{self.DATASET}: {file} has the unknown label {label!r}")
            audio, rate = decode(file, content)
            print_ = hashlib.sha256(audio.tobytes() + f"{label} {columns.get('word')}".encode())
            twin = (columns.get("split", ""), print_.digest())
            yield (
                file,
                {
                    "audio": audio,
                    "sample_rate": rate,
                    "label": label,
                    "speaker": columns.get("speaker", ""),
                    "word": columns.get("word", ""),
                    "split": columns.get("split", ""),
                    "origin": columns.get("source", ""),
                    "file": file,
                    "duplicate": twin in seen,
                },
            )
            seen.add(twin)
        if not files:
            raise DataError(self.missing(data))

    def relabelled(self, columns: Columns) -> str | None:
        """The class of a clip, None to leave it out."""
        return columns["label"]

    @classmethod
    def missing(cls, data: Path) -> str:
        """What to say if the data is not there."""
        return (
            f"{data} holds no {cls.DATASET}: expected {cls.DATASET}/metadata.csv with "
            f"{cls.DATASET}/{cls.DATASET}.tar, or {cls.LAYOUT}, as downloaded from {cls.PAGE}; "
            "--data (or AUDIOXAI_DATA) names the folder"
        )

    @classmethod
    def sources(cls, data: Path) -> list[Path]:
        """The files and folders that the records would be made from; none if they are not there."""
        folder = data / cls.DATASET
        table = [folder / "metadata.csv", folder / f"{cls.DATASET}.tar"]
        return table if all(path.is_file() for path in table) else cls.official_sources(data)


def read_table(folder: Path, name: str) -> Iterator[tuple[str, bytes, Columns]] | None:
    """`(file, content, columns)` of each clip in the table layout, None if that is not there.

    Raises:
      DataError: while iterating, if a clip of the table is not in the archive.
    """
    table, archive = folder / "metadata.csv", folder / f"{name}.tar"
    if not (table.is_file() and archive.is_file()):
        return None
    with table.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        lacking = {"file", "label", "speaker"} - set(reader.fieldnames or ())
        if lacking:
            raise DataError(f"{table}: lacks the columns {', '.join(sorted(lacking))}")
        rows = {row["file"]: row for row in reader}

    def clips() -> Iterator[tuple[str, bytes, Columns]]:
        missing = set(rows)
        for file, content in members(archive, lambda name: name in rows):
            missing.discard(file)
            yield file, content, rows[file]
        if missing:
            raise DataError(
                f"{archive}: {len(missing)} clips of {table.name} are missing, the first is "
                f"{min(missing)}"
            )

    return clips()


def decode(file: str, content: bytes) -> tuple[np.ndarray, int]:
    """int16 `[T]` and the rate of a mono sound file.

    Raises:
      DataError: if it is no audio, cut short, empty, or not mono.
    """
    try:
        sound = decode_sound(file, content)
    except AudioError as error:
        raise DataError(str(error)) from None
    count, channels = sound.samples.shape
    if channels != 1:
        raise DataError(f"{file}: {channels} channels of {count} samples, expected mono")
    return pcm(sound.samples[:, 0]), sound.sample_rate
