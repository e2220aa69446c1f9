"""Records of a builder into batches of clips, with grain.

    records = prepare("speech_commands", data)
    clips = pipeline(records, rate=16_000, samples=16_000, batch=64, seed=0, epochs=None)
    for batch in clips.to_iter_dataset(): ...

A pipeline is a `grain.MapDataset`: batch number i is `clips[i]`, whatever was read before, so
a training that is resumed at step i goes on with the batches it would have had.
`to_iter_dataset()` reads ahead in threads, and its iterators save and restore their state
(`get_state`, `set_state`; orbax stores them with `grain.checkpoint`).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import soxr

from audioxai_jax.core.extras import needed_by

with needed_by("audioxai_jax.data.pipelines"):
    import grain

TEXTS = ("speaker", "word", "split", "origin", "file")
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def pipeline(
    records: Any,
    *,
    rate: int,
    samples: int,
    batch: int | None,
    seed: int | None = None,
    epochs: int | None = 1,
    augment: Augment | None = None,
    keep: Callable[[Mapping[str, Any]], bool] | None = None,
    process: int = 0,
    processes: int = 1,
) -> grain.MapDataset:
    """Decodes, resamples, pads or cuts, augments, shuffles and batches records.

    Args:
      records: records from `builders.prepare`, or any sequence of such records.
      rate: wanted, Hz.
      samples: length of every clip; see `fit`.
      batch: clips per batch; single clips if None. What is left over at the end is
        dropped if the pipeline shuffles or repeats, else the last batch is smaller.
      seed: seed of shuffling and augmentation; in order if None.
      epochs: how often each clip comes; forever if None. Every epoch has its own order.
      augment: `(clip float32 [samples], generator) -> clip`, with a generator that depends
        on the seed and the clip's place in the stream alone; needs a seed.
      keep: predicate of the wanted records; a record's texts are strings.
      process, processes: this process reads every `processes`-th record, from the
        `process`-th on, such as `jax.process_index()` and `jax.process_count()`.

    Returns:
      Batches of `{"audio": int16 [B, samples] (float32 if augmented), "label": [B],
      "speaker", "word", "split", "origin", "file": [B] of str}`. Iterating reads 500 batches
      ahead, which may be gigabytes; `.to_iter_dataset(grain.ReadOptions(..))` says how many.
    """
    if augment is not None and seed is None:
        raise ValueError("augmentation is random: give a seed")
    if not 0 <= process < processes:
        raise ValueError(f"process is {process} of {processes}: must be from 0 up to that")
    dataset = grain.MapDataset.source(records)
    if keep is not None:
        wanted = [i for i in range(len(records)) if keep(decoded(records[i]))]
        dataset = grain.MapDataset.source(Chosen(records, wanted))
    dataset = dataset[process::processes]
    if seed is not None:
        dataset = dataset.seed(seed).shuffle()
    if epochs != 1:
        dataset = dataset.repeat(epochs)
    dataset = dataset.map(Prepare(rate, samples))
    if augment is not None:
        dataset = dataset.random_map(Augmented(augment))
    if batch is not None:
        dataset = dataset.batch(batch, drop_remainder=seed is not None or epochs != 1)
    return dataset


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Some of the records."""

    records: Any
    wanted: list[int]

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, index: int) -> Any:
        return self.records[self.wanted[index]]


@dataclasses.dataclass(frozen=True)
class Prepare(grain.transforms.Map):
    """A record into a clip of one rate and length."""

    rate: int
    samples: int

    def map(self, element: Any) -> dict[str, Any]:
        record = decoded(element)
        audio = resampled(record["audio"], int(record["sample_rate"]), self.rate)
        texts = {name: np.str_(record[name]) for name in TEXTS}
        return {"audio": fit(audio, self.samples), "label": np.int32(record["label"]), **texts}


@dataclasses.dataclass(frozen=True)
class Augmented(grain.transforms.RandomMap):
    """Augmentation of a prepared clip."""

    augment: Augment

    def random_map(self, element: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        audio = element["audio"].astype(np.float32) / 32768
        return {**element, "audio": self.augment(audio, rng)}


def decoded(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its texts as strings."""
    return {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in record.items()
    }


def resampled(audio: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """int16 `[T]` at another rate, by soxr's high quality setting."""
    return audio if rate == wanted else soxr.resample(audio, rate, wanted, quality="HQ")


def fit(audio: np.ndarray, samples: int) -> np.ndarray:
    """The middle of a longer clip, a shorter one with zeros on both sides."""
    surplus = max(0, len(audio) - samples) // 2
    audio = audio[surplus : surplus + samples]
    before = (samples - len(audio)) // 2
    return np.pad(audio, (before, samples - len(audio) - before))


def change_speed(audio: np.ndarray, rng: np.random.Generator, *, most: float = 0.15) -> np.ndarray:
    """An `Augment`: faster or slower by up to `most`, pitch moving along."""
    speed = 1 + rng.uniform(-most, most)
    return fit(soxr.resample(audio, round(16_000 * speed), 16_000), len(audio))
