"""Answers of strangers to all arms of some clips, and where they are kept."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
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
    one_clip,
    with_floor,
)

CLIPS_PER_PART = 10
"""Clips that an interrupted run loses at most."""


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
      ears: what has `hear(sounds [S, T]) -> [S]`, words or NOTHING, such as `listeners.Ears`.
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
    factors = [level_factor(level) for level in floors]
    shared = (study, jnp.asarray(factors, jnp.float32), key)
    examples = {"audio": clips.audio, "number": numbers(clips)}
    made = map_examples(one_clip, shared, examples, key=key, chunk=chunk)
    made = jax.tree.map(np.asarray, made)
    words = np.stack(
        [
            [
                ears.hear(with_floor(sounds, noise, factor, study.padding)).astype(np.int8)
                for factor in factors
            ]
            for sounds, noise in zip(made["sounds"], made["noise"], strict=True)
        ]
    )
    places = rated_arms(arms(study))
    scores = np.full((len(clips), len(places), 3), np.nan, np.float32)
    if opinion is not None and rated is not None:
        for n in np.flatnonzero(rated):
            factor = level_factor(opinion_floor)
            sounds = with_floor(made["sounds"][n], made["noise"][n], factor, study.padding)
            inner = slice(study.padding, sounds.shape[1] - study.padding)
            scores[n] = _scored(opinion, jnp.asarray(sounds[places, inner]))
    said = made["said"] | {"word": words.transpose(0, 2, 1), "opinion": scores}
    return said | {"prediction": made["prediction"]}


def rated_arms(listed: list[Arm]) -> list[int]:
    """Arms whose sounds are scored: whole ones, and kept ones but for all random draws after one.

    A score takes as long as dozens of other answers.
    """
    kept = lambda arm: arm.get("edit") == "keep" and arm.get("draw", 0) == 0
    return [place for place, arm in enumerate(listed) if "edit" not in arm or kept(arm)]


@jax.jit
def _scored(opinion: Model, sounds: Array) -> Array:
    return jax.lax.map(opinion, sounds)


def read_all(parts: Parts, count: int) -> dict[str, np.ndarray] | None:
    """Answers to all clips that were kept in parts; None unless there are `count`."""
    places = sorted(int(path.stem) for path in parts.folder.glob("*.npz"))
    read = [parts.get(place, _damaged) for place in places]
    if sum(len(part["prediction"]) for part in read) != count:
        return None
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *read)


def _damaged():
    raise ValueError("a part of the answers is damaged: run the same command again")


__all__ = ["CLIPS_PER_PART", "part_of_answers", "rated_arms", "read_all"]
