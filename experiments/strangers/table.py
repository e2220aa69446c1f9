"""Answers of all ears as rows with intervals: shares of clips, retention, and against magnitude."""

from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.statistics.intervals import mean_with_intervals
from experiments.strangers.asked import floor_name
from experiments.strangers.listeners import NOTHING
from experiments.strangers.protocol import MAGNITUDE, ORIGINAL, RANDOM, TRIP
from experiments.strangers.quality import SCORES, SPEECH_LOGIT
from experiments.strangers.ratios import retention

STRANGER, LISTENER, CLASSIFIER, VOICE = "pocketsphinx", "listener", "classifier", "silero"
JUDGES = (STRANGER, LISTENER, CLASSIFIER, VOICE)
Rows = list[dict[str, Any]]
Place = tuple[str, str | None, float | None]
"""Ranking, edit and fraction; random draws share one."""


def places_of(listed: list[dict]) -> dict[Place, list[int]]:
    """Arms by ranking, edit and fraction; several of random draws."""
    places: dict[Place, list[int]] = {}
    for number, arm in enumerate(listed):
        place = arm["ranking"], arm.get("edit"), arm.get("fraction")
        places.setdefault(place, []).append(number)
    return places


def right(about: dict, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each judge is right about each sound, `[N, A, L]` of zeros and ones.

    The stranger and the listener are where they name the true word, the classifier where it
    repeats its own prediction of the clip, Silero VAD where it hears speech. NaN where a model
    said NaN.
    """
    shape = (-1, 1, 1)
    truth, label = (np.asarray(about[name]).reshape(shape) for name in ("truth", "labels"))
    said = {
        STRANGER: (answers["word"] == truth).astype(float),
        LISTENER: _says(answers["listener"], label),
        CLASSIFIER: _says(answers["classifier"], answers["prediction"].reshape(shape)),
    }
    speech = answers["speech"]
    if not np.isnan(speech).all():
        said[VOICE] = np.where(np.isnan(speech), np.nan, speech >= SPEECH_LOGIT)
    return said


def _says(logits: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    known = np.isfinite(logits).all(-1)
    return np.where(known, logits.argmax(-1) == wanted, np.nan)


def over_draws(values: np.ndarray, places: dict[Place, list[int]]) -> np.ndarray:
    """Values `[N, A, ..]` with the mean of random draws in place of each, `[N, P, ..]`."""
    return np.stack([values[:, arms].mean(1) for arms in places.values()], axis=1)


def make_rows(about: dict, answers: dict[str, np.ndarray], key: Array) -> Rows:
    """A row for each judge, floor and arm of one task.

    Shares are of clips, 0 to 1. Beside its "mean" and its intervals a row has "retention", the
    share over that of the trip with the same floor; "over_magnitude", the difference to the same
    edit of the largest units; of the stranger "nothing", the share where it names no word.

    Args:
      about: see `run.describe`.
      answers: see `answers.part_of_answers`, of all clips.
      key: consumed, by the bootstrap.
    """
    places = places_of(about["arms"])
    speakers = speaker_numbers(about["speakers"])
    nothing = over_draws((answers["word"] == NOTHING).astype(float), places).mean(0)
    rows: Rows = []
    for judge, values in right(about, answers).items():
        values = over_draws(values, places)
        trip = values[:, list(places).index((TRIP, None, None))]
        twins = [_twin(place, places) for place in places]
        ends = {
            "": mean_with_intervals(values, key, speakers=speakers),
            "retention": retention(values, trip[:, None], key, speakers=speakers),
            "over_magnitude": mean_with_intervals(
                values - values[:, twins], key, speakers=speakers
            ),
        }
        for p, place in enumerate(places):
            for f, floor in enumerate(about["floors"]):
                row = {"task": about["task"], "judge": judge, "floor": floor_name(floor)}
                row |= named(place) | at(ends[""], (p, f))
                if place[1] is not None and judge != VOICE:
                    row["retention"] = at(ends["retention"], (p, f))
                if place[1] is not None and place[0] != MAGNITUDE:
                    row["over_magnitude"] = at(ends["over_magnitude"], (p, f))
                if judge == STRANGER:
                    row["nothing"] = round(float(nothing[p, f]), 5)
                rows.append(row)
    return rows + opinion_rows(about, answers, speakers, key)


def opinion_rows(about: dict, answers: dict, speakers: np.ndarray, key: Array) -> Rows:
    """Rows of DNSMOS: opinion scores of whole and kept sounds, of the clips that were scored."""
    rated = np.isfinite(answers["opinion"]).all((1, 2))
    if not rated.any():
        return []
    listed = [about["arms"][place] for place in about["rated"]]
    places = places_of(listed)
    values, speakers = over_draws(answers["opinion"][rated], places), speakers[rated]
    twins = [_twin(place, places) for place in places]
    ends = mean_with_intervals(values, key, speakers=speakers)
    over = mean_with_intervals(values - values[:, twins], key, speakers=speakers)
    rows: Rows = []
    for p, place in enumerate(places):
        for s, score in enumerate(SCORES):
            row = {"task": about["task"], "judge": f"dnsmos {score}"}
            row |= {"floor": floor_name(about["quality_floor"]), "clips": int(rated.sum())}
            row |= named(place) | at(ends, (p, s))
            if place[1] is not None and place[0] != MAGNITUDE:
                row["over_magnitude"] = at(over, (p, s))
            rows.append(row)
    return rows


def _twin(place: Place, places: dict[Place, list[int]]) -> int:
    """Position of the same edit of the largest units; its own of a whole sound."""
    twin = place if place[1] is None else (MAGNITUDE, *place[1:])
    return list(places).index(twin)


def named(place: Place) -> dict[str, Any]:
    ranking, edit, fraction = place
    return {"ranking": ranking} | ({} if edit is None else {"edit": edit, "fraction": fraction})


def at(ends: dict[str, np.ndarray], where: tuple[int, ...]) -> dict[str, float]:
    return {name: round(float(value[where]), 5) for name, value in ends.items()}


def speaker_numbers(names: list[str]) -> np.ndarray:
    """Number of each clip's speaker from 0 up, -1 without one."""
    known, numbers = np.unique(np.asarray(names), return_inverse=True)
    return numbers - int(known[0] == "")


def public(about: dict) -> dict:
    """Facts of a run, with counts in place of lists of clips."""
    hidden = ("truth", "labels", "speakers", "arms", "rated")
    counts = {"clips": len(about["truth"]), "speakers": len(set(about["speakers"]) - {""})}
    return {name: value for name, value in about.items() if name not in hidden} | counts


def find(rows: Rows, **wanted: Any) -> dict[str, Any] | None:
    """The row with these fields, if there is one."""
    fits = (row for row in rows if all(row.get(name) == value for name, value in wanted.items()))
    return next(fits, None)


__all__ = ["JUDGES", "ORIGINAL", "RANDOM", "find", "make_rows", "places_of", "public", "right"]
