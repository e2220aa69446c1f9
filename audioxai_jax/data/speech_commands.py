"""Speech Commands clips as arrays.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
arXiv 1804.03209, CC BY 4.0. Twelve classes: ten words, other words, silence.
"""

import csv
import dataclasses
import io
import tarfile
from pathlib import Path

import numpy as np
import soundfile

LABELS = (
    "_silence_", "_unknown_", "down", "go", "left", "no",
    "off", "on", "right", "stop", "up", "yes",
)  # fmt: skip
SAMPLE_RATE = 16_000
CREDIT = {
    "name": "Speech Commands v0.02, part of the official test set, speaker-disjoint split",
    "licence": "CC BY 4.0",
    "credit": "Pete Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech "
    "Recognition, arXiv 1804.03209",
}
SILENCE = LABELS.index("_silence_")


@dataclasses.dataclass(frozen=True)
class Clips:
    """N clips of one second.

    Attributes:
      audio: int16 `[N, 16000]`.
      target: class of each clip, an index into LABELS, int32 `[N]`.
      speaker: who speaks, "" for silence, `[N]`.
      file: where each clip was read, `[N]`.
    """

    audio: np.ndarray
    target: np.ndarray
    speaker: np.ndarray
    file: np.ndarray

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, index) -> "Clips":
        return Clips(self.audio[index], self.target[index], self.speaker[index], self.file[index])


def load(data: str | Path, split: str) -> Clips:
    """Reads one split of `<data>/speech_commands` in the order of its table.

    The folder holds `metadata.csv` (columns file, label, speaker, split, duplicate) and
    `speech_commands.tar` (FLAC, 16 kHz, one second). Clips marked as duplicates of
    another clip are left out.

    Args:
      data: folder of data sets.
      split: "train", "val" or "test"; no speaker is in two of them.

    Raises:
      FileNotFoundError: if the folder does not look like that.
      ValueError: for an unknown split, or a clip of another rate or length.
    """
    folder = Path(data) / "speech_commands"
    table, archive = folder / "metadata.csv", folder / "speech_commands.tar"
    for needed in (table, archive):
        if not needed.is_file():
            raise FileNotFoundError(
                f"no {needed}: --data (or AUDIOXAI_DATA) must name a folder that holds "
                "speech_commands/metadata.csv and speech_commands/speech_commands.tar"
            )
    with table.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["duplicate"] != "1"]
    splits = sorted({row["split"] for row in rows})
    if split not in splits:
        raise ValueError(f"unknown split {split!r}: {table} has {', '.join(splits)}")
    rows = [row for row in rows if row["split"] == split]
    sounds = _read_archive(archive, {row["file"] for row in rows})
    return Clips(
        audio=np.stack([sounds[row["file"]] for row in rows]),
        target=np.array([LABELS.index(row["label"]) for row in rows], np.int32),
        speaker=np.array([row["speaker"] for row in rows]),
        file=np.array([row["file"] for row in rows]),
    )


def _read_archive(archive: Path, wanted: set[str]) -> dict[str, np.ndarray]:
    sounds = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if name not in wanted:
                continue
            stream = tar.extractfile(member)
            assert stream is not None
            sound, rate = soundfile.read(io.BytesIO(stream.read()), dtype="int16")
            if rate != SAMPLE_RATE or sound.shape != (SAMPLE_RATE,):
                raise ValueError(f"{archive}: {name} is not one second of mono at 16 kHz")
            sounds[name] = sound
    missing = sorted(wanted - set(sounds))
    if missing:
        raise ValueError(f"{archive}: {len(missing)} clips are missing, the first is {missing[0]}")
    return sounds
