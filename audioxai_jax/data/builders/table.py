"""The table layout: a text file with a row per clip beside an archive with the clips."""

import codecs
import contextlib
import csv
import dataclasses
import io
import itertools
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from audioxai_jax.data.archives import SUFFIXES, entries
from audioxai_jax.data.builders.items import (
    TABLE,
    Columns,
    DataError,
    Item,
    LeftOut,
    Remark,
    found,
    no_sound,
)
from audioxai_jax.data.names import clean_name, is_hidden, looks_like_sound, shown

NEEDED = ("file", "label", "speaker")
COLUMNS = (*NEEDED, "word", "split", "source", "sex")
"""Those that are read; two rows contradict each other if they differ in one of them."""
PARTS = ("", "train", "val", "test")
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table: its number, counted with the header from 1, and its cells."""

    number: int
    cells: Columns


def table_places(folder: Path, name: str) -> list[Path]:
    """The table and the archives beside it, the first to be read; none if one of them lacks."""
    table = folder / TABLE
    archives = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    archives = [path for path in archives if path.is_file()]
    return [table, *archives] if table.is_file() and archives else []


def read_table(table: Path, archive: Path) -> Iterator[Item]:
    """The clips of a table, and what the table and the archive hold beside them.

    The files of both are compared by cleaned names; if not all rows are there, also in any
    case, and without the folders that all rows, or all files of the archive, begin with.

    Raises:
      DataError: for a table that cannot be read for sure; while iterating, if a clip of it is
        not in the archive.
    """
    text, encoding = decoded_text(table, table.read_bytes())
    if encoding:
        yield Remark(table.name, f"not UTF-8, read as {encoding}")
    rows: dict[str, Row] = {}
    for row in _rows(table, text):
        file = row.cells["file"]
        if file in rows:
            _check_equal(table, rows[file], row)
            yield Remark(file, "two equal rows in the table, one was used")
        else:
            rows[file] = row
    readable = [entry.name for entry in entries(archive) if not entry.problem]
    files, remark = _matched(list(rows), readable)
    missing = sorted(set(rows) - set(files.values()))
    if missing:
        raise DataError(
            f"{archive}: {len(missing)} clips of {table.name} are missing, the first is "
            f"{shown(missing[0])}"
        )
    if remark:
        yield Remark(table.name, remark)
    for entry in entries(archive):
        if entry.name in files and not entry.problem:
            yield found(entry.name, rows[files[entry.name]].cells, entry, clip=entry.name)
        elif entry.problem or looks_like_sound(entry.name):
            yield LeftOut(entry.name, entry.problem or "in no row of the table")
        elif not is_hidden(entry.name):
            yield LeftOut(entry.name, no_sound(entry.name))


def decoded_text(table: Path, content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding if that was guessed.

    Raises:
      DataError: naming the file, if it is in no encoding that is known, or holds NUL bytes.
    """
    encodings = [encoding for mark, encoding in MARKS if content.startswith(mark)][:1]
    if not encodings and len(content) > 1 and 0 in content[:2]:
        encodings = ["utf-16-be" if content[0] == 0 else "utf-16-le"]  # without its mark
    for encoding in encodings or ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise DataError(f"{table}: line {line} holds a NUL byte: save it as text again")
        text = unicodedata.normalize("NFC", text.lstrip("\ufeff"))
        return text, "Windows-1252" if encoding == "cp1252" else ""
    raise DataError(f"{table}: is neither UTF-8 nor Windows-1252 nor UTF-16: save it as UTF-8")


