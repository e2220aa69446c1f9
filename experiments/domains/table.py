"""Results of all models and domains as rows with intervals, and the table made of them."""

import functools
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax.core.trapezoids import trapezoid_weights
from audioxai_jax.data.tasks import Clips
from audioxai_jax.runs.shards import Parts
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.statistics.paired import area_between
from experiments.domains.protocol import EDITS, MAGNITUDE, RANDOM

JUDGES = {"logits": "model", "listener": "listener"}
"""Places of results, and who says them."""
BOTH = "both"
"""The mean of the areas of keeping and of deleting."""
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
    prediction of the whole clip ("keep"), or is not any more ("delete"); "height" is its mean
    over the fractions. See `areas` for the others.

    Args:
      about: see `run.describe`.
      results: result of `protocol.measure`, with a leading axis of clips.
      clips: the same clips.
      key: consumed, by the bootstrap.
    """
    where = {"model": about["model"], "domain": about["domain"]}
    weights = trapezoid_weights(np.asarray(about["fractions"]))
    over_chance = areas(about, results)
    ends = functools.partial(with_ends, clips=clips, key=key)
    rows: Rows = []
    for place, judge in JUDGES.items():
        curves, whole = agreements(results, place)
        for name, values in whole.items():
            rows.append(where | {"judge": judge, "ranking": name, **ends(values)})
        for number, edit in enumerate(EDITS):
            for name, values in curves.items():
                shares = _shares(values, number)
                row = where | {"judge": judge, "ranking": name, "edit": edit}
                row |= {"fractions": about["fractions"], **ends(shares)}
                row["height"] = ends(shares @ weights)
                if name != RANDOM:
                    row["area"] = ends(over_chance[name, judge, edit])
                rows.append(row)
        for name in [name for name in curves if name != RANDOM]:
            row = where | {"judge": judge, "ranking": name, "edit": BOTH}
            row["height"] = ends(both_heights(about, curves[name]))
            rows.append(row | {"area": ends(over_chance[name, judge, BOTH])})
    return rows


def _shares(curves: np.ndarray, number: int) -> np.ndarray:
    """Share that stays of kept parts, or that flips without deleted ones, `[N, F]`."""
    return curves[:, number] if EDITS[number] == "keep" else 1 - curves[:, number]


def both_heights(about: dict, curves: np.ndarray) -> np.ndarray:
    """Mean height of both edits' curves, from the first to the last fraction, `[N]`."""
    weights = trapezoid_weights(np.asarray(about["fractions"]))
    return np.mean([_shares(curves, n) @ weights for n in range(len(EDITS))], axis=0)


def agreements(results: dict, place: str) -> tuple[dict, dict]:
    """Whether edited sounds, and whole ones, are heard as the model's own prediction.

    Args:
      place: one of JUDGES.

    Returns:
      By ranking `[N, E, F]`, of chance the mean over its draws; and "original" and "trip", `[N]`.
    """
    target = results["logits"]["original"].argmax(-1)
    curves, whole = {}, {}
    for name, logits in results[place].items():
        known = np.isfinite(logits).all(-1)
        shape = (-1, *(1,) * (logits.ndim - 2))
        agrees = np.where(known, logits.argmax(-1) == target.reshape(shape), np.nan)
        if agrees.ndim == 1:
            whole[name] = agrees
        else:
            curves[name] = agrees.mean(1) if name == RANDOM else agrees
    return curves, whole


def areas(about: dict, results: dict) -> dict[tuple[str, str, str], np.ndarray]:
    """Area between a ranking's curve and that of chance of each clip, `[N]`; above 0 is better.

    It is the mean height between the two over the fractions from 0 to the largest, by ranking,
    judge, and edit: "keep", "delete", or their mean, "both".
    """
    found = {}
    for place, judge in JUDGES.items():
        curves, _ = agreements(results, place)
        for name in curves.keys() - {RANDOM}:
            for number, edit in enumerate(EDITS):
                pair = curves[name][:, number], curves[RANDOM][:, number]
                area = np.asarray(area_between(*pair, about["fractions"]))
                found[name, judge, edit] = area if edit == "keep" else -area
            found[name, judge, BOTH] = np.mean([found[name, judge, edit] for edit in EDITS], axis=0)
    return found


def compare(abouts: list[dict], all_results: list[dict], clips: Clips, key: Array) -> Rows:
    """Domains of one model against the best of them, on the same clips.

    Args:
      abouts, all_results: facts and results of each domain, see `make_rows`.
      clips: clips of both.
      key: consumed, by the bootstrap.

    Returns:
      By judge, domains in falling order of their best method's area of "both" edits, with its
      mean "height", what they lack to the first ("behind"), and intervals.
    """
    rows: Rows = []
    all_areas = [areas(*pair) for pair in zip(abouts, all_results, strict=True)]
    for place, judge in JUDGES.items():
        best = []
        for about, results, found in zip(abouts, all_results, all_areas, strict=True):
            methods = [n for n, j, e in found if (j, e) == (judge, BOTH) and n != MAGNITUDE]
            name = max(methods, key=lambda n: float(found[n, judge, BOTH].mean()))
            height = both_heights(about, agreements(results, place)[0][name])
            pair = found[name, judge, BOTH], found[MAGNITUDE, judge, BOTH]
            best.append((about, name, *pair, height))
        best.sort(key=lambda entry: -float(entry[2].mean()))
        for about, name, values, magnitude, height in best:
            row = {"model": about["model"], "judge": judge, "domain": about["domain"]}
            row |= {"ranking": name, "area": with_ends(values, clips, key)}
            row["height"] = with_ends(height, clips, key)
            row["behind"] = with_ends(best[0][2] - values, clips, key)
            rows.append(row | {"over_magnitude": with_ends(values - magnitude, clips, key)})
    return rows


def with_ends(values: np.ndarray, clips: Clips, key: Array) -> dict[str, Any]:
    """The mean over clips, with intervals over clips and over speakers."""
    ends = mean_with_intervals(values, key, speakers=clips.speaker_numbers)
    return {name: np.round(np.asarray(value, float), 5).tolist() for name, value in ends.items()}
