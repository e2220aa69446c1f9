"""Tables of the AudioMNIST experiments, with intervals over clips and speakers."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.statistics.intervals import (
    SPEAKERS,
    enough_speakers,
    intervals,
    mean_with_intervals,
)
from audioxai_jax.statistics.paired import area_between, mean_difference, sign_flip
from experiments.audiomnist.comparison import BANDS, correlations
from experiments.audiomnist.protocol import METHODS, MOVES

CONTROLS = ("magnitude", "random")
SHARES = (
    *(f"{low}-{high} Hz" for low, high in zip(BANDS, BANDS[1:], strict=False)),
    *(f"quarter {number} of the sounding part" for number in (1, 2, 3, 4)),
    "silence around it",
)
"""Columns of relevance, by band and by time."""
MEASURES = {"label": "clips that are heard right", "prediction": "clips whose answer stays"}
"""Accuracy is the paper's. Relevance is that of the answer, right or wrong, and to take away what
speaks for a wrong one may make it right: where accuracy is low, only the second is telling."""
PAPERS = {
    ("digit", "alexnet"): (95.82, 1.49),
    ("digit", "audionet"): (92.53, 2.04),
    ("sex", "alexnet"): (95.87, 2.85),
    ("sex", "audionet"): (91.74, 8.60),
}
"""Accuracy on AudioMNIST, mean and standard deviation over folds in %, as reported of the paper."""


def deletion_rows(
    curves: Mapping[str, Mapping[str, Array]],
    fractions: Sequence[float],
    speakers: np.ndarray,
    key: Array,
    *,
    measure: str = "label",
) -> list[dict[str, Any]]:
    """A row per ranking: what is left at each fraction, how much before controls it falls.

    Args:
      curves: curves of `deletion_curves`, clips of all folds together.
      fractions: fractions of the curves.
      speakers: number of each clip's speaker, `[N]`.
      key: consumed.
      measure: key of MEASURES.

    Returns:
      Rows with "ranking", "left" `[M + 1]`, the share of clips, with its interval over clips
      "low" and "high" `[M + 1]` (the first for nothing deleted), and for methods
      "before_magnitude" and "before_random": the area between the control's curve and the
      ranking's, above 0 where the ranking falls first, as "mean", its interval over clips "low"
      and "high", and "p" of `sign_flip`; over speakers too if there are SPEAKERS, and then "p" is
      that of whole speakers.
    """
    rows = []
    whole = np.asarray(curves["original"][measure])[:, None]
    known = [name for name in (*METHODS, *CONTROLS) if name in curves]
    for name in known:
        right = np.concatenate([whole, np.asarray(curves[name][measure])], axis=1)
        ends = {end: values.tolist() for end, values in intervals(right, key).items()}
        row: dict[str, Any] = {"ranking": name, "left": right.mean(0).tolist()} | ends
        for control in CONTROLS:
            if name not in CONTROLS:
                both = curves[control][measure], curves[name][measure]
                row[f"before_{control}"] = _area(*both, fractions, speakers, key)
        rows.append(row)
    return rows


def _area(control, ranking, fractions, speakers: np.ndarray, key: Array) -> dict[str, float]:
    area = area_between(jnp.asarray(control), jnp.asarray(ranking), np.asarray(fractions))
    groups = speakers if enough_speakers(speakers) else None
    row = mean_with_intervals(area, key, speakers=speakers)
    row |= {"p": sign_flip(area, jnp.zeros_like(area), key, groups=groups)}
    return {name: float(value) for name, value in row.items()}


def deletion_table(rows: Sequence[Mapping[str, Any]], fractions: Sequence[float]) -> str:
    """Markdown: shares in %, areas in points with their 95 % interval over clips."""
    head = [f"{100 * fraction:g} %" for fraction in (0, *fractions)]
    lines = [
        "| deleted by | " + " | ".join(head) + " | before magnitude | before random |",
        "|---" * (3 + len(head)) + "|",
    ]
    for row in rows:
        cells = [f"{100 * value:.1f}" for value in row["left"]]
        cells += [_interval(row.get(f"before_{control}")) for control in CONTROLS]
        lines.append(f"| {row['ranking'].replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _interval(area: Mapping[str, float] | None) -> str:
    if area is None:
        return ""
    ends = [
        f"{100 * area[f'{who}low']:.1f} to {100 * area[f'{who}high']:.1f}"
        for who in ("", "speakers_")
        if f"{who}low" in area
    ]
    return f"{100 * area['mean']:.1f} ({'; speakers '.join(ends)})"


def reach(speakers: np.ndarray) -> str:
    """A paragraph on areas, and on intervals over this number of speakers."""
    number = len(np.unique(speakers))
    area = (
        "The area before a control is that between its curve and the ranking's, from nothing "
        "deleted to the most, in points: above 0 where the ranking's falls first."
    )
    if number >= SPEAKERS:
        return f"Intervals are 95 % over clips; over {number} speakers. {area}"
    some = "one speaker" if number == 1 else f"{number} speakers"
    return f"Intervals are 95 % over clips of {some}: they say nothing of other speakers. {area}"


def moves_rows(
    moves: Mapping[str, Mapping[str, np.ndarray]], labels: np.ndarray, task: str, key: Array
) -> list[dict[str, Any]]:
    """A row per move: "clips", "accuracy", "lost" by it and answers that "stay", as shares.

    "lost" has "mean" and its interval over clips, "low" and "high". For speaker sex a row more
    says what becomes of it if each voice is moved to where the other sex has it.
    """
    known = {name: moves[name] for name in ("original", *MOVES) if name in moves}
    up, down = "frequency axis x 1.5", "frequency axis x 0.66"
    if task == "sex" and up in known:
        known["frequency axis x 1.5 of men, x 0.66 of women"] = {
            measure: np.where(labels == 0, known[up][measure], known[down][measure])
            for measure in known[up]
        }
    whole, rows = known["original"]["label"], []
    for name, found in known.items():
        lost = mean_difference(whole, found["label"], key)
        row = {"clips": name, "accuracy": float(np.mean(found["label"]))}
        row |= {"lost": {k: float(v) for k, v in lost.items()}}
        rows.append(row | {"stay": float(np.mean(found["prediction"]))})
    return rows


def moves_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: accuracy after each move, what it lost, and which answers stay, over clips."""
    lines = ["| clips | accuracy, % | points lost | answers that stay, % |", "|---|---|---|---|"]
    for row in rows:
        shares = f"{100 * row['accuracy']:.1f} | {_interval(row['lost'])} | {100 * row['stay']:.1f}"
        lines.append(f"| {row['clips']} | {shares} |")
    return "\n".join(lines)


