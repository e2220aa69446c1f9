"""The clips that are heard: one word each, by speakers that the explained classifier never heard.

Of keywords these are the clips with one of the ten words; of digits all.
"""

import zlib
from pathlib import Path

import numpy as np

from audioxai_jax.data import tasks
from audioxai_jax.weights import file_format, registry
from experiments.strangers.listeners import WORDS


def word_labels(task: str) -> list[int]:
    """Labels of a task that are words, in the order of its WORDS."""
    labels = tasks.TASKS[task].labels
    return [number for number, label in enumerate(labels) if not label.startswith("_")]


def choose(
    data: str | Path, task: str, split: str, part: str, count: int | None, seed: int
) -> tasks.Clips:
    """Clips with a word of one part of a split.

    Args:
      count: number of clips, drawn once; all if None.
      seed: seed of the draw.

    Raises:
      DataError: if the data is not there, or the split or part is not known.
    """
    clips = tasks.load(data, task).part(split, part)
    spoken = np.flatnonzero(np.isin(clips.target, word_labels(task)))
    if count is not None:
        spoken = np.sort(np.random.default_rng(seed).permutation(spoken)[:count])
    return clips[spoken]


def true_words(task: str, clips: tasks.Clips) -> np.ndarray:
    """Number of each clip's word in WORDS, `[N]`."""
    return np.searchsorted(word_labels(task), clips.target)


def numbers(clips: tasks.Clips) -> np.ndarray:
    """A number of each clip that follows from its file's name alone, uint32 `[N]`.

    Keys are made of it, so that noise and draws of a clip are the same beside any other clips.
    """
    return np.array([zlib.crc32(name.encode()) for name in clips.file.tolist()], np.uint32)


def default_classifier(task: str, codec: str) -> str:
    """Name of the shipped classifier of a task that reads latents of a codec.

    Raises:
      ValueError: if none is shipped.
    """
    for name in registry.available()["classifier"]:
        manifest = file_format.read_manifest(registry.locate(name, "classifier"))
        if (manifest.get("task"), manifest.get("codec")) == (task, codec):
            return name
    raise ValueError(
        f"no classifier of {task} that reads latents of {codec!r} is shipped: name one by "
        "--classifier"
    )


def split_of(task: str, manifest: dict | None) -> str:
    """The split that a classifier was trained with; that of its task if its file does not say."""
    return (manifest or {}).get("split") or tasks.TASKS[task].splits[0]


__all__ = ["WORDS", "choose", "default_classifier", "numbers", "split_of", "true_words"]
