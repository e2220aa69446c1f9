"""The leaderboard as Markdown: what passes, ranks, each truth, interventions, doses, domains."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from audioxai_jax.truth.score import SCORES

Row = dict[str, Any]
PASS, FAIL, NONE = "yes", "no", ""
DOSE = re.compile(r"onset_(\d+)$")
"""Rows of one question in which the cue is in that percentage of a class."""


def markdown(board: Row) -> str:
    """All tables of a leaderboard."""
    truths = board["truths"]
    parts = [
        *section("Truths", verdicts(truths)),
        *section("Methods", ranking(board["ranking"], board.get("robustness"))),
        *section("What passes", summary(truths)),
        *section("Doses", doses(truths)),
    ]
    for group, members in grouped(truths).items():
        parts += [f"## {group}", ""]
        for truth in members:
            parts += [f"### {truth['truth']}", "", truth["question"], *said_bars(truth), ""]
            parts += [*scores(truth), ""]
    parts += section("Other domains", elsewhere(truths))
    parts += section("Interventions", interventions(truths))
    return "\n".join(parts).rstrip() + "\n"


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and its table; nothing of an empty one."""
    return [f"## {title}", "", *lines, ""] if lines else []


def grouped(truths: Sequence[Row]) -> dict[str, list[Row]]:
    """Truths by what their names begin with."""
    groups: dict[str, list[Row]] = {}
    for truth in truths:
        groups.setdefault(truth["truth"].split("_")[0], []).append(truth)
    return groups


def verdicts(truths: Sequence[Row]) -> list[str]:
    """A line for each truth: its bars, the energy control and the best method."""
    lines = head("truth", "seeds scored", "bar", "energy", "best", "verdict")
    for truth in truths:
        bar = truth["bars"][0] if truth["bars"] else None
        energy = best = ""
        if truth["methods"] and bar:
            energy = with_ends(truth["methods"][0]["scores"].get(bar["score"]))
            best = said_best(truth, bar)
        count = f"{len(truth['scored'])} of {len(truth['seeds'])}"
        said = "; ".join(map(said_bar, truth["bars"]))
        lines.append(line(truth["truth"], count, said, energy, best, truth["verdict"]))
    return lines


def said_best(truth: Row, bar: Row) -> str:
    """The method that comes nearest to what the first bar asks."""
    shown = [row for row in truth["methods"] if not row["control"] and "scores" in row]
    values = {row["method"]: mean(row, bar["score"]) for row in shown}
    values = {name: value for name, value in values.items() if value is not None}
    if not values:
        return ""
    low, high = bar.get("low"), bar.get("high")
    middle = (low + high) / 2 if low is not None and high is not None else None
    order = (
        (lambda name: abs(values[name] - middle))
        if middle is not None
        else (lambda name: values[name])
        if high is not None
        else (lambda name: -values[name])
    )
    first = min(values, key=order)
    return f"{first} {number(values[first])}"


def ranking(rows: Sequence[Row], robustness: Mapping[str, float] | None = None) -> list[str]:
    """Methods by truths passed and mean rank, and how far an attack leaves their maps alone."""
    if not rows:
        return []
    columns = ["method", "passed", "mean rank", "refused", "evaluations"]
    lines = head(*columns, *(["robustness"] if robustness else []))
    for row in rows:
        value = (robustness or {}).get(row["method"])
        last = [] if not robustness else ["" if value is None else number(value)]
        rank = f"{row['rank']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
        passed = f"{row['passed']} of {row['asked']}"
        cells = (named(row), passed, rank, row["refused"] or "", row["evaluations"])
        lines.append(line(*cells, *last))
    return lines


def summary(truths: Sequence[Row]) -> list[str]:
    """Which method passes which truth."""
    asked = [truth for truth in truths if truth["bars"] and truth["methods"]]
    if not asked:
        return []
    lines = head("method", *(truth["truth"] for truth in asked))
    for name in dict.fromkeys(row["method"] for truth in asked for row in truth["methods"]):
        rows = [find(truth["methods"], name) for truth in asked]
        first = next(row for row in rows if row)
        lines.append(line(named(first), *map(mark, rows)))
    return lines


def mark(row: Row | None) -> str:
    """Whether a method passes; nothing if it does not run there."""
    if not row or row.get("passes") is None:
        return NONE
    return PASS if row["passes"] else FAIL


