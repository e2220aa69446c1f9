"""The files of a folder, a tar archive or a zip archive, one after the other."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
      wanted: whether a name is; the others are not read. Finder's copies of names (`._a.wav`)
        never are.

    Raises:
      ArchiveError: for an archive that is damaged or cut short.
    """
    take = lambda name: wanted(name) and not name.rpartition("/")[2].startswith("._")
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path).as_posix()
                if file.is_file() and take(name):
                    yield name, file.read_bytes()
        elif path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir() and take(entry.filename):
                        yield entry.filename, archive.read(entry)
        else:
            with tarfile.open(path) as archive:
                for entry in archive:
                    name = entry.name.removeprefix("./")
                    if entry.isfile() and take(name):
                        stream = archive.extractfile(entry)
                        assert stream is not None
                        yield name, stream.read()
                _check_end(archive)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise ArchiveError(f"{path}: is damaged or cut short ({reason}): fetch it again") from error


def _check_end(archive: tarfile.TarFile) -> None:
    """Raises TarError unless zeros end the archive: `tarfile` takes any odd header for the end.

    A compressed archive is read to its end, where its checksum is.
    """
    stream: Any = archive.fileobj
    stream.seek(archive.offset)
    blocks = 0
    while block := stream.read(1 << 20):
        if any(block):
            raise tarfile.TarError("an entry's header is wrong")
        blocks += len(block) // tarfile.BLOCKSIZE
    if not blocks:
        raise tarfile.TarError("its end is missing")
