"""Small data sets in the layouts of the real ones; every clip's samples are its own."""

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import soundfile


def sound(name: str, samples: int, rate: int, form: str = "WAV") -> bytes:
    """Noise that follows from the name, as a 16-bit file."""
    random = np.random.default_rng(list(name.encode()))
    stream = io.BytesIO()
    soundfile.write(
        stream,
        random.integers(-3000, 3000, samples).astype(np.int16),
        rate,
        format=form,
        subtype="PCM_16",
    )
    return stream.getvalue()


def tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def archive_zip(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def below(top: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files in a folder, as an archive of a repository has them."""
    return {f"{top}/{name}": content for name, content in files.items()}


def table(root: Path, dataset: str, rows: list[dict[str, str]], samples: int, rate: int) -> Path:
    """The table layout; files named in `rows` get noise of their own."""
    place = root / dataset
    place.mkdir(parents=True, exist_ok=True)
    with (place / "metadata.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    files = [row["file"] for row in rows]
    tar(place / f"{dataset}.tar", {f"./{f}": sound(f, samples, rate, "FLAC") for f in files})
    return root


def speech_commands(root: Path, per_part: int = 1) -> Path:
    """Clips of every keyword class in each part of the speaker-disjoint split, by several."""
    from audioxai_jax.data.splits import speaker_disjoint
    from audioxai_jax.data.tasks import TASKS

    speakers: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number in range(1000):
        record = {"speaker": f"{number:08x}", "split": "test"}
        speakers[speaker_disjoint(record)].append(record["speaker"])
    rows = []
    for index, label in enumerate(TASKS["keywords"].labels):
        for part in speakers:
            for number in range(per_part):
                who = "" if label == "_silence_" else speakers[part][number + index % 3]
                file = f"{label}/{who or part}_nohash_{number}.flac"
                rows.append(
                    {
                        "file": file,
                        "label": label,
                        "word": label.strip("_"),
                        "speaker": who,
                        "split": part,
                        "source": "speech_commands_test_set_v0.02",
                    }
                )
    return table(root, "speech_commands", rows, 16_000, 16_000)


def fsdd(root: Path, indices=range(2), samples: int = 3_000) -> Path:
    from audioxai_jax.data.splits import FSDD_SPEAKERS

    rows = [
        {"file": f"{s}/{d}_{s}_{i}.flac", "label": str(d), "speaker": s, "split": "train"}
        for s in FSDD_SPEAKERS
        for d in range(10)
        for i in indices
    ]
    return table(root, "fsdd", rows, samples, 8_000)


def official_speech_commands(test: bool) -> dict[str, bytes]:
    """Files of the training archive, or of the test archive."""
    if test:
        names = ["yes/aa_nohash_0.wav", "_unknown_/bed_bb_nohash_1.wav", "_silence_/12.wav"]
        return {f"./{name}": sound(name, 16_000, 16_000) for name in names}
    names = [
        "yes/cc_nohash_0.wav",
        "no/dd_nohash_0.wav",
        "bed/ee_nohash_0.wav",
        "stop/ff_nohash_0.wav",
    ]
    files = {f"./{name}": sound(name, 15_000, 16_000) for name in names}
    files["./validation_list.txt"] = b"no/dd_nohash_0.wav\n"
    files["./testing_list.txt"] = b"stop/ff_nohash_0.wav\n"
    for noise in ("running_tap.wav", "white_noise.wav"):
        files[f"./_background_noise_/{noise}"] = sound(noise, 40_000, 16_000)
    return files


def official_fsdd() -> dict[str, bytes]:
    names = [
        f"{digit}_{who}_{i}.wav" for digit in (0, 7) for who in ("george", "theo") for i in (0, 5)
    ]
    base = "free-spoken-digit-dataset-1.0.10"
    return {
        f"{base}/recordings/{n}": sound(n, 2_000 + 100 * i, 8_000) for i, n in enumerate(names)
    } | {f"{base}/README.md": b"digits"}


def official_tess() -> dict[str, bytes]:
    names = ["OAF_back_angry.wav", "OA_bite_neutral.wav", "YAF_back_ps.wav", "YAF_youth_sad.wav"]
    return {f"{name[:3]}/{name}": sound(name, 20_000, 24_414) for name in names}


WOMEN = (12, 26, 28, 36, 43, 47, 52, 56, 57, 58, 59, 60)
"""Of AudioMNIST's sixty speakers."""

FORMANTS = (
    (450, 1500),
    (350, 900),
    (300, 2200),
    (280, 2700),
    (550, 850),
    (700, 1200),
    (400, 2000),
    (500, 1750),
    (600, 2400),
    (750, 1400),
)
"""Hz, of the vowel that stands for each digit; below 4 kHz, so 8 kHz keep them."""


def vowel(digit: int, speaker: int, repetition: int, seconds: tuple[float, float]) -> bytes:
    """A hum at 48 kHz: harmonics of the speaker's pitch, loudest near the digit's formants."""
    random = np.random.default_rng([digit, speaker, repetition])
    pitch = (190 if speaker in WOMEN else 95) + speaker % 10 * 5 + random.uniform(-4, 4)
    harmonics = pitch * np.arange(1, int(3_600 / pitch) + 1)
    distance = (harmonics - np.array(FORMANTS[digit])[:, None]) / 180
    spectrum = np.zeros(257, complex)
    loudness = 0.05 + np.exp(-(distance**2)).sum(0)
    spectrum[1 : len(harmonics) + 1] = loudness * np.exp(2j * np.pi * random.random(len(harmonics)))
    period = np.fft.irfft(spectrum)
    time = np.arange(int(random.uniform(*seconds) * 48_000)) / 48_000
    wave = period[(time * pitch % 1 * len(period)).astype(int)] / np.abs(period).max()
    fade = np.minimum(1, 40 * np.minimum(time, time[::-1]))
    samples = (8_000 * fade * wave + random.normal(0, 40, len(time))).astype(np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, samples, 48_000, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def audiomnist_metadata(without=(), padded: bool = True) -> dict[str, dict]:
    """Entries of all speakers but some, with the oddities of the real file."""
    entries = {}
    for speaker in range(1, 61):
        entries[f"{speaker:02}" if padded else str(speaker)] = {
            "accent": ("german", "German", "Egyptian_American?")[speaker % 3],
            "age": {1: 30, 45: "1234"}.get(speaker, str(22 + speaker % 40)),
            "gender": "female" if speaker in WOMEN else "male",
            "native speaker": "yes" if speaker in (19, 41, 60) else "no",
            "origin": ("Europe, Spain, Oviedo", "Europe, Spanien, Mallorca")[speaker % 2],
            "recordingdate": f"17-08-{1 + speaker % 28:02}-17-05-31",
            "recordingroom": ("Kino", "VR-Room", "vr-room", "vr-romm")[speaker % 4],
        }
    return {key: entry for key, entry in entries.items() if int(key) not in without}


def official_audiomnist(
    repetitions=1, digits=range(10), speakers=range(1, 61), seconds=(0.15, 0.4), metadata=None
) -> dict[str, bytes]:
    """Files of a checkout; `metadata` is `audiomnist_metadata()`, or bytes, b"" for no file."""
    files = {
        f"data/{speaker:02}/{digit}_{speaker:02}_{repetition}.wav": vowel(
            digit, speaker, repetition, seconds
        )
        for speaker in speakers
        for digit in digits
        for repetition in range(repetitions)
    }
    entries = audiomnist_metadata() if metadata is None else metadata
    text = entries if isinstance(entries, bytes) else json.dumps(entries, indent=4).encode()
    files |= {"data/audioMNIST_meta.txt": text} if text else {}
    return files | {
        "data/36/notes.txt": b"a cold",
        "README.md": b"digits",
        "recording_scripts/beep.wav": b"no clip",
    }


def audiomnist(
    root: Path,
    repetitions=1,
    digits=range(10),
    speakers=range(1, 61),
    seconds=(0.15, 0.4),
    metadata=None,
) -> Path:
    """A checkout in `root/AudioMNIST`, see `official_audiomnist`."""
    files = official_audiomnist(repetitions, digits, speakers, seconds, metadata)
    folder(root / "AudioMNIST", files)
    return root