def scores(truth: Row, rows: Sequence[Row] | None = None) -> list[str]:
    """All methods of one truth, with 95 % intervals over clips and seeds."""
    rows = truth["methods"] if rows is None else rows
    if not rows:
        return ["Not scored: an intervention does not hold in any seed."]
    keys = [key for key in SCORES if any(key in row.get("scores", {}) for row in rows)]
    lines = head("method", *keys, "evaluations", "passes")
    for row in rows:
        if "refused" in row:
            lines.append(line(named(row), *[""] * (len(keys) + 1), f"refused: {row['refused']}"))
            continue
        cells = [with_ends(row["scores"].get(key)) for key in keys]
        lines.append(line(named(row), *cells, row["evaluations"], mark(row)))
    return lines


def doses(truths: Sequence[Row]) -> list[str]:
    """Share of positive relevance on the cue, over how often it goes with the class."""
    asked = {int(m[1]): t for t in truths if (m := DOSE.match(t["truth"])) and t["methods"]}
    if len(asked) < 2:
        return []
    levels = sorted(asked)
    lines = head("method", *(f"{level} %" for level in levels), "rises")
    for name in dict.fromkeys(row["method"] for t in asked.values() for row in t["methods"]):
        rows = [find(asked[level]["methods"], name) for level in levels]
        values = [mean(row, "share") for row in rows]
        known = [value for value in values if value is not None]
        whole = len(known) == len(levels)
        rises = whole and all(b > a for a, b in zip(known, known[1:], strict=False))
        cells = [with_ends(row and row.get("scores", {}).get("share")) for row in rows]
        lines.append(line(named(next(filter(None, rows))), *cells, PASS if rises else FAIL))
    return lines


def elsewhere(truths: Sequence[Row]) -> list[str]:
    """The score of each truth's first bar in other domains."""
    lines = head("truth", "domain", "method", "score", "value", "evaluations", "passes")
    empty = len(lines)
    for truth in truths:
        bar = truth["bars"][0]["score"] if truth["bars"] else "auc"
        for domain, found in truth["domains"].items():
            if "refused" in found:
                lines.append(
                    line(truth["truth"], domain, f"left out: {found['refused']}", *[""] * 4)
                )
            for row in found.get("methods", ()):
                said = with_ends(row.get("scores", {}).get(bar)) or f"refused: {row.get('refused')}"
                cells = (named(row), bar, said, row.get("evaluations", ""), mark(row))
                lines.append(line(truth["truth"], domain, *cells))
    return lines if len(lines) > empty else []


def interventions(truths: Sequence[Row]) -> list[str]:
    """What was done to each model, what it did, and what it had to do."""
    lines = head("truth", "seed", "intervention", "value", "bound", "holds")
    for truth in truths:
        for check in truth["checks"]:
            holds = PASS if check["holds"] else "**no**"
            value = number(check["value"], 3)
            cells = (check["seed"], check["name"], value, said_ends(check), holds)
            lines.append(line(truth["truth"], *cells))
    return lines


def said_bars(truth: Row) -> list[str]:
    return [f"Bar: {'; '.join(map(said_bar, truth['bars']))}."] if truth["bars"] else []


def said_bar(bar: Mapping[str, Any]) -> str:
    """Such as "auc >= 0.9 (energy <= 0.6)"."""
    energy = f" (energy <= {bar['energy']:g})" if "energy" in bar else ""
    return f"{bar['score']} {said_ends(bar)}{energy}".rstrip()


def said_ends(ends: Mapping[str, Any]) -> str:
    low = f">= {ends['low']:g}" if "low" in ends else ""
    high = f"<= {ends['high']:g}" if "high" in ends else ""
    return ", ".join(filter(None, (low, high)))


def find(rows: Sequence[Row], name: str) -> Row | None:
    return next((row for row in rows if row["method"] == name), None)


def mean(row: Row | None, key: str) -> float | None:
    return ((row or {}).get("scores", {}).get(key) or {}).get("mean")


def with_ends(score: Row | None) -> str:
    """A mean and its interval."""
    if not score or score["mean"] is None:
        return ""
    ends = f" ({number(score['low'])} to {number(score['high'])})"
    return number(score["mean"]) + ends


def number(value: float, digits: int = 2) -> str:
    """Two decimals; two digits of smaller numbers."""
    small = value != 0 and abs(value) < 10**-digits
    return f"{value:.1e}" if small else f"{value:.{digits}f}"


def named(row: Row) -> str:
    return f"*{row['method']}*" if row["control"] else row["method"]


def head(*names: str) -> list[str]:
    return [line(*names), "|" + "---|" * len(names)]


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
