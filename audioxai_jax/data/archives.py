"""The files of a folder, a tar archive or a zip archive, one after the other."""

import contextlib
import dataclasses
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from audioxai_jax.data.folders import ArchiveError, damaged, files_below
from audioxai_jax.data.names import clean_name, is_rubbish, shown

ZIPS = (".zip",)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (*TARS, *ZIPS)
FOREIGN = (".7z", ".rar", ".zipx", ".tar.zst", ".tzst", ".tar.lz", ".tar.z", ".z01", ".iso")
"""Suffixes of archives that cannot be opened here, which is said."""
ENCRYPTED, UTF8 = 0x1, 0x800
"""Flags of an entry in a zip archive."""
PACKING = {1: "shrink", 6: "implode", 9: "deflate64", 93: "Zstandard", 95: "xz", 98: "PPMd"}
"""Methods that other programs pack the entries of a zip archive by."""
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
)
"""What the readers of archives raise when bytes are not what they should be."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of a folder or an archive.

    Attributes:
      name: relative to it, see `names.clean_name`.
      place: the same for messages, with the folder or the archive.
      problem: why it cannot be read, as in "a link that leads nowhere"; "" if it can.
      read: gives its content, at once: not when the next entry has come. Raises ArchiveError.
    """

    name: str
    place: str
    problem: str
    read: Callable[[], bytes]


def is_archive(path: Path) -> bool:
    """Whether this file is an archive by its suffix; `entries` says if it cannot open one."""
    return path.is_file() and named_as_archive(path.name)


def named_as_archive(name: str) -> bool:
    return name.lower().endswith(SUFFIXES + FOREIGN)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yields `(name, content)` of the readable entries whose name is wanted; see `entries`."""
    for entry in entries(path):
        if not entry.problem and wanted(entry.name):
            yield entry.name, entry.read()


def entries(path: Path) -> Iterator[Entry]:
    """Yields all files but what Finder leaves (`._a.wav`, `__MACOSX/`).

    Args:
      path: a folder, which is searched to the bottom in sorted order, through links too, or an
        archive, which is read from front to back.

    Raises:
      ArchiveError: for an archive that is damaged, cut short, or of a kind that is not known.
    """
    name = path.name.lower()
    if path.is_dir():
        found = _in_folder(path)
    elif name.endswith(FOREIGN):
        raise ArchiveError(f"{path}: archives of this kind cannot be opened here: unpack it")
    else:
        found = _in_zip(path) if name.endswith(ZIPS) else _in_tar(path)
    try:
        for entry in found:
            if not is_rubbish(entry.name):
                yield entry
    except ArchiveError:
        raise
    except DAMAGE as error:
        raise damaged(str(path), error) from None


def _in_folder(folder: Path) -> Iterator[Entry]:
    for path, problem in files_below(folder):
        place = shown(str(path))
        read = lambda path=path, place=place: _content(place, path.read_bytes)
        yield Entry(clean_name(str(path.relative_to(folder))), place, problem, read)


def _in_zip(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        _check_count(path, len(archive.infolist()))
        named = {_zip_name(info): info for info in archive.infolist()}
        for info in archive.infolist():
            written = _zip_name(info)
            name = clean_name(written)
            if written.endswith(("/", "\\")) or not name:
                continue
            problem, source = "", info
            if stat.S_ISLNK(info.external_attr >> 16):
                target = _content(f"{path}: {shown(name)}", lambda info=info: archive.read(info))
                beside = os.path.dirname(written) + "/" + target.decode("utf-8", "replace")
                source = named.get(os.path.normpath(beside).lstrip("/"))
                problem = "" if source else "a link to a file that the archive does not hold"
            place = f"{path}: {shown(name)}"
            yield Entry(name, place, problem, lambda p=place, s=source: _unzipped(archive, p, s))


def _check_count(path: Path, count: int) -> None:
    """Raises BadZipFile unless a zip archive has the number of entries that its end says.

    `zipfile` reads the directory up to a damaged entry, and takes what it has for all.
    """
    with path.open("rb") as stream:
        stream.seek(-min(path.stat().st_size, 22 + 0xFFFF), os.SEEK_END)
        end = stream.read()
    place = end.rfind(b"PK\5\6") + 10
    promised = int.from_bytes(end[place : place + 2], "little")
    if promised not in (count % 0x10000, 0xFFFF):  # the latter: said elsewhere, in 64 bits
        raise zipfile.BadZipFile(f"{count} of {promised} entries can be read")


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names without the mark of UTF-8 are taken for it all the same if that makes sense."""
    if not info.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _unzipped(archive: zipfile.ZipFile, place: str, info: Any) -> bytes:
    if info.flag_bits & ENCRYPTED:
        raise ArchiveError(f"{place}: is encrypted: unpack the archive with its password")
    try:
        return _content(place, lambda: archive.read(info))
    except NotImplementedError:
        method = PACKING.get(info.compress_type, f"number {info.compress_type}")
        raise ArchiveError(
            f"{place}: is packed by a method that cannot be read here ({method}): unpack the "
            "archive, with unzip or 7-Zip"
        ) from None


def _in_tar(path: Path) -> Iterator[Entry]:
    with tarfile.open(path) as archive:
        for info in archive:
            name = clean_name(info.name)
            if info.isdir() or not name:
                continue
            place, problem = f"{path}: {shown(name)}", ""
            if info.issym() or info.islnk():
                problem = _broken_link(archive, info)
            elif not info.isfile():
                problem = "a pipe or a device"
            unpack: Callable[[], Any] = lambda info=info: archive.extractfile(info)
            read = lambda place=place, unpack=unpack: _content(place, lambda: unpack().read())
            yield Entry(name, place, problem, read)
        _check_end(archive)


def _broken_link(archive: tarfile.TarFile, info: tarfile.TarInfo) -> str:
    """What is wrong with a link; "" if it leads to a file of the archive."""
    try:
        found = archive.extractfile(info)
    except (KeyError, RecursionError):
        found = None
    return "" if found else f"a link to {shown(info.linkname)}, which the archive does not hold"


def _content(place: str, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except NotImplementedError:
        raise
    except DAMAGE as error:
        raise damaged(place, error) from None


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
