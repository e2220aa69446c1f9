"""What the builders of all data sets share: records, and the two layouts they are made from.

A `tensorflow-datasets` builder that never needs TensorFlow: audio is an int16 tensor (tfds'
own `Audio` feature imports TensorFlow), files are array records. A record is a clip as it
was recorded, at its own rate; what becomes of it is the pipelines' affair.

The data must be there already. It is looked for in tfds' manual folder, as either

* the *table layout*: `<dataset>/metadata.csv` (a row per clip: file, label, speaker and
  perhaps word, split, source) beside `<dataset>/<dataset>.tar` with those files, or
* what the data set's own page hands out, in the folder `<dataset>` or beside it.

Whatever lies there becomes a clip, is refused, or is left out and counted: an `Outcome` in the
builder's metadata says of each file what and why.
"""

import abc
import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.builders.items import (
    TABLE,
    Columns,
    DataError,
    Found,
    Item,
    LeftOut,
    Recording,
    Remark,
)
from audioxai_jax.data.builders.table import read_table, table_places
from audioxai_jax.data.names import looks_like_sound, shown
from audioxai_jax.data.outcome import Outcome, grouped

with needed_by("audioxai_jax.data.builders"):
    import tensorflow_datasets as tfds

LINKED = "the same file as another clip, by a link"
BESIDE = "beside what was read, not looked into"


class Recordings(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base of the builders; a subclass names its labels and reads its official layout.

    All clips are in one tfds split, "clips": which of them train and which test is a choice
    among several, see `audioxai_jax.data.splits`.

    Class attributes:
      DATASET: name of its folder.
      LABELS: classes, in the order of their numbers.
      PAGE: where it is downloaded from.
      LAYOUT: what the download looks like, for the message when it is not there.
      UNLABELLED: why clips are left out that `relabelled` gives no class.
      CREDIT: name, licence and credit, for the manifests of models trained on it.
    """

    VERSION = tfds.core.Version("1.1.0")
    url_infos: ClassVar = {}  # nothing is downloaded, so tfds need not look for checksums
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Download the data from PAGE; LAYOUT says what is expected."
    DATASET: ClassVar[str]
    LABELS: ClassVar[tuple[str, ...]]
    PAGE: ClassVar[str]
    LAYOUT: ClassVar[str]
    UNLABELLED: ClassVar[str] = "of none of the classes asked for"
    CREDIT: ClassVar[dict[str, str]]

    def __init__(self, **options: Any):
        super().__init__(**{"file_format": "array_record", **options})

    @classmethod
    @abc.abstractmethod
    def official_places(cls, data: Path) -> list[list[Path]]:
        """For each part of the official download the files and folders that hold it, of which
        the first is read; none if it is not there."""

    @abc.abstractmethod
    def official_items(self, sources: list[Path]) -> Iterator[Item]:
        """The clips in the official download, and what becomes of the other files in it."""

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
            metadata=tfds.core.MetadataDict(),
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
        left_out: list[tuple[str, str]] = []
        lost = 0
        remarks: list[tuple[str, str]] = []
        places: dict[str, str] = {}
        seen: set[tuple[str, bytes]] = set()
        repeated: list[str] = []
        used = 0
        for item in self._items(data):
            if isinstance(item, LeftOut):
                left_out.append((item.reason, item.file))
                lost += looks_like_sound(item.file)
                continue
            if isinstance(item, Remark):
                remarks.append((item.text, item.file))
                continue
            if item.clip in places:
                _check_linked(item, places[item.clip])
                left_out.append((LINKED, item.file))
                lost += 1
                continue
            places[item.clip] = item.place
            label = self.relabelled(item.columns)
            if label is None:
                left_out.append((self.UNLABELLED, item.file))
                continue
            if label not in self.labels():
                raise DataError(f"{item.place} has the unknown label {label!r}")
            sound = item.hear()
            remarks += [(text, item.file) for text in sound.remarks]
            record = _record(item, label, sound, seen)
            repeated += [item.file] if record["duplicate"] else []
            used += 1
            yield item.file, record
        outcome = Outcome(
            found=len(set(places.values())) + lost,
            used=used,
            left_out=grouped(left_out),
            remarks=grouped(remarks),
            repeated=tuple(repeated),
        )
        if not used:
            raise DataError("; ".join([self.missing(data), *outcome.lines()[1:]]))
        self.info.metadata.update(outcome.as_json())  # type: ignore[union-attr]

    def _items(self, data: Path) -> Iterator[Item]:
        sources, beside = self.sources(data)
        if not sources:
            raise DataError(self.missing(data))
        yield from (LeftOut(str(path.relative_to(data)), BESIDE) for path in beside)
        if sources[0].name == TABLE:
            yield from read_table(sources[0], sources[1])
        else:
            yield from self.official_items(sources)

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
    def sources(cls, data: Path) -> tuple[list[Path], list[Path]]:
        """The files and folders that the records would be made from, none if they are not there,
        and those of the same data set beside them, which are not read."""
        table = table_places(data / cls.DATASET, cls.DATASET)
        parts = [place for place in cls.official_places(data) if place]
        read = table[:2] or [part[0] for part in parts]
        others = [*table[2:], *(path for part in parts for path in part)]
        others += [data / cls.DATASET / TABLE] if not table else []  # without its archive
        others = [path for path in dict.fromkeys(others) if path.exists()]
        others = [path for path in others if not any(map(path.samefile, read))]
        return read, [path for path in others if not any(p in read for p in path.parents)]


def _check_linked(item: Found, place: str) -> None:
    """DataError if a clip is in another place too, unless both are one file, by a link."""
    with contextlib.suppress(OSError):  # a place in an archive
        if os.path.samefile(item.place, place):
            return
    raise DataError(
        f"{item.place}: the clip {shown(item.file)} is there twice, the other is {place}: leave "
        "one copy of the data"
    )


def _record(
    item: Found, label: str, sound: Recording, seen: set[tuple[str, bytes]]
) -> dict[str, Any]:
    """The record of a clip; a duplicate if `seen` holds one of its split, sound, label and word."""
    columns = item.columns
    name = f"{label} {columns.get('word')}".encode()
    twin = (columns.get("split", ""), hashlib.sha256(sound.audio.tobytes() + name).digest())
    duplicate = twin in seen
    seen.add(twin)
    return {
        "audio": sound.audio,
        "sample_rate": sound.sample_rate,
        "label": label,
        "speaker": columns.get("speaker", ""),
        "word": columns.get("word", ""),
        "split": columns.get("split", ""),
        "origin": columns.get("source", ""),
        "file": item.file,
        "duplicate": duplicate,
    }
