"""The leaderboard as rows: means and intervals by truth and method, what passes, and ranks.

A mean is over the clips on which a score is defined, all seeds together. Seeds whose interventions
do not hold are left out. All numbers are rounded, so that equal runs give equal bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from audioxai_jax.truth import Bar, Truth
from experiments.truth.methods import CONTROLS
from experiments.truth.resampling import interval, ranks, resampled_means, weights

DIGITS = 4
DEFINED = 0.9
"""Part of the clips, of those where the energy control has a score, that a method needs."""
Row = dict[str, Any]


def leaderboard(
    truths: Mapping[str, Truth],
    records: Sequence[Row],
    labels: Sequence[str],
    domains: Sequence[str] = (),
    *,
    seed: int = 0,
) -> Row:
    """All tables, of records of trials; see `trials.ask`.

    Args:
      truths: truths that were asked, by name.
      records: a record of each truth and seed; it may hold more than was asked.
      labels: rows, in their order.
      domains: further domains.
      seed: decides the resampling.
    """
    asked, drawn = [], {}
    for name, truth in truths.items():
        mine = [_asked(record, labels, domains) for record in records if record["truth"] == name]
        row, means = _of_truth(name, truth, mine, seed)
        asked.append(row)
        if means:
            drawn[name] = means
    return {"truths": asked, "ranking": ranking(asked, drawn, truths)}


def _asked(record: Row, labels: Sequence[str], domains: Sequence[str]) -> Row:
    """Of a record, what this run asks, in its order."""
    methods = {label: record["methods"][label] for label in labels if label in record["methods"]}
    elsewhere = {name: record["domains"][name] for name in domains if name in record["domains"]}
    return record | {"methods": methods, "domains": elsewhere}


def _of_truth(
    name: str, truth: Truth, records: Sequence[Row], seed: int
) -> tuple[Row, dict[str, np.ndarray]]:
    """The row of a truth, and by method the resampled means of its first bar's score."""
    scored = [record for record in records if record["proven"]]
    row: Row = {
        "truth": name,
        "question": truth.question,
        "seeds": [record["seed"] for record in records],
        "scored": [record["seed"] for record in scored],
        "bars": [bar_row(bar) for bar in truth.bars],
        "checks": [
            {"seed": record["seed"]} | check for record in records for check in record["checks"]
        ],
        "methods": [],
        "domains": {},
    }
    if not scored:
        return row | {"verdict": "not scored"}, {}
    draws = weights([record["clips"] for record in scored], seed)
    cells = [(record["energy"], record["methods"]) for record in scored]
    row["methods"], means = _of_methods(cells, draws, truth.bars)
    for domain in dict.fromkeys(key for record in scored for key in record["domains"]):
        row["domains"][domain] = _of_domain([r["domains"][domain] for r in scored], draws, truth)
    return row | {"verdict": verdict(row["methods"], truth.bars)}, means


def _of_domain(parts: Sequence[Row], draws: np.ndarray, truth: Truth) -> Row:
    refused = [part["refused"] for part in parts if "refused" in part]
    if refused:
        return {"refused": refused[0]}
    cells = [(part["energy"], part["methods"]) for part in parts]
    return {"methods": _of_methods(cells, draws, truth.bars)[0]}


