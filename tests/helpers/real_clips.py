"""Real recordings at 16 kHz, chosen by a rule, from the archives of a folder of data sets."""

import csv
import io
from pathlib import Path

import numpy as np
import soundfile

from audioxai_jax.data.archives import members
from audioxai_jax.data.audio import resample

RATE = 16_000


def real_clips(data_root: Path, dataset: str, count: int) -> dict[str, np.ndarray]:
    """`count` clips of the test part by name, evenly spaced in the list of those not silent."""
    with (data_root / dataset / "metadata.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    files = [row["file"] for row in rows if row["label"] != "_silence_"]
    chosen = {files[index * len(files) // count] for index in range(count)}
    find = lambda name: next((file for file in chosen if name.endswith(file)), None)
    clips = {}
    for name, content in members(data_root / dataset / f"{dataset}.tar", lambda n: bool(find(n))):
        sound, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        clips[find(name)] = resample(sound, rate, RATE)
    assert set(clips) == chosen, f"{dataset}: lacks {chosen - set(clips)}"
    return dict(sorted(clips.items()))
