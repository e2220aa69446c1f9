"""The rows of the study as Markdown, ready for its README."""

from typing import Any

from experiments.strangers.asked import FLOOR, floor_name
from experiments.strangers.table import CLASSIFIER, LISTENER, STRANGER, VOICE, Rows, find

NAMES = {"ig": "Integrated Gradients", "lrp": "LRP", "trip": "codec only", "magnitude": "largest"}
HEAD = ["sound", "pocketsphinx", "retention", "over largest", "nothing"]
HEAD += ["listener", "classifier", "speech", "SIG", "OVR"]


def markdown(rows: Rows, abouts: list[dict]) -> str:
    """For each task the table of one floor, and the stranger with all floors."""
    lines: list[str] = []
    for about in abouts:
        mine = [row for row in rows if row["task"] == about["task"]]
        lines += [f"### {about['task']}", "", describe(about), ""]
        floor = FLOOR if FLOOR in about["floors"] else about["floors"][-1]
        lines += [*main_table(mine, floor_name(floor)), "", *floor_table(mine, about["floors"]), ""]
    return "\n".join(lines)


def describe(about: dict[str, Any]) -> str:
    """What was explained, of which clips."""
    where = f"{about['domain']}" + (f" of {about['codec']}" if about["codec"] else "")
    return (
        f"{about['clips']} clips of {about['speakers']} speakers ({about['split']}); "
        f"`{about['classifier']}` in {where}, unit {about['unit']}, rank {about['rank']}, base "
        f"{about['base']}."
    )


def main_table(rows: Rows, floor: str) -> list[str]:
    """All ears and one floor: % of clips, with 95 % intervals over speakers (over clips where
    there are few speakers)."""
    lines = [
        f"Floor {floor}; % of clips. pocketsphinx and the listener: the true word; classifier: its "
        "own prediction of the clip again; speech: Silero VAD; SIG, OVR: DNSMOS.",
        "",
        line(HEAD),
        line(["---"] * len(HEAD)),
    ]
    for arm in arms_of(rows):
        own = {judge: find(rows, judge=judge, floor=floor, **arm) for judge in EARS}
        stranger = own[STRANGER]
        assert stranger is not None
        cells = [arm_name(arm), with_ends(stranger)]
        cells += [with_ends(stranger.get(name)) for name in ("retention", "over_magnitude")]
        cells[-1] = with_ends(stranger.get("over_magnitude"), sign="+")
        cells.append(f"{100 * stranger['nothing']:.0f}")
        cells += [share(own[judge]) for judge in (LISTENER, CLASSIFIER, VOICE)]
        cells += [score(find(rows, judge=f"dnsmos {name}", **arm)) for name in ("SIG", "OVR")]
        lines.append(line(cells))
    return lines


EARS = (STRANGER, LISTENER, CLASSIFIER, VOICE)


def floor_table(rows: Rows, floors: list[float | None]) -> list[str]:
    """pocketsphinx with each floor: % right, and retention."""
    names = [floor_name(floor) for floor in floors]
    lines = [
        "pocketsphinx by floor: % right / retention.",
        "",
        line(["sound", *names]),
        line(["---"] * (len(names) + 1)),
    ]
    for arm in arms_of(rows):
        cells = [arm_name(arm)]
        for name in names:
            row = find(rows, judge=STRANGER, floor=name, **arm)
            kept = "" if row is None or "retention" not in row else f" / {share(row['retention'])}"
            cells.append(share(row) + kept)
        lines.append(line(cells))
    return lines


def arms_of(rows: Rows) -> list[dict[str, Any]]:
    """Arms in the order of the table, methods before controls, each once."""
    fields = ("ranking", "edit", "fraction")
    arms = [
        {name: row[name] for name in fields if name in row}
        for row in rows
        if row["judge"] == STRANGER
    ]
    return list({tuple(arm.values()): arm for arm in arms}.values())


def arm_name(arm: dict[str, Any]) -> str:
    name = NAMES.get(arm["ranking"], arm["ranking"])
    return name if "edit" not in arm else f"{name}, {arm['edit']} {arm['fraction']:.0%}"


def with_ends(row: dict[str, Any] | None, sign: str = "") -> str:
    """A share in %, or a difference in points, with its interval."""
    if row is None:
        return ""
    who = "speakers_" if "speakers_low" in row else ""
    low, high = (_number(row[f"{who}{end}"], sign) for end in ("low", "high"))
    return f"{_number(row['mean'], sign)} ({low} to {high})"


def share(row: dict[str, Any] | None) -> str:
    return "" if row is None else _number(row["mean"])


def score(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['mean']:.2f}"


def _number(value: float | None, sign: str = "") -> str:
    return "?" if value is None or value != value else f"{100 * value:{sign}.0f}"


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
