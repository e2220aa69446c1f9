"""The rows of `audioxai explain`: printed and kept as JSON one by one, as clips are done.

Whatever ends the command, the rows of clips that were explained are there. A file of JSON is
valid after each clip; a pipe or device gets all rows at the end.
"""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioxai_jax.cli.console import aligned, printable, say, width, write_rows
from audioxai_jax.core.files import OutputError, check_output

SAID = {
    "original": "heard",
    "explanation": "kept only",
    "removed": "without",
    "reconstruction": "codec only",
    "random": "random",
}
"""What the classifier says, and the column that shows it."""
STANDARD_OUTPUT = Path("/dev/stdout")
NONE = "none is enough"


def json_place(text: str) -> Path:
    """The value of `--json`."""
    return STANDARD_OUTPUT if text == "-" else Path(text)


class Rows:
    """A table whose columns are wide enough for all rows to come.

    Args:
      json: where the rows go as JSON, or None; if that is standard output, the table is
        printed on stderr, so that nothing else is there.

    Raises:
      ValueError: if nothing can be written there.
    """

    def __init__(self, json: Path | None):
        self.json, self.kept, self.stream = json, False, sys.stdout
        self.rows, self.titles, self.widths = [], [], []
        self.say, self.smallest = say, False
        if json is None:
            return
        try:
            output = check_output(json)
        except OutputError as error:
            raise ValueError(f"--json {error}") from None
        self.kept = output.moves
        if output.descriptor == 1:
            self.stream = sys.stderr

    def begin(
        self, names: Sequence[str], labels: Sequence[str], progress: Any, *, smallest: bool
    ) -> None:
        """Takes what decides the widths, and what prints: a `Progress`."""
        self.say, self.smallest = progress.say, smallest
        said = max(width(printable(label)) for label in labels) + len(" 100%")
        columns = {"clip": max(width(printable(name)) for name in names)}
        columns |= {title: said for title in SAID.values()} | {"level": len("+12.3 dB")}
        columns |= {"smallest set": len(NONE)} if smallest else {}
        self.widths = [max(len(title), size) for title, size in columns.items()]
        self.titles = list(columns)

    def add(self, folder: Path, facts: dict[str, Any]) -> None:
        """The row of a clip that was explained."""
        self.rows.append(_row(folder, facts))
        if len(self.rows) == 1:
            self.say(aligned(self.titles, self.widths), file=self.stream)
        cells = list(map(printable, _cells(self.rows[-1], smallest=self.smallest)))
        self.say(aligned(cells, self.widths), file=self.stream)
        if self.kept:
            with contextlib.suppress(OSError):  # it is said in the end, if it still is so
                write_rows(self.json, self.rows)

    def close(self, out: Path) -> None:
        """Says where to listen, and writes the JSON once more."""
        if not self.titles:  # the command was refused as a whole
            return
        try:
            for row in self.rows:
                name = Path(row["folder"]).name
                self.say(*(f"note: {name}: {note}" for note in row["notes"]), file=self.stream)
            if self.rows:
                where = self.rows[0]["folder"] if len(self.rows) == 1 else out / "*"
                self.say("", f"Listen: open {where}/report.html", file=self.stream)
        finally:  # also if nobody reads what is printed
            write_rows(self.json, self.rows)


def _row(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    said = {name: facts["prediction" if name == "original" else name] for name in SAID}
    row: dict[str, Any] = {"clip": facts["clip"]["path"], "folder": str(folder)}
    for name, prediction in said.items():
        row[name] = prediction["label"]
        row[f"{name}_probability"] = prediction["probability"]
    return row | {
        "level_db": facts["levels_db"]["explanation"],
        **{name: facts[name] for name in ("keep", "kept", "units", "unit", "smallest", "notes")},
    }


def _cells(row: dict[str, Any], *, smallest: bool) -> list[str]:
    said = [f"{row[name]} {row[f'{name}_probability']:.0%}" for name in SAID]
    level = "silent" if row["level_db"] is None else f"{row['level_db']:+.1f} dB"
    found = f"{100 * row['keep']:.3g} % of {row['unit']}s" if row["smallest"] == "found" else NONE
    return [Path(row["folder"]).name, *said, level, *[found] * smallest]
