"""The rows of the study as Markdown, ready for its README."""

from typing import Any

from experiments.domains.protocol import EDITS, MAGNITUDE, RANDOM
from experiments.domains.table import JUDGES, Rows

SHORT = {"integrated_gradients": "IG", "lrp": "LRP"}


def find(rows: Rows, **wanted: Any) -> dict[str, Any] | None:
    """The row with these fields, if there is one."""
    fits = (row for row in rows if all(row.get(name) == value for name, value in wanted.items()))
    return next(fits, None)


def markdown(rows: Rows, compared: Rows, abouts: list[dict]) -> str:
    """The tables of each model: the order of domains, areas over chance, shares of clips."""
    lines = ["### In short", "", *_summary(compared, abouts), ""]
    for model in dict.fromkeys(about["model"] for about in abouts):
        mine = [about for about in abouts if about["model"] == model]
        order = [row for row in compared if row["model"] == model]
        lines += [f"### {model}", "", *_order(order), ""]
        lines += [*_areas(rows, mine), "", *_shares(rows, mine), ""]
    lines += ["### Where LRP is asked", ""]
    lines += [f"- {a['model']}, {a['domain']}: {a['lrp']}" for a in abouts]
    return "\n".join(lines) + "\n"


def _summary(compared: Rows, abouts: list[dict]) -> list[str]:
    """A line for each domain: what its better method gains over chance, and over magnitude."""
    models = list(dict.fromkeys(about["model"] for about in abouts))
    columns = [(model, judge) for model in models for judge in JUDGES.values()]
    judges = {"model": "itself", "listener": "listener"}
    lines = [
        "Area over chance, mean of keep and delete, of the better method; points (95 % interval "
        "over speakers); after the semicolon over magnitude. Bold: not behind the first of its "
        "column (95 % interval of the difference over the same clips).",
        "",
        _line(["domain", "units", *(f"{model}, {judges[judge]}" for model, judge in columns)]),
        _line(["---"] * (len(columns) + 2)),
    ]
    for domain, about in {about["domain"]: about for about in abouts}.items():
        cells = [domain, f"{about['units']:,} ({about['unit']})"]
        for model, judge in columns:
            row = find(compared, model=model, judge=judge, domain=domain)
            cells.append(_gain(row) if row else "")
        lines.append(_line(cells))
    return lines


def _gain(row: dict[str, Any]) -> str:
    """A method's area over chance and over magnitude; bold if none is better for sure."""
    behind, over = row["behind"], row["over_magnitude"]
    best = behind.get("speakers_low", behind["low"]) <= 0
    area = f"{SHORT.get(row['ranking'], row['ranking'])} {_points(row['area'])}"
    low, high = (100 * over.get(f"speakers_{end}", over[end]) for end in ("low", "high"))
    return f"{f'**{area}**' if best else area}; {low:+.0f} to {high:+.0f}"


def _order(compared: Rows) -> list[str]:
    """Domains by the mean area of keeping and deleting, of their best method."""
    lines = [
        "Domains by area over chance, mean of keep and delete, of the better method; points with "
        "95 % intervals over speakers:",
        "",
        _line(
            [
                "judge",
                "domain",
                "method",
                "over chance",
                "behind the first",
                "over magnitude",
                "height",
            ]
        ),
        _line(["---"] * 7),
    ]
    for row in compared:
        cells = [row["judge"], row["domain"], row["ranking"]]
        cells += [_points(row[name]) for name in ("area", "behind", "over_magnitude")]
        lines.append(_line([*cells, _points(row["height"], sign="")]))
    return lines


def _areas(rows: Rows, abouts: list[dict]) -> list[str]:
    """Area over chance, points, with the interval over speakers."""
    head = ["domain", "units", "trip"]
    head += [f"{edit}, {judge}" for judge in JUDGES.values() for edit in EDITS]
    lines = [
        "Area between the curve and that of chance, points (95 % interval over speakers):",
        "",
        _line(["ranking", *head]),
        _line(["---"] * (len(head) + 1)),
    ]
    for about in abouts:
        where = {"model": about["model"], "domain": about["domain"]}
        for ranking in _rankings(rows, where):
            if ranking == RANDOM:
                continue
            trip = find(rows, **where, judge="model", ranking="trip")
            assert trip is not None
            cells = [ranking, about["domain"], f"{about['units']:,} ({about['unit']})"]
            cells.append(f"{100 * trip['mean']:.0f}")
            for judge in JUDGES.values():
                for edit in EDITS:
                    row = find(rows, **where, judge=judge, ranking=ranking, edit=edit)
                    assert row is not None
                    cells.append(_points(row["area"]))
            lines.append(_line(cells))
    return lines


def _shares(rows: Rows, abouts: list[dict]) -> list[str]:
    """Shares of clips at each fraction, of keep and of delete, as the model hears them."""
    fractions = abouts[0]["fractions"]
    head = [f"{edit} {fraction:.0%}" for edit in EDITS for fraction in fractions]
    lines = [
        "Kept: % of clips that are still heard as the model's own prediction; deleted: % that are "
        "not any more. The model itself / the listener:",
        "",
        _line(["domain", "ranking", *head]),
        _line(["---"] * (len(head) + 2)),
    ]
    for about in abouts:
        where = {"model": about["model"], "domain": about["domain"]}
        for ranking in _rankings(rows, where):
            cells = [about["domain"], ranking]
            for edit in EDITS:
                both = [
                    find(rows, **where, judge=judge, ranking=ranking, edit=edit)
                    for judge in JUDGES.values()
                ]
                for place in range(len(fractions)):
                    cells.append(" / ".join(f"{100 * row['mean'][place]:.0f}" for row in both))  # type: ignore[index]
            lines.append(_line(cells))
    return lines


def _rankings(rows: Rows, where: dict) -> list[str]:
    """Methods first, then the controls."""
    names = [
        row["ranking"]
        for row in rows
        if "edit" in row and all(row[name] == value for name, value in where.items())
    ]
    known = dict.fromkeys(names)
    methods = [name for name in known if name not in (MAGNITUDE, RANDOM)]
    return [*methods, *(name for name in (MAGNITUDE, RANDOM) if name in known)]


def _points(area: dict[str, Any], sign: str = "+") -> str:
    """A mean in points, or %, with its interval over speakers, or else over clips."""
    who = "speakers_" if "speakers_low" in area else ""
    low, high = (100 * area[f"{who}{end}"] for end in ("low", "high"))
    return f"{100 * area['mean']:{sign}.0f} ({low:{sign}.0f} to {high:{sign}.0f})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
