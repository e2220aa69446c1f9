"""Data sets as `tensorflow-datasets` builders, without TensorFlow; one file each."""

import contextlib
import functools
import hashlib
import io
import os
from pathlib import Path
from typing import Any

from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.builders.audiomnist import AudioMnist
from audioxai_jax.data.builders.fsdd import Fsdd
from audioxai_jax.data.builders.items import DataError
from audioxai_jax.data.builders.recordings import Recordings
from audioxai_jax.data.builders.speech_commands import SpeechCommands
from audioxai_jax.data.builders.tess import Tess
from audioxai_jax.data.folders import files_below
from audioxai_jax.data.names import is_hidden
from audioxai_jax.data.outcome import Outcome

with needed_by("audioxai_jax.data.builders"):
    import tensorflow_datasets as tfds

BUILDERS: dict[str, type[Recordings]] = {
    builder.DATASET: builder for builder in (AudioMnist, Fsdd, SpeechCommands, Tess)
}


def prepare(
    dataset: str, data: str | Path, *, config: str | None = None, cache: str | Path | None = None
) -> Any:
    """The clips of a data set, as a random-access source of records.

    The first time, they are decoded into array records under `cache`; a change of the
    download (names, sizes and times of its files) makes them anew.

    Args:
      dataset: key of BUILDERS.
      data: folder with the user's download, see `builders.recordings`.
      config: name of a configuration of the builder, such as "35"; its first one if None.
      cache: folder of prepared data; in the user's cache folder if None.

    Returns:
      A sequence of records, each `{"audio": int16 [T], "sample_rate": .., "label": ..,
      "speaker": .., "word": .., "split": .., "origin": .., "file": .., "duplicate": ..}`;
      `outcome` says what they were made of, and what was left out.

    Raises:
      DataError: if the data is not there, or not what it should be.
      ArchiveError: for an archive, or a file of it, that cannot be read.
    """
    if dataset not in BUILDERS:
        raise DataError(f"unknown data set {dataset!r}: known are {', '.join(BUILDERS)}")
    builder_class: Any = BUILDERS[dataset]
    data = Path(data).absolute()
    sources, beside = builder_class.sources(data) if data.is_dir() else ([], [])
    if not sources:
        raise DataError(builder_class.missing(data))
    stamps = repr([beside, *(stamp for source in sources for stamp in _stamps(source))])
    folder = Path(cache or _cache()) / hashlib.sha256(stamps.encode()).hexdigest()[:16]
    tfds.disable_progress_bar()
    downloads = tfds.download.DownloadConfig(manual_dir=data, extract_dir=folder / "none")
    make: Any = functools.partial(builder_class, data_dir=folder, config=config)
    builder = make()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # tfds reports downloads in vain
            builder.download_and_prepare(download_dir=folder / "none", download_config=downloads)
    except OSError:
        builder = make()  # another process may have been faster
        if not builder.is_prepared():
            raise
    return builder.as_data_source("clips")


def outcome(records: Any) -> Outcome:
    """What became of the sound files of a data set.

    Args:
      records: records from `prepare`.
    """
    return Outcome.of(records.dataset_info.metadata)


def _stamps(source: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of a file, or of all files in a folder but hidden ones."""
    files = [source]
    if source.is_dir():
        hidden = lambda file: is_hidden(file.relative_to(source).as_posix())
        files = [file for file, problem in files_below(source) if not problem and not hidden(file)]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "audioxai_jax" / "datasets"
