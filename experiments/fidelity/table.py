"""Fidelity curves of many clips as a table: means, controls, intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.statistics.intervals import intervals
from experiments.fidelity.curves import RANDOM


def make_rows(
    found: dict[str, Any],
    groups: Array,
    keep: Sequence[float],
    delete: Sequence[float],
    key: Array,
) -> list[dict[str, Any]]:
    """One row per method, unit, place, edit and fraction, and one per place for the codec alone.

    Args:
      found: result of `experiments.fidelity.curves.fidelity_curves`, with a leading axis of clips.
      groups: speaker in each clip, integers `[N]` from 0 up; -1 for nobody.
      keep, delete: the fractions.
      key: consumed, by the bootstrap.

    Returns:
      Rows with "score" in [0, 1], its 95 % interval over clips ("low", "high") and, of
      `intervals.SPEAKERS` or more, over speakers ("speakers_low", "speakers_high"); for methods
      the same of "over_random", the difference from features at random, positive if better.
    """

    rows = []
    for name, units in found["curves"].items():
        for unit, places in units.items():
            for place, values in places.items():
                flips = np.concatenate([values[:, : len(keep)], 1 - values[:, len(keep) :]], 1)
                control = found["curves"][RANDOM][unit][place]
                over = values - control
                over[:, len(keep) :] *= -1
                columns = {"score": flips.mean(0), **intervals(flips, key, speakers=groups)}
                columns |= {"over_random": over.mean(0)}
                columns |= {
                    f"over_random_{k}": v for k, v in intervals(over, key, speakers=groups).items()
                }
                edits = [("keep", f) for f in keep] + [("delete", f) for f in delete]
                for index, (edit, fraction) in enumerate(edits):
                    row = {"method": name, "unit": unit, "place": place}
                    row |= {"edit": edit, "fraction": fraction}
                    rows.append(row | {k: float(v[index]) for k, v in columns.items()})
    for place, values in found["codec_only"].items():
        row = {"method": "codec_only", "unit": "-", "place": place, "edit": "keep"}
        ends = {k: float(v) for k, v in intervals(values, key, speakers=groups).items()}
        rows.append(row | {"fraction": 1.0, "score": float(values.mean()), **ends})
    return rows


def make_summary(found: dict[str, Any], target: np.ndarray, speakers: int) -> dict[str, Any]:
    """Facts about the whole run that belong to no row."""
    summary = {
        "clips": len(target),
        "speakers": speakers,
        "classifier_right": float(np.mean(found["target"] == target)),
        "listener_right": float(np.mean(found["listener_target"] == target)),
        "listener_agrees": float(np.mean(found["listener_target"] == found["target"])),
        "level_db": {n: float(np.median(level)) for n, level in found["level"].items()},
    }
    right = summary["listener_right"] or float("nan")
    summary["share_of_listener"] = summary["classifier_right"] / right
    if "integrated_gradients" in found["gap"]:
        gap = found["gap"]["integrated_gradients"]
        summary["gap_below_1_percent"] = float(np.mean(gap < 0.01))
        summary["gap_95th_percentile"] = float(np.percentile(gap, 95))
    return summary
