"""What became of the sound files of a data set: how many were found, used, left out, and why."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from audioxai_jax.data.names import shown

Groups = tuple[tuple[str, tuple[str, ...]], ...]
"""`(reason, files)` pairs, in the order in which the reasons came up."""
REPEATED = "the same sound, label and word as another clip of its part"
NAMED = 3
"""Files that a line names before it says "and so on"."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Of preparing a data set.

    Attributes:
      found: sound files that were met, whatever became of them.
      used: clips that were made of them; a long file may give several.
      left_out: files and links that gave no clip, by reason.
      remarks: files that were used and need a remark, or the table, by remark.
      repeated: files of clips that are marked as duplicates.
    """

    found: int = 0
    used: int = 0
    left_out: Groups = ()
    remarks: Groups = ()
    repeated: tuple[str, ...] = ()

    def without_repeated(self) -> "Outcome":
        """The outcome when duplicates are left out."""
        if not self.repeated:
            return self
        groups = (*self.left_out, (REPEATED, self.repeated))
        used = self.used - len(self.repeated)
        return dataclasses.replace(self, used=used, left_out=groups, repeated=())

    def lines(self) -> list[str]:
        """For people: the counts, then a line per reason and remark."""
        lines = [f"{self.found:,} sound files found, {self.used:,} clips used"]
        lines += [f"left out: {_line(*group)}" for group in self.left_out]
        return lines + [f"note: {_line(*group)}" for group in self.remarks]

    def as_json(self) -> dict[str, Any]:
        """Of JSON's types, for a data set's metadata."""
        return dataclasses.asdict(self)

    @staticmethod
    def of(metadata: Mapping[str, Any]) -> "Outcome":
        """The outcome that `as_json` wrote."""
        groups = lambda name: tuple((text, tuple(files)) for text, files in metadata[name])
        return Outcome(
            found=metadata["found"],
            used=metadata["used"],
            left_out=groups("left_out"),
            remarks=groups("remarks"),
            repeated=tuple(metadata["repeated"]),
        )


def _line(text: str, files: tuple[str, ...]) -> str:
    names = ", ".join(map(shown, files[:NAMED])) + (", ..." if len(files) > NAMED else "")
    return f"{text} ({len(files):,}: {names})"


def grouped(pairs: Iterable[tuple[str, str]]) -> Groups:
    """`(reason, file)` pairs by reason."""
    groups: dict[str, list[str]] = {}
    for reason, file in pairs:
        groups.setdefault(reason, []).append(file)
    return tuple((reason, tuple(files)) for reason, files in groups.items())
