"""The files of a folder, a tar archive or a zip archive, one after the other."""

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")


class ArchiveError(ValueError):
    """An archive that cannot be read; the message is one line and names it."""


def is_archive(path: Path) -> bool:
    """Whether `members` can open this file."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yields `(name, content)` of the files whose name is wanted.

    Args:
      path: a folder, which is searched to the bottom in sorted order, or an archive, which
        is read from front to back. Names are relative to it, with "/" and no leading "./".
      wanted: whether a name is; the others are not read.

    Raises:
      ArchiveError: for an archive that is damaged or cut short.
    """
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path).as_posix()
                if file.is_file() and wanted(name):
                    yield name, file.read_bytes()
        elif path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir() and wanted(entry.filename):
                        yield entry.filename, archive.read(entry)
        else:
            with tarfile.open(path) as archive:
                for entry in archive:
                    name = entry.name.removeprefix("./")
                    if entry.isfile() and wanted(name):
                        stream = archive.extractfile(entry)
                        assert stream is not None
                        yield name, stream.read()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ArchiveError(f"{path}: is damaged or cut short ({error}): fetch it again") from error
