"""Results of all models and domains as rows with intervals, and the table made of them."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax.data.tasks import Clips
from audioxai_jax.runs.shards import Parts
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.statistics.paired import area_between
from experiments.domains.protocol import EDITS, MAGNITUDE, RANDOM

JUDGES = {"logits": "model", "listener": "listener"}
"""Places of results, and who says them."""
Rows = list[dict[str, Any]]


def read(folder: Path, clips: int) -> tuple[dict, dict] | None:
    """Facts and results of one model in one domain; None unless all clips are done."""
    file = folder / "about.json"
    if not file.is_file():
        return None
    parts = Parts(folder, json.loads((folder / "settings.json").read_text()))
    numbers = sorted(int(path.stem) for path in folder.glob("*.npz"))
    found = [parts.get(number, _missing) for number in numbers]
    results = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    if len(results["logits"]["original"]) != clips:
        return None
    return json.loads(file.read_text()), results


def _missing():
    raise ValueError("a part of the results is damaged: run the same command again")


def make_rows(about: dict, results: dict, clips: Clips, key: Array) -> Rows:
    """Rows of one model in one domain.

    A score is the share of clips, 0 to 1, whose sound is still heard as the model's own
    prediction of the whole clip ("keep"), or is not any more ("delete"). An area is the mean
    height between the method's curve and that of chance, over the fractions from 0 to the
    largest, in the direction that is better.

    Args:
      about: see `run.describe`.
      results: results of `protocol.measure`, with a leading axis of clips.
      clips: the same clips.
      key: consumed, by the bootstrap.
    """
    target = results["logits"]["original"].argmax(-1)
    where = {"model": about["model"], "domain": about["domain"]}
    rows: Rows = []
    with_ends = lambda values: {
        name: np.asarray(value).tolist()
        for name, value in mean_with_intervals(values, key, speakers=clips.speaker_numbers).items()
    }
    for place, judge in JUDGES.items():
        said = results[place]
        agrees = {name: said[name].argmax(-1) == _like(target, said[name]) for name in said}
        for name in ("original", "trip"):
            row = {"judge": judge, "ranking": name, **with_ends(agrees[name].astype(float))}
            rows.append(where | row)
        curves = {name: a.astype(float) for name, a in agrees.items() if a.ndim > 1}
        curves[RANDOM] = curves[RANDOM].mean(1)  # over the draws
        for edit_number, edit in enumerate(EDITS):
            better = 1 if edit == "keep" else -1
            chance = curves[RANDOM][:, edit_number]
            for name, values in curves.items():
                values = values[:, edit_number]
                row = where | {"judge": judge, "ranking": name, "edit": edit}
                row |= {"fractions": about["fractions"]}
                row |= with_ends(values if edit == "keep" else 1 - values)
                if name != RANDOM:
                    area = better * np.asarray(area_between(values, chance, about["fractions"]))
                    row["area"] = with_ends(area)
                rows.append(row)
    return rows


def _like(target: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return target.reshape(-1, *(1,) * (logits.ndim - 2))


def find(rows: Rows, **wanted: Any) -> dict[str, Any] | None:
    """The row with these fields, if there is one."""
    fits = (row for row in rows if all(row.get(name) == value for name, value in wanted.items()))
    return next(fits, None)


def markdown(rows: Rows, abouts: list[dict]) -> str:
    """The tables, ready for a README: areas over chance, and what is kept and deleted."""
    lines: list[str] = []
    for model in dict.fromkeys(about["model"] for about in abouts):
        mine = [about for about in abouts if about["model"] == model]
        lines += [f"### {model}", "", *_areas(rows, mine), "", *_shares(rows, mine), ""]
    lines += ["### Where LRP is asked", ""]
    lines += [f"- {a['model']}, {a['domain']}: {a['lrp']}" for a in abouts]
    return "\n".join(lines) + "\n"


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
            cells = [ranking, about["domain"], f"{about['units']} {about['unit']}s"]
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


def _points(area: dict[str, Any]) -> str:
    who = "speakers_" if "speakers_low" in area else ""
    low, high = (100 * area[f"{who}{end}"] for end in ("low", "high"))
    return f"{100 * area['mean']:+.0f} ({low:+.0f} to {high:+.0f})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
