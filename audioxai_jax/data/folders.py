"""Folders, searched to the bottom: through links, but never in circles."""

from collections.abc import Callable, Iterator
from pathlib import Path

from audioxai_jax.data.names import clean_name, is_rubbish, shown

MOST_LINKS = 3
"""To folders, one in the other: folders that all link to each other have endless ways."""


class ArchiveError(ValueError):
    """An archive, a folder or a file in one that cannot be read; the message names it in a line."""


def damaged(place: str, error: Exception) -> ArchiveError:
    """What to say of an error that reading raised."""
    if isinstance(error, OSError) and error.strerror:
        return ArchiveError(f"{error.filename or place}: cannot be read: {error.strerror}")
    reason = shown(str(error).partition("\n")[0].rstrip(":")) or type(error).__name__
    return ArchiveError(f"{place}: is damaged or cut short ({reason}): fetch it again")


def named_like(folder: Path, start: str) -> list[Path]:
    """What lies in a folder under names that begin so, in capitals or not; sorted."""
    if not folder.is_dir():
        return []
    return [p for p in sorted(folder.iterdir()) if p.name.lower().startswith(start.lower())]


def holds(folder: Path, wanted: Callable[[str], bool]) -> bool:
    """Whether a folder is there and a file in it has a name, as `entries` has it, that is
    wanted."""
    if not folder.is_dir():
        return False
    names = (
        clean_name(str(path.relative_to(folder))) for path, bad in files_below(folder) if not bad
    )
    return any(wanted(name) for name in names if not is_rubbish(name))


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yields `(file, problem)` of all files, in sorted order, as `entries` has them.

    Links to folders are followed, up to MOST_LINKS on the way to a file, but never to a folder
    that they lie in.

    Raises:
      ArchiveError: naming it, for a folder that cannot be searched.
    """
    try:
        whole = folder.resolve()
        yield from _files_below(folder, {_identity(place) for place in (whole, *whole.parents)}, 0)
    except OSError as error:
        raise damaged(str(folder), error) from None


def _files_below(
    folder: Path, above: set[tuple[int, int]], links: int
) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.iterdir()):
        if not path.exists():
            yield path, "a link that leads nowhere"
        elif not path.is_dir():
            yield path, "" if path.is_file() else "a pipe or a device"
        elif _identity(path) in above:
            yield path, "a link to a folder that it lies in"
        elif links + path.is_symlink() > MOST_LINKS:
            yield path, "a link in a folder that many links lead to, not followed"
        else:
            yield from _files_below(path, above | {_identity(path)}, links + path.is_symlink())


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
