"""Answers of strangers to all arms of some clips, and where they are kept."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax import map_examples
from audioxai_jax.data.tasks import Clips
from audioxai_jax.runs.shards import Parts
from audioxai_jax.types import Model
from experiments.strangers.clips import numbers
from experiments.strangers.protocol import (
    Arm,
    Study,
    arms,
    level_factor,
    listen,
    one_clip,
    whole,
    with_floor,
)

CLIPS_PER_PART = 10
"""Clips that an interrupted run loses at most."""
HEARD_AT_ONCE, SCORED_AT_ONCE = 32, 6
"""Sounds that models, and DNSMOS, hear at a time: memory and speed alone."""


def part_of_answers(
    study: Study,
    clips: Clips,
    ears: Any,
    key: Array,
    *,
    floors: Sequence[float | None],
    opinion: Model | None = None,
    opinion_floor: float | None = None,
    rated: np.ndarray | None = None,
    chunk: int = 1,
) -> dict[str, Any]:
    """What all ears say of some clips; the same beside any other clips.

    Args:
      clips: N of them.
      ears: an object with `hear(sounds [S, T]) -> [S]`, words or NOTHING, such as `listeners.Ears`.
      floors: L levels of the floor, dB re the clip; None for none.
      opinion: scores `[3]` of a sound, or None.
      opinion_floor: the floor in what is scored.
      rated: clips whose sounds are scored, bool `[N]`; none if None.
      chunk: clips at once: memory alone.

    Returns:
      "word", int8 `[N, A, L]`; "classifier" and "listener", logits `[N, A, L, K]`; "speech",
      logits `[N, A, L]`; "opinion", `[N, Q, 3]`, see `rated_arms`, NaN where nothing is scored;
      "prediction", the classifier's of the clip itself, `[N]`.
    """
    examples = {"audio": clips.audio, "number": numbers(clips)}
    made = map_examples(one_clip, (study, key), examples, key=key, chunk=chunk)
    made = jax.tree.map(np.asarray, made)
    said = [
        hear_clip(study, sounds, noise, ears, floors)
        for sounds, noise in zip(made["sounds"], made["noise"], strict=True)
    ]
    listed = rated_arms(arms(study))
    scores = np.full((len(clips), len(listed), 3), np.nan, np.float32)
    if opinion is not None and rated is not None:
        for n in np.flatnonzero(rated):
            sounds = made["sounds"][n][listed]
            mixed = mix(study, sounds, made["noise"][n], opinion_floor)
            scores[n] = map_examples(_scored, opinion, mixed, key=key, chunk=SCORED_AT_ONCE)
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *said)
    return together | {"opinion": scores, "prediction": made["prediction"]}


def hear_clip(
    study: Study, sounds: np.ndarray, noise: np.ndarray, ears: Any, floors: Sequence[float | None]
) -> dict[str, np.ndarray]:
    """What is said of the sounds `[A, T]` of one clip with each floor, by ear: `[A, L, ..]`."""
    mixed = np.stack([mix(study, sounds, noise, level) for level in floors], axis=1)
    flat = mixed.reshape(-1, sounds.shape[1])
    said = map_examples(listen, study, flat, key=jax.random.key(0), chunk=HEARD_AT_ONCE)
    words = [
        ears.hear(with_floor(sounds, noise, level_factor(level), study.padding)) for level in floors
    ]
    shaped = jax.tree.map(lambda x: np.asarray(x).reshape(*mixed.shape[:2], *x.shape[1:]), said)
    return shaped | {"word": np.stack(words, axis=1).astype(np.int8)}


def whole_sounds(study: Study, clips: Clips, key: Array) -> dict[str, np.ndarray]:
    """Clips as they are ("original"), with nothing edited ("codec only"), and their "noise"."""
    examples = {"audio": clips.audio, "number": numbers(clips)}
    made = jax.tree.map(np.asarray, map_examples(whole, (study, key), examples, key=key))
    return {"original": made["sounds"][:, 0], "codec only": made["sounds"][:, 1]} | {
        "noise": made["noise"]
    }


def mix(study: Study, sounds: np.ndarray, noise: np.ndarray, level: float | None) -> np.ndarray:
    """Sounds `[A, T]` with a floor, without the padding that strangers hear."""
    padding = study.padding
    inner = noise[padding : padding + sounds.shape[1]]
    return with_floor(sounds, inner, level_factor(level), 0)


def _scored(opinion: Model, sound: Array, _: Array) -> Array:
    return opinion(sound)


def rated_arms(listed: list[Arm]) -> list[int]:
    """Arms whose sounds are scored: whole ones, and kept ones but for all random draws after one.

    A score takes as long as dozens of other answers.
    """
    kept = lambda arm: arm.get("edit") == "keep" and arm.get("draw", 0) == 0
    return [place for place, arm in enumerate(listed) if "edit" not in arm or kept(arm)]


def read_all(parts: Parts, count: int) -> dict[str, np.ndarray] | None:
    """Answers to all clips that were kept in parts; None unless there are `count`."""
    places = sorted(int(path.stem) for path in parts.folder.glob("*.npz"))
    read = [parts.get(place, _damaged) for place in places]
    if sum(len(part["prediction"]) for part in read) != count:
        return None
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *read)


def _damaged():
    raise ValueError("a part of the answers is damaged: run the same command again")


__all__ = ["CLIPS_PER_PART", "part_of_answers", "rated_arms", "read_all", "whole_sounds"]
