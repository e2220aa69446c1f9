"""Clips as the networks of AudioMNIST read them: a second at 8 kHz, the word somewhere in it.

S. Becker et al., arXiv 1807.03418, and the authors' preprocessing: resampled to 8 kHz and
embedded in 8,000 zeros at a random offset. The authors draw it anew each time they preprocess;
here it follows from a seed and the clip's name without folder and suffix, so it is the same
whatever layout the data has.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from audioxai_jax.core.checks import check_coded
from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.builders import DataError, outcome, prepare
from audioxai_jax.data.pipelines import decoded
from audioxai_jax.data.splits import FSDD_SPEAKERS, SPLITS
from audioxai_jax.data.tasks import Clips

SAMPLE_RATE, SAMPLES = 8000, 8000


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of the clips of a data set.

    Attributes:
      labels: names of the classes, in the order of their numbers.
      config: configuration of the data set's builder, None for its only one.
      folds: keys of `splits.SPLITS[dataset]`.
    """

    labels: tuple[str, ...]
    config: str | None
    folds: tuple[str, ...]


DIGITS = tuple("0123456789")
QUESTIONS = {
    ("audiomnist", "digit"): Question(DIGITS, "digit", tuple(f"digit_{k}" for k in range(5))),
    ("audiomnist", "sex"): Question(("male", "female"), "sex", tuple(f"sex_{k}" for k in range(4))),
    ("fsdd", "digit"): Question(DIGITS, None, tuple(f"without_{name}" for name in FSDD_SPEAKERS)),
}
"""By data set and task. FSDD has men only, so speaker sex cannot be learned from it."""


def load(
    data: str | Path,
    dataset: str = "audiomnist",
    task: str = "digit",
    *,
    seed: int = 0,
    cache: str | Path | None = None,
) -> Clips:
    """All clips of a question but repeated ones, 8,000 samples each, in the order of their names.

    Args:
      data: folder with the user's download, see `builders.recordings`.
      dataset, task: key of QUESTIONS.
      seed: seed of the offsets.
      cache: see `builders.prepare`.

    Returns:
      Clips at 8 kHz; of a longer one the middle second.

    Raises:
      DataError: if the data is not there, or not what it should be, or the question cannot be
        asked of it.
    """
    if (dataset, task) not in QUESTIONS:
        known = ", ".join(f"{task} of {dataset}" for dataset, task in QUESTIONS)
        raise DataError(f"{task} of {dataset} cannot be asked: known are {known}")
    question = QUESTIONS[dataset, task]
    found, sounds = [], []
    records = prepare(dataset, data, config=question.config, cache=cache)
    for record in map(decoded, records):
        if not record["duplicate"]:
            sound = to_8khz(record.pop("audio"), int(record["sample_rate"]))
            sounds.append(embed(sound, offset(Path(record["file"]).stem, len(sound), seed)))
            found.append(record)
    order = sorted(range(len(found)), key=lambda i: found[i]["file"])
    found = [found[i] for i in order]
    splits = {name: SPLITS[dataset][name] for name in question.folds}
    return Clips(
        audio=np.stack([sounds[i] for i in order]),
        target=np.array([record["label"] for record in found], np.int32),
        speaker=np.array([record["speaker"] for record in found]),
        file=np.array([record["file"] for record in found]),
        origin=np.array([record["origin"] for record in found]),
        parts={name: np.array([split(r) for r in found]) for name, split in splits.items()},
        outcome=outcome(records).without_repeated(),
    )


def to_8khz(audio: np.ndarray, rate: int) -> np.ndarray:
    """int16 `[T]` at 8 kHz, resampled in the Fourier domain as the authors do, rounded to int16."""
    check_coded(audio)
    if rate == SAMPLE_RATE:
        return audio
    with needed_by("the authors' resampling"):
        import librosa  # takes seconds

    sound = librosa.resample(
        audio.astype(np.float32), orig_sr=rate, target_sr=SAMPLE_RATE, res_type="scipy"
    )
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def offset(name: str, length: int, seed: int) -> int:
    """Where a clip of some length begins, uniform in [0, 8000 - length); 0 if it does not fit."""
    room = SAMPLES - length
    drawn = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8])
    return drawn % room if room > 0 else 0


def embed(audio: np.ndarray, start: int) -> np.ndarray:
    """int16 `[8000]` with a clip from `start` on, zeros elsewhere; of a longer clip the middle."""
    check_coded(audio)
    surplus = max(0, len(audio) - SAMPLES) // 2
    audio = audio[surplus : surplus + SAMPLES]
    found = np.zeros(SAMPLES, np.int16)
    found[start : start + len(audio)] = audio
    return found