def _of_methods(
    cells: Sequence[tuple[Row, Row]], draws: np.ndarray, bars: Sequence[Bar]
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """A row of each method, the energy control first; and its draws of the first bar's score.

    Args:
      cells: scores of the energy control and records of methods, of each seed.
      draws: `resampling.weights` of the clips.
      bars: bars of the truth.
    """
    control = [{"scores": energy, "evaluations": 0} for energy, _ in cells]
    listed = {"energy": control}
    listed |= {name: [methods[name] for _, methods in cells] for name in cells[0][1]}
    rows, means = [], {}
    for name, parts in listed.items():
        refused = [part["refused"] for part in parts if "refused" in part]
        row: Row = {"method": name, "control": name in CONTROLS}
        if refused:
            rows.append(row | {"refused": refused[0]})
            continue
        row["evaluations"] = max(part["evaluations"] for part in parts)
        row["scores"] = {key: summary(_joined(parts, key), draws) for key in parts[0]["scores"]}
        row["passes"] = passes(row["scores"], rows[0]["scores"] if rows else row["scores"], bars)
        rows.append(row)
        if bars and bars[0].score in row["scores"]:
            all_clips = np.concatenate(_joined(parts, bars[0].score))
            means[name] = resampled_means(all_clips, draws)
    return rows, means


def _joined(parts: Sequence[Row], key: str) -> list[np.ndarray]:
    """A score's values of each seed; null is NaN."""
    return [np.array(part["scores"][key], float) for part in parts]


def summary(by_seed: Sequence[np.ndarray], draws: np.ndarray) -> Row:
    """Mean, interval, spread over seeds, and clips without a value."""
    values = np.concatenate(by_seed)
    defined = np.isfinite(values)
    if not defined.any():
        return {"mean": None, "undefined": len(values)}
    low, high = interval(resampled_means(values, draws))
    each = [round(float(np.nanmean(v)), DIGITS) for v in by_seed if np.isfinite(v).any()]
    return {
        "mean": round(float(values[defined].mean()), DIGITS),
        "low": round(low, DIGITS),
        "high": round(high, DIGITS),
        "seeds": each,
        "undefined": int(np.sum(~defined)),
        "clips": len(values),
    }


def passes(scores: Row, energy: Row, bars: Sequence[Bar]) -> bool | None:
    """Whether a method's means reach all bars; None without bars."""
    if not bars:
        return None
    for bar in bars:
        mine, control = scores.get(bar.score), energy.get(bar.score)
        if mine is None or mine["mean"] is None or not bar.passes(mine["mean"]):
            return False
        lacking = mine["undefined"] - (control["undefined"] if control else 0)
        if lacking > (1 - DEFINED) * mine["clips"]:
            return False
    return True


def verdict(rows: Sequence[Row], bars: Sequence[Bar]) -> str:
    """Of a truth: "reached" if a method passes and the energy control stays below its own bars."""
    if not bars:
        return "no bar"
    energy = rows[0]["scores"]
    too_high = [
        bar.score
        for bar in bars
        if bar.score in energy and (energy[bar.score]["mean"] or 0.0) > bar.energy
    ]
    if too_high:
        return f"energy alone has too much: {', '.join(too_high)}"
    reached = any(row.get("passes") for row in rows if not row["control"])
    return "reached" if reached else "missed"


def bar_row(bar: Bar) -> Row:
    """A bar as JSON: bounds that it lacks are left out."""
    ends = {"low": bar.low, "high": bar.high, "energy": bar.energy}
    return {"score": bar.score} | {key: end for key, end in ends.items() if np.isfinite(end)}


def ranking(
    asked: Sequence[Row], drawn: Mapping[str, Mapping[str, np.ndarray]], truths: Mapping[str, Truth]
) -> list[Row]:
    """Methods by truths passed, then by mean rank of the first bar's score, with its interval."""
    names = list(dict.fromkeys(name for means in drawn.values() for name in means))
    if not names:
        return []
    points, resampled = [], []
    for row in asked:
        if row["truth"] not in drawn:
            continue
        bar, means = truths[row["truth"]].bars[0], drawn[row["truth"]]
        scores = {each["method"]: each.get("scores", {}) for each in row["methods"]}
        point = [
            (scores[name].get(bar.score) or {}).get("mean") if name in scores else None
            for name in names
        ]
        nothing = np.full(len(next(iter(means.values()))), np.nan)
        draws = np.stack([means.get(name, nothing) for name in names], axis=1)
        points.append(ranks(goodness(np.array(point, float), bar)))
        resampled.append(ranks(goodness(draws, bar)))
    with_values = [_ranked(name, i, points, resampled, asked) for i, name in enumerate(names)]
    return sorted(with_values, key=lambda row: (-row["passed"], row["rank"], row["method"]))


def _ranked(
    name: str,
    place: int,
    points: list[np.ndarray],
    resampled: list[np.ndarray],
    asked: Sequence[Row],
) -> Row:
    own = np.array([point[place] for point in points])
    draws = np.nanmean(np.stack([each[:, place] for each in resampled])[np.isfinite(own)], axis=0)
    low, high = interval(draws)
    mine = [each for row in asked for each in row["methods"] if each["method"] == name]
    answered = [each for each in mine if "refused" not in each and each["passes"] is not None]
    return {
        "method": name,
        "control": name in CONTROLS,
        "passed": sum(bool(each["passes"]) for each in answered),
        "asked": len(answered),
        "refused": sum("refused" in each for each in mine),
        "rank": round(float(np.nanmean(own)), 2),
        "low": round(low, 2),
        "high": round(high, 2),
        "evaluations": int(np.median([each["evaluations"] for each in answered])),
    }


def goodness(values: np.ndarray, bar: Bar) -> np.ndarray:
    """What is ranked: the score, its negative if it must be small, or nearness to the middle."""
    if np.isfinite(bar.low) and np.isfinite(bar.high):
        return -np.abs(values - (bar.low + bar.high) / 2)
    return -values if np.isfinite(bar.high) else values
