"""The rows of `audioxai explain`: printed and kept as JSON one by one, as clips are finished.

However the command ends, the rows of explained clips are kept. A file of JSON is valid after each
clip; a pipe or device gets all rows at the end.
"""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioxai_jax.cli.answers import answer_columns, answer_text, answer_width
from audioxai_jax.cli.console import align, printable, say, text_width, write_rows
from audioxai_jax.cli.noise_floor import floor_text
from audioxai_jax.core.files import OutputError, check_output
from audioxai_jax.report.phrases import units
from audioxai_jax.results import ClipResult

SMALLEST, LEVEL, LISTENER = "smallest", "level", "listener"
"""Keys of the columns that do not show the model's answer to a sound."""
NONE_IS_ENOUGH = "none is enough"


def rows_columns(
    *, exact: bool, codec: bool, listener: bool, smallest: bool, value: bool = False
) -> dict[str, str]:
    """Columns of the table after that of the clip: title by key.

    Args:
      exact: whether the domain is exact; its round trip is not shown.
      codec: whether the domain is a codec's latent.
      listener: whether there is one; it says what it hears in the kept part.
      smallest: whether the smallest set was searched.
      value: whether the model's outputs are values.
    """
    columns = {
        "original": "value" if value else "heard",
        "explanation": "kept only",
        "removed": "without",
    }
    if not exact:
        columns["reconstruction"] = "codec only" if codec else "round trip"
    columns["random"] = "random"
    if listener:
        columns[LISTENER] = "listener, kept"
    columns[LEVEL] = "level"
    return columns | ({SMALLEST: "smallest set"} if smallest else {})


class Rows:
    """A table whose columns are wide enough for all rows to come.

    Args:
      json: file of the rows, or None; if it is standard output, the table is printed on stderr.

    Raises:
      ValueError: if nothing can be written there.
    """

    def __init__(self, json: Path | None):
        self.json, self.kept, self.stream = json, False, sys.stdout
        self.rows: list[dict[str, Any]] = []
        self.widths: list[int] = []
        self.columns: Mapping[str, str] = {}
        self.say = say
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
        self,
        names: Sequence[str],
        labels: Sequence[str],
        columns: Mapping[str, str],
        progress: Any,
        outputs: str = "softmax",
    ) -> None:
        """Takes what decides the widths, and a `Progress`, which prints.

        Args:
          names: names of the clips' folders.
          labels: labels of the model.
          columns: see `rows_columns`.
          outputs: kind of the model's outputs.
        """
        self.say, self.columns = progress.say, columns
        answer = answer_width(labels, outputs)
        sizes = {LEVEL: len("+12.3 dB"), SMALLEST: len(NONE_IS_ENOUGH)}
        clip = max(len("clip"), *(text_width(printable(name)) for name in names))
        self.widths = [clip]
        self.widths += [max(len(title), sizes.get(k, answer)) for k, title in columns.items()]

    def add(self, folder: Path, result: ClipResult) -> None:
        """The row of a clip that was explained."""
        self.rows.append(_row(folder, result))
        if len(self.rows) == 1:
            self.say(align(["clip", *self.columns.values()], self.widths), file=self.stream)
        cells = [folder.name, *(_cell(key, self.rows[-1]) for key in self.columns)]
        self.say(align(list(map(printable, cells)), self.widths), file=self.stream)
        if self.kept:
            with contextlib.suppress(OSError):  # if it lasts, `close` reports it
                write_rows(self.json, self.rows)

    def close(self, out: Path) -> None:
        """Says where to listen, and writes the JSON once more."""
        if not self.columns:  # the command was refused as a whole
            return
        try:
            for row in self.rows:
                name = Path(row["folder"]).name
                self.say(*(f"note: {name}: {note}" for note in row["notes"]), file=self.stream)
            if self.rows:
                where = self.rows[0]["folder"] if len(self.rows) == 1 else out / "*"
                heard = floor_text(self.rows[0]["floor_db"])
                self.say("", f"Listen: open {where}/report.html{heard}", file=self.stream)
        finally:  # even if the output's reader has left
            write_rows(self.json, self.rows)


def _row(folder: Path, result: ClipResult) -> dict[str, Any]:
    row: dict[str, Any] = {"clip": result.source.path, "folder": str(folder)}
    for name, sound in result.sounds.items():
        row |= answer_columns(name, sound.heard)
    for name, sound in result.sounds.items():
        if sound.listener is not None:
            row |= answer_columns(f"{LISTENER}_{name}", sound.listener)
    chosen = result.selection
    return row | {
        "level_db": result.sounds["explanation"].level_db,
        "floor_db": result.floor_db,
        "domain": result.setup.domain.name,
        "keep": chosen.keep,
        "kept": chosen.kept,
        "units": chosen.units,
        "unit": chosen.unit,
        "smallest": chosen.smallest,
        "notes": list(result.notes),
    }


def _cell(key: str, row: Mapping[str, Any]) -> str:
    if key == LEVEL:
        level = row["level_db"]
        return f"{level:+.1f} dB" if abs(level) < float("inf") else "silent"
    if key == SMALLEST:
        share = f"{100 * row['keep']:.3g} % of {units(row['unit'])}"
        return share if row["smallest"] == "found" else NONE_IS_ENOUGH
    return answer_text(f"{LISTENER}_explanation" if key == LISTENER else key, row)