def _rows(table: Path, text: str) -> Iterator[Row]:
    """The rows but empty ones, their cells without spaces around them."""
    delimiter, header, lines = _header(table, text)
    names = [name for name in header if name in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{table}: has the column {twice[0]} twice: leave one")
    filled = (row for row in _cells(table, lines, delimiter) if any(row[1]))
    next(filled)  # the header
    for number, cells in filled:
        surplus = [cell for cell in cells[len(header) :] if cell]
        if len(cells) < len(header) or surplus:
            raise DataError(
                f"{table}: row {number} has {len(cells)} cells, the header {len(header)} "
                f"({shown(cells[0])}): correct the row"
            )
        row = {name: cell for name, cell in zip(header, cells) if name in COLUMNS}
        yield Row(number, _checked(f"{table}: row {number}", row))


def _header(table: Path, text: str) -> tuple[str, list[str], list[str]]:
    """The character between cells, the names of the columns, and all lines from the header on."""
    lines = io.StringIO(text, newline="").readlines()
    wanted = ",;\t|"
    if lines and lines[0].strip().lower() in [f"sep={c}" for c in wanted]:  # Excel reads it
        wanted = lines[0].strip()[-1]
        lines = ["\n", *lines[1:]]
    found: list[tuple[str, list[str]]] = []
    for delimiter in wanted:
        with contextlib.suppress(DataError):  # of another delimiter
            cells = next((c for _, c in _cells(table, lines, delimiter) if any(c)), [])
            found.append((delimiter, [cell.lower() for cell in cells]))
    delimiter, header = max(
        found, key=lambda pair: len(set(NEEDED) & set(pair[1])), default=(",", [])
    )
    while header and not header[-1]:
        header.pop()
    lacking = sorted(set(NEEDED) - set(header))
    if lacking:
        raise DataError(f"{table}: lacks the columns {', '.join(lacking)}")
    return delimiter, header, lines


def _cells(table: Path, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of all rows, the header too."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(f"{table}: line {reader.line_num} cannot be read ({error})") from None


def _checked(place: str, row: Columns) -> Columns:
    """The row with its file's name cleaned; DataError if a cell cannot be what was meant."""
    broken = [name for name, cell in row.items() if "\n" in cell or "\r" in cell]
    if broken:
        raise DataError(f"{place} has a line break in its {broken[0]}: is a quote missing?")
    row = {**row, "file": clean_name(row["file"])}
    for name in ("file", "label"):
        if not row[name]:
            raise DataError(
                f"{place} ({shown(row['file'])}) has no {name}: fill it in, or take the row out"
            )
    if row.get("split", "") not in PARTS:
        raise DataError(f"{place} has the split {row['split']!r}, expected train, val or test")
    return row


def _check_equal(table: Path, first: Row, second: Row) -> None:
    other = [name for name in first.cells if first.cells[name] != second.cells[name]]
    if other:
        raise DataError(
            f"{table}: rows {first.number} and {second.number} contradict each other about "
            f"{shown(first.cells['file'])}: its {other[0]} is {first.cells[other[0]]!r} and "
            f"{second.cells[other[0]]!r}"
        )


def _matched(rows: list[str], members: list[str]) -> tuple[dict[str, str], str]:
    """Rows by the member that each names, and how the names were changed for it, "" if not.

    Of the changes under which most rows are there the smallest.
    """
    best: tuple[dict[str, str], str] = ({}, "")
    sounds = [name for name in members if looks_like_sound(name)]
    depths = itertools.product(range(_common_depth(rows) + 1), range(_common_depth(sounds) + 1))
    for fold, (above_rows, above) in itertools.product(
        (str, str.casefold), sorted(depths, key=sum)
    ):
        named = _by_key(rows, above_rows, fold)
        there = _by_key(sounds if above else members, above, fold)
        pairs = {there[key]: name for key, name in named.items() if key in there}
        if len(pairs) > len(best[0]):
            best = pairs, _change((rows, above_rows), (sounds, above), fold is not str)
        if len(pairs) == len(rows):
            break
    return best


def _by_key(names: list[str], above: int, fold: Callable[[str], str]) -> dict[str, str]:
    """Names by themselves, folded and without `above` folders, but those that share it."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(fold(name.split("/", above)[-1]), set()).add(name)
    return {key: min(group) for key, group in groups.items() if len(group) == 1}


def _common_depth(names: list[str]) -> int:
    """Number of folders that all names begin with."""
    folders = [name.split("/")[:-1] for name in names]
    depth = 0
    while folders and all(len(f) > depth and f[depth] == folders[0][depth] for f in folders):
        depth += 1
    return depth


def _change(rows: tuple[list[str], int], sounds: tuple[list[str], int], folded: bool) -> str:
    """Says how names were compared; "" if as they are."""
    parts = ["in capitals or not"] if folded else []
    for (names, above), where in ((rows, "row"), (sounds, "file of the archive")):
        if above:
            start = shown("/".join(names[0].split("/")[:above]))
            parts.append(f"without {start!r}, with which every {where} begins")
    how = ", ".join(parts)
    return f"other names of files than in the archive; they were compared {how}" if how else ""
