"""The tables of `listen.py`, and whether its listener is of use at all."""

from collections.abc import Sequence
from typing import Any

from experiments.truth.markdown import head, line

Row = dict[str, Any]
LEAST = 0.5
"""Part of the words alone that pocketsphinx has to hear, to be of use."""
COLUMNS = ("heard", "nothing", "OVR", "SIG", "si_sdr", "mel")
HEADS = ("pocketsphinx, %", "nothing, %", "DNSMOS OVR", "SIG", "SI-SDR, dB", "log-mel distance")


def markdown(rows: Sequence[Row], settings: Row) -> str:
    """A verdict on the listener, and a table of each kind of mixture."""
    lines = [
        "# Explanations of mixtures, as they are heard",
        "",
        f"`{settings['classifier']}` in its latent, {settings['split']}; the first "
        f"{100 * settings['keep']:g} % of cells by the {settings['rank']} rank; floor "
        f"{settings['floor_db']:g} dB. Clips whose mixture the classifier hears right. 95 % "
        "intervals over speakers; over clips where there are few. Nobody was asked to listen.",
        "",
    ]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        lines += [f"## {kind}", "", verdict(mine), "", *table(mine), ""]
    return "\n".join(lines).rstrip() + "\n"


def verdict(rows: Sequence[Row]) -> str:
    """How much pocketsphinx hears at all, and whether that says anything."""
    share = {row["sound"]: row["heard"]["mean"] for row in rows}
    alone, mixture = share["word alone"], share["mixture"]
    first = rows[0]
    said = (
        f"The classifier hears {first['clips']} of {first['words']} mixtures right. Of these, "
        f"pocketsphinx hears {alone:.0%} of the words alone and {mixture:.0%} of the mixtures"
    )
    if alone < LEAST:
        return f"{said}: it is of no use here."
    return f"{said}: it can tell what an explanation gains."


def table(rows: Sequence[Row]) -> list[str]:
    """A line of each sound."""
    lines = head("sound", *HEADS)
    for row in rows:
        lines.append(line(row["sound"], *(cell(row, column) for column in COLUMNS)))
    return lines


def cell(row: Row, column: str) -> str:
    """A mean and its interval; shares in %."""
    score = row.get(column)
    if score is None:
        return ""
    factor, digits = (100, 0) if column in ("heard", "nothing") else (1, 2)
    mean, low, high = (factor * score[end] for end in ("mean", "low", "high"))
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
