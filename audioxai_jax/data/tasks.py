"""What classifiers are trained to tell: classes, data, window, splits.

======== ================ ============================ =========================
task     data set         classes                      splits
======== ================ ============================ =========================
keywords Speech Commands  ten words, others, silence   speaker_disjoint
digits   FSDD             the ten digits               leave one speaker out
emotion  TESS             seven emotions               word_disjoint, leaking
======== ================ ============================ =========================
"""

import dataclasses
import hashlib
from pathlib import Path

import jax
import numpy as np

from audioxai_jax.data.builders import BUILDERS, DataError, outcome, prepare
from audioxai_jax.data.builders.speech_commands import TEST
from audioxai_jax.data.outcome import Outcome
from audioxai_jax.data.pipelines import pipeline
from audioxai_jax.data.splits import FSDD_SPEAKERS, SPLITS

SAMPLE_RATE = 16_000


@dataclasses.dataclass(frozen=True)
class Task:
    """A question about clips.

    Attributes:
      dataset: key of `builders.BUILDERS`.
      splits: keys of `splits.SPLITS[dataset]` it is usually measured with, the first by default.
      seconds: window that a classifier reads.
      background: labels of clips that hold nothing, see `audioxai_jax.core.windows`.
    """

    dataset: str
    splits: tuple[str, ...]
    seconds: float
    background: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return BUILDERS[self.dataset].LABELS

    @property
    def samples(self) -> int:
        """Length of the window at SAMPLE_RATE."""
        return self.samples_at(SAMPLE_RATE)

    def samples_at(self, rate: int) -> int:
        """Length of the window at another rate, Hz."""
        return round(self.seconds * rate)


TASKS = {
    "keywords": Task("speech_commands", ("speaker_disjoint",), 1.0, ("_silence_",)),
    "digits": Task("fsdd", tuple(f"without_{name}" for name in FSDD_SPEAKERS), 1.0),
    "emotion": Task("tess", ("word_disjoint", "leaking"), 2.0),
}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Clips:
    """N clips of one length, in the order of their file names.

    Attributes:
      audio: int16 `[N, T]`, mono, at the rate that was asked for.
      target: class of each clip, int32 `[N]`.
      speaker: name of the speaker, "" for clips without one, `[N]`.
      file: file of each clip, `[N]`.
      origin: collection that each clip comes from, "" if that is not known, `[N]`.
      parts: "train", "val" or "test" for each clip, by the name of a split, `[N]`.
      outcome: account of the files of the whole data set.
    """

    audio: np.ndarray
    target: np.ndarray
    speaker: np.ndarray
    file: np.ndarray
    origin: np.ndarray
    parts: dict[str, np.ndarray]
    outcome: Outcome = dataclasses.field(default=Outcome(), metadata={"static": True})

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, index) -> "Clips":
        return jax.tree.map(lambda leaf: leaf[index], self)

    @property
    def speaker_numbers(self) -> np.ndarray:
        """Number of each clip's speaker from 0 up, -1 without one, `[N]`."""
        names, numbers = np.unique(self.speaker, return_inverse=True)
        return numbers - int(names[0] == "")  # "" sorts first

    def part(self, split: str, part: str) -> "Clips":
        """Those of one part of a split.

        Raises:
          DataError: for an unknown split, or a part that it lacks.
        """
        if split not in self.parts:
            raise DataError(f"unknown split {split!r}: known are {', '.join(self.parts)}")
        wanted = self.parts[split] == part
        if not wanted.any():
            raise DataError(f"the split {split!r} has no clips in its part {part!r}")
        return self[wanted]


def load(
    data: str | Path, task: str, *, rate: int = SAMPLE_RATE, cache: str | Path | None = None
) -> Clips:
    """All clips of a task, resampled, padded or cut to its window; none twice.

    Args:
      data: folder with the user's download, see `builders.recordings`.
      task: key of TASKS.
      rate: wanted, Hz.
      cache: see `builders.prepare`.

    Raises:
      DataError: if the data is not there, or not what it should be.
    """
    if task not in TASKS:
        raise DataError(f"unknown task {task!r}: known are {', '.join(TASKS)}")
    settings = TASKS[task]
    records = prepare(settings.dataset, data, cache=cache)
    elements = pipeline(
        records,
        rate=rate,
        samples=settings.samples_at(rate),
        batch=None,
        keep=lambda record: not record["duplicate"],
    )
    found = sorted(elements, key=lambda element: element["file"])
    splits = SPLITS[settings.dataset]
    return Clips(
        audio=np.stack([element["audio"] for element in found]),
        target=np.array([element["label"] for element in found], np.int32),
        speaker=np.array([element["speaker"] for element in found]),
        file=np.array([element["file"] for element in found]),
        origin=np.array([element["origin"] for element in found]),
        parts={name: np.array([split(e) for e in found]) for name, split in splits.items()},
        outcome=outcome(records).without_repeated(),
    )


def check_rate(name: str, rate: int) -> None:
    """Raises ValueError unless clips of the tasks are at the rate of what shall hear them.

    Args:
      name: name of a codec or a listener.
      rate: rate of that codec or listener, Hz.
    """
    if rate != SAMPLE_RATE:
        raise ValueError(
            f"{name} works at {rate} Hz, the tasks' clips are at {SAMPLE_RATE} Hz: choose one of "
            "that rate"
        )


def digest(clips: Clips) -> str:
    """sha256 of a training's content: sounds, classes, names."""
    found = hashlib.sha256(clips.audio.tobytes() + clips.target.tobytes())
    found.update("\n".join(clips.file).encode())
    return found.hexdigest()


def provenance(task: str, split: str, learned: Clips) -> dict[str, str]:
    """What a manifest says of the clips that a network learned from."""
    credit = BUILDERS[TASKS[task].dataset].CREDIT
    known = ", part of the official test set" if TEST in learned.origin else ""
    return {
        **credit,
        "name": credit["name"] + known,
        "split": f"{split}, {len(learned)} clips of its train part",
    }
