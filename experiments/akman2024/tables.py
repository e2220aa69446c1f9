"""Tables of the rerun of arXiv 2410.07530, with intervals over clips and speakers."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax.statistics.intervals import intervals, mean_with_intervals
from experiments.akman2024.protocol import ARMS, BASES, COLUMNS, KEPT, MODES, RANDOM

INSIDE = range(1, len(KEPT) - 1)
"""Fractions at which a ranking matters: with all or nothing replaced there is none."""
TENTH = 5
"""Of KEPT: about 10 %."""


def scores(found: Mapping[str, Any], index: np.ndarray) -> np.ndarray:
    """How faithful each clip's cells are: the prediction stays (keep), or flips (delete).

    Args:
      found: result of `protocol.judge`, with a leading axis of N clips.
      index: index of `protocol.plan`.

    Returns:
      Zeros and ones `[N, ARMS, COLUMNS, methods + 1, BASES, MODES, KEPT, seeds]`.

    Raises:
      ValueError: if a model or a method returned NaN or infinity on any clip.
    """
    classes = np.stack(
        [np.stack([found[arm][column][:, index] for column in COLUMNS], 1) for arm in ARMS], 1
    )
    broken = ~found["finite"] | (classes < 0).reshape(len(classes), -1).any(1)
    if broken.any():
        raise ValueError(f"the models gave NaN or infinity on {broken.sum()} clips")
    target = np.asarray(found["target"]).reshape(-1, *[1] * (classes.ndim - 1))
    stays = (classes == target).astype(np.float32)
    stays[..., MODES.index("delete"), :, :] = 1 - stays[..., MODES.index("delete"), :, :]
    return stays


def make_rows(
    found: np.ndarray, names: Sequence[str], speakers: np.ndarray, key: Array
) -> list[dict[str, Any]]:
    """One row per cell.

    Args:
      found: result of `scores`, of several classifiers averaged.
      names: names of the methods.
      speakers: number of each clip's speaker `[N]`, -1 for nobody.
      key: consumed, by the bootstrap.

    Returns:
      Rows with "arm", "column", "method", "base", "mode", "fraction" and "score" in [0, 1], its
      95 % interval over clips ("low", "high") and, for SPEAKERS or more, over speakers
      ("speakers_low", "speakers_high"), and "seeds": the standard deviation over seeds of the
      mean over clips. The same, with "mean", of two differences, positive if the first is better:
      "over_random" (not for random features) and "over_waveform" (only for the latent arm).
    """
    clips = found.mean(axis=-1)
    spread = found.mean(axis=0).std(axis=-1, ddof=1 if found.shape[-1] > 1 else 0)
    mine, random_key, waveform_key = jax.random.split(key, 3)
    over_random, over_waveform = clips - clips[:, :, :, -1:], clips[:, :1] - clips[:, 1:]
    parts = {
        "": {"score": clips.mean(0), **intervals(clips, mine, speakers=speakers)},
        "over_random": mean_with_intervals(over_random, random_key, speakers=speakers),
        "over_waveform": mean_with_intervals(over_waveform, waveform_key, speakers=speakers),
    }
    rows, methods = [], (*names, RANDOM)
    for place in np.ndindex(*clips.shape[1:]):
        arm, column, method, base, mode, fraction = place
        row: dict[str, Any] = {"arm": ARMS[arm], "column": COLUMNS[column]}
        row |= {"method": methods[method], "base": BASES[base], "mode": MODES[mode]}
        row |= {"fraction": KEPT[fraction], "seeds": float(spread[place])}
        row |= {name: float(values[place]) for name, values in parts[""].items()}
        if method < len(names):
            row["over_random"] = {k: float(v[place]) for k, v in parts["over_random"].items()}
        if arm == 0:
            row["over_waveform"] = {k: float(v[place]) for k, v in parts["over_waveform"].items()}
        rows.append(row)
    return rows


def find(rows: Sequence[Mapping[str, Any]], **wanted: Any) -> Mapping[str, Any]:
    """The first row with these values."""
    return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))


def verdict(difference: Mapping[str, float]) -> str:
    """What intervals say: "holds" if they lie above 0, "opposite" if below, else "open".

    The interval over speakers counts too where it is given.
    """
    lows = [value for name, value in difference.items() if name.endswith("low")]
    highs = [value for name, value in difference.items() if name.endswith("high")]
    if min(lows) > 0:
        return "holds"
    return "opposite" if max(highs) < 0 else "open"


def claims(rows: Sequence[Mapping[str, Any]], method: str) -> list[dict[str, Any]]:
    """What the paper claims of integrated gradients, judged in each base, column and mode.

    Returns:
      Entries with "claim" ("over_waveform": the latent arm is more faithful than the waveform
      arm; "over_random": the method than random features, in the latent arm), "column", "mode",
      "base" and "verdicts", one per fraction of INSIDE.
    """
    entries = []
    for claim in ("over_waveform", "over_random"):
        for column in COLUMNS:
            for mode in MODES:
                for base in BASES:
                    cell = dict(arm="latent", column=column, mode=mode, base=base, method=method)
                    cells = (find(rows, **cell, fraction=KEPT[i])[claim] for i in INSIDE)
                    entry: dict[str, Any] = {"claim": claim, "column": column, "mode": mode}
                    entries.append(entry | {"base": base, "verdicts": [*map(verdict, cells)]})
    return entries


def confusion(before: np.ndarray, after: np.ndarray, classes: int) -> np.ndarray:
    """Clips `[classes, classes]`, by the prediction before (rows) and after (columns)."""
    table = np.zeros((classes, classes), int)
    np.add.at(table, (before, after), 1)
    return table


def accuracy_row(right: np.ndarray, speakers: np.ndarray, key: Array) -> dict[str, Any]:
    """Accuracy over clips, averaged over seeds of training, with its intervals.

    Args:
      right: 0 or 1, `[seeds, N]`.

    Returns:
      "mean", "std" over seeds (None for one), "seeds" (each one's accuracy), "low", "high" and,
      for SPEAKERS or more, "speakers_low" and "speakers_high".
    """
    each = right.mean(axis=1)
    ends = intervals(right.mean(axis=0), key, speakers=speakers)
    std = float(each.std(ddof=1)) if len(each) > 1 else None
    return {"mean": float(each.mean()), "std": std, "seeds": each.tolist()} | {
        name: float(end) for name, end in ends.items()
    }