def accuracy_table(rows: Sequence[Mapping[str, Any]], task: str, net: str) -> str:
    """Markdown: accuracy of each fold on speakers that were never heard, in %."""
    lines = ["| fold | steps | minutes | val | test |", "|---|---|---|---|---|"]
    for row in rows:
        cells = [row["fold"], row["steps"], f"{row['seconds'] / 60:.0f}"]
        cells += [f"{100 * row[part]:.1f}" for part in ("val", "test")]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    tests = [100 * row["test"] for row in rows]
    if len(tests) > 1:
        spread = f"{np.mean(tests):.1f} ± {np.std(tests, ddof=1):.1f}"
        lines.append(f"| mean ± standard deviation | | | | {spread} |")
    mean, deviation = PAPERS[task, net.partition(":")[0]]
    lines.append(f"| the paper's, on AudioMNIST | | | | {mean} ± {deviation} |")
    return "\n".join(lines)


def comparison_rows(found: Mapping[str, Any], labels: np.ndarray, key: Array) -> dict[str, list]:
    """Rows of three tables: "shares" of relevance, "correlations" of maps, "deletion".

    All numbers are shares or correlations; lists are in the order of `SHARES`, or of the fractions
    that are deleted, nothing first.
    """
    nets = list(found["curves"])
    shares, correlated, deletion = [], [], []
    titles = {net: f"positive relevance for {net}" for net in nets}
    for name, title in (titles | {"energy": "energy of the clips"}).items():
        quarters = np.nanmean(found[name]["times"], 0)
        means = [*np.nanmean(found[name]["bands"], 0), *quarters, 1 - quarters.sum()]
        shares.append({"of": title, "shares": list(map(float, means))})
    for title, values in correlations(found, labels).items():
        values = values[np.isfinite(values)]
        row = {name: float(value) for name, value in mean_with_intervals(values, key).items()}
        correlated.append({"of": title} | row)
    for net in nets:
        other = nets[1 - nets.index(net)]
        titles = {
            "own": f"relevance for {net}",
            "other": f"relevance for {other}",
            "magnitude": "magnitude",
            "random": "random",
        }
        for name, title in titles.items():
            left = [1.0, *np.mean(found["curves"][net][name]["prediction"], axis=0)]
            deletion.append({"network": net, "ranking": title, "left": list(map(float, left))})
    return {"shares": shares, "correlations": correlated, "deletion": deletion}


def comparison_table(rows: Mapping[str, list], fractions: Sequence[float]) -> str:
    """Markdown: shares of relevance, correlation of maps, deletion in the common domain."""
    percents = lambda values: " | ".join(f"{100 * value:.1f}" for value in values)
    lines = ["| share, % | " + " | ".join(SHARES) + " |", "|---" * (1 + len(SHARES)) + "|"]
    lines += [f"| {row['of']} | {percents(row['shares'])} |" for row in rows["shares"]]
    lines += ["", "| rank correlation of both maps | mean (95 % over clips) |", "|---|---|"]
    for row in rows["correlations"]:
        interval = "{mean:.2f} ({low:.2f} to {high:.2f})".format(**row)
        lines.append(f"| {row['of']} | {interval} |")
    head = [f"{100 * fraction:g} %" for fraction in (0, *fractions)]
    lines += ["", "| answers that stay, %: network, cells deleted by | " + " | ".join(head) + " |"]
    lines.append("|---" * (1 + len(head)) + "|")
    for row in rows["deletion"]:
        lines.append(f"| {row['network']}, {row['ranking']} | {percents(row['left'])} |")
    return "\n".join(lines)
