"""Curves of many clips as rows of a table: shares of clips, controls, intervals."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.perturbation.ask import answer, prediction
from audioxai_jax.runs.curves import EDITS, MAGNITUDE, RANDOM, Study
from audioxai_jax.statistics.intervals import mean_with_intervals

JUDGES = {"logits": "model", "listener": "listener"}
"""Places of results, and whose answers they are."""


def curve_rows(
    study: Study,
    results: Mapping[str, Any],
    key: Array,
    *,
    speakers: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Rows of a table: a judge, a ranking and an edit each, with intervals.

    A score is the share of clips whose answer is that to the whole clip ("keep"), or another one
    ("delete"). Judges are asked for their own answer to the whole clip. "over_random" is the
    score less that of random rankings.

    Args:
      study: study that was made.
      results: results of `measure`, with a leading axis of clips, on the host.
      key: consumed, by the bootstrap.
      speakers: number of each clip's speaker, or None, see `statistics.intervals`.

    Returns:
      Rows of lists over the fractions: "mean", "low", "high" and the same of "over_random"; for
      "trip", of one number each.
    """
    rows: list[dict[str, Any]] = []
    hows = {"logits": study.outputs, "listener": study.listener_outputs}
    for place, judge in JUDGES.items():
        if place not in results:
            continue
        whole = results[place]["original"]
        same = {
            name: _agreement(logits, whole, hows[place]) for name, logits in results[place].items()
        }
        same[RANDOM] = same[RANDOM].mean(axis=1)  # over the draws
        ends = _columns(same["trip"], key, speakers)
        rows.append({"judge": judge, "ranking": "trip", **ends})
        for name in (*study.methods, MAGNITUDE, RANDOM):
            for number, edit in enumerate(EDITS):
                score, chance = same[name][:, number], same[RANDOM][:, number]
                if edit == "delete":
                    score, chance = 1 - score, 1 - chance
                row = {"judge": judge, "ranking": name, "edit": edit}
                row |= {"fractions": list(study.fractions), **_columns(score, key, speakers)}
                over = {} if name == RANDOM else _columns(score - chance, key, speakers)
                rows.append(row | {f"over_random_{end}": value for end, value in over.items()})
    return rows


def _agreement(logits: np.ndarray, whole: np.ndarray, outputs: str | None) -> np.ndarray:
    """Whether answers `[N, .., K]` are those to the whole clips `[N, K]`: 1 or 0, NaN unknown."""

    def one(edited: Array, whole: Array) -> Array:
        return answer("agreement", edited, prediction(whole, outputs), whole=whole, outputs=outputs)

    flat = jnp.asarray(logits).reshape(len(logits), -1, logits.shape[-1])
    same = jax.vmap(jax.vmap(one, (0, None)))(flat, jnp.asarray(whole))
    return np.asarray(same).reshape(logits.shape[:-1])


def _columns(values: np.ndarray, key: Array, speakers: np.ndarray | None) -> dict[str, Any]:
    """Mean and ends of the intervals, as lists or numbers."""
    known = mean_with_intervals(values, key, speakers=speakers)
    return {name: np.asarray(value).tolist() for name, value in known.items()}
