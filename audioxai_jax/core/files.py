"""Files that appear whole or not at all, and folders that hold one computation's results.

=============================== ==================================================================
a regular file, or none         written beside its place and moved there, with the permissions of
                                the one that was there; its other (hard) links keep what it held
a symbolic link                 followed, also if what it leads to is still to be made: it stays
a pipe, a terminal, a device,   written into, all at once, when everything is there; so is a file
/dev/stdout, /dev/fd/N          that is mounted, or in a folder that takes no new files
a folder, a socket, a disk      refused
=============================== ==================================================================
"""

import contextlib
import dataclasses
import errno
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|thread-self|\d+)(/task/\d+)?/fd")
"""Folders whose entries are a process's open files."""
REFUSED = {stat.S_ISDIR: "a folder", stat.S_ISSOCK: "a socket", stat.S_ISBLK: "a disk"}


IN_THE_WAY = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES)
"""Why nothing can be moved to a file: it is mounted, or another user's in a shared folder."""


class OutputError(ValueError):
    """A place that cannot be written to; the message is one line and names it."""


@dataclasses.dataclass(frozen=True)
class Output:
    """Where what is written to a path goes.

    Attributes:
      path: path as it was given.
      place: file that the path leads to.
      descriptor: an open file of this process, if the path names one.
      moves: whether a file can be moved there: else it is written into.
      mode: permissions of the file that is there, or None.
    """

    path: Path
    place: Path
    descriptor: int | None = None
    moves: bool = False
    mode: int | None = None


def check_output(path: str | Path) -> Output:
    """Looks at a place where a file is to be written, and changes nothing there.

    Raises:
      OutputError: if nothing can be written there.
    """
    path = Path(path)
    try:
        place, descriptor = _follow(path)
        if descriptor is not None:
            os.write(descriptor, b"")  # fails if it is closed, or open for reading only
            return Output(path, place, descriptor)
        if os.path.lexists(place):
            return _existing(path, place)
        if not place.parent.is_dir():
            leads = f": it is a link to {place}" if path.is_symlink() else ""
            raise OutputError(f"{path}: there is no such folder{leads}")
        if not os.access(place.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return Output(path, place, moves=True)


def check_folder(path: str | Path) -> None:
    """Raises OutputError if a path exists, but is not a folder and does not lead to one."""
    path = Path(path)
    if path.is_dir() or not os.path.lexists(path):
        return
    if path.is_symlink():
        what = "no folder" if path.exists() else "what does not exist"
        raise OutputError(f"{path}: is a link to {what} ({os.readlink(path)})")
    raise OutputError(f"{path}: is not a folder")


def make_folder(path: str | Path) -> Path:
    """Makes a folder and those above it, if they are missing; raises OutputError if it cannot."""
    path = Path(path)
    for above in (path, *path.parents):
        check_folder(above)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror or error}") from None
    return path


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that can be read and sought; it is at its place once the block is left.

    If the block raises, what was there stays as it was, and no byte goes to a pipe or device.

    Raises:
      OutputError: if nothing can be written there, before the block.
      OSError: with the path, if writing fails in the end.
    """
    output = check_output(path)
    if not output.moves:
        with tempfile.TemporaryFile() as stream:
            yield cast(BinaryIO, stream)
            _copy(cast(BinaryIO, stream), output)
        return
    partial = output.place.with_name(f".partial-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with partial.open("x+b") as stream:
            yield stream
        _keep_permissions(partial, output)
        try:
            os.replace(partial, output.place)
        except OSError as error:
            if error.errno not in IN_THE_WAY or not output.place.is_file():
                raise
            with partial.open("rb") as stream:
                _copy(stream, output)
    finally:
        partial.unlink(missing_ok=True)


def replace_file(path: str | Path, content: bytes | str) -> None:
    """Writes a file whole or not at all, see above; a failure leaves what was there.

    Args:
      content: bytes or text; of text, what UTF-8 cannot hold (undecodable names) is escaped.

    Raises:
      OutputError: if nothing can be written there.
      OSError: with the path, if writing fails in the end.
    """
    if isinstance(content, str):
        content = content.encode(errors="backslashreplace")
    with writing(path) as stream:
        stream.write(content)


def _follow(path: Path) -> tuple[Path, int | None]:
    """Where links lead, and the number of an open file of this process if they lead to one."""
    for _ in range(40):  # the limit of Linux
        folder = os.path.realpath(path.parent)
        found = DESCRIPTORS.fullmatch(folder)
        if found and path.name.isdecimal():
            ours = found[1] in (None, "self", "thread-self", str(os.getpid()))
            return path, int(path.name) if ours else None
        path = Path(folder, path.name) if path.name not in ("", "..") else Path(folder)
        if not path.is_symlink():
            return path, None
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _existing(path: Path, place: Path) -> Output:
    facts = os.stat(place)
    for is_kind, kind in REFUSED.items():
        if is_kind(facts.st_mode):
            raise OutputError(f"{path}: is {kind}, expected the path of a file to write")
    if not os.access(place, os.W_OK):
        raise OutputError(f"{path}: cannot be written: it is read-only")
    folder = os.access(place.parent, os.W_OK | os.X_OK)
    moves = stat.S_ISREG(facts.st_mode) and folder and not DESCRIPTORS.fullmatch(str(place.parent))
    return Output(path, place, moves=moves, mode=stat.S_IMODE(facts.st_mode))


def _keep_permissions(partial: Path, output: Output) -> None:
    """Gives a new file the permissions of the old one, and its owner where that is allowed."""
    if output.mode is None:
        return
    with contextlib.suppress(OSError):
        facts = os.stat(output.place)
        os.chown(partial, facts.st_uid, facts.st_gid)
    os.chmod(partial, output.mode)


def _copy(stream: BinaryIO, output: Output) -> None:
    """Writes all of a file into a device, pipe or open file, which cannot be replaced."""
    stream.seek(0)
    try:
        if output.descriptor is None:
            target = output.place.open("wb")
        else:
            for text in filter(None, (sys.stdout, sys.stderr)):
                text.flush()  # what was printed before comes before
            target = os.fdopen(os.dup(output.descriptor), "wb")
        with target:
            shutil.copyfileobj(stream, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output.path)) from None


def check_settings(place: str | Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises ValueError, naming what differs, if results were made with other settings.

    Args:
      place: folder of the results.
      known: JSON values that decided them.
      wanted: settings that are asked for now; tuples count as lists.
    """
    wanted = json.loads(json.dumps(wanted))
    other = [k for k in sorted({*known, *wanted}) if known.get(k) != wanted.get(k)]
    if other:
        raise ValueError(
            f"{place} holds results with other settings ({', '.join(other)}): choose another "
            f"folder for the results, or remove {place}"
        )
