"""One folder per explained clip, which appears whole or not at all.

============================ ====================================================
original.wav                 the clip as the codec hears it: mono, at its rate
reconstruction.wav           the codec alone
explanation.wav              the kept features, decoded
removed.wav                  all the others
random.wav                   as many features, kept at random
relevance.npz                arrays, see `arrays`
explanation.json             predictions, settings, versions; see `describe`
report.html                  all of it on one page
============================ ====================================================

All sounds have the same rate and length. If one of them is beyond full scale, all are made
softer by as much, so that none is clipped: what is heard is what was explained.
"""

import importlib.metadata
import json
import math
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from audioxai_jax.core.files import replace_file, writing
from audioxai_jax.data.audio import write_wav
from audioxai_jax.report.page import page
from audioxai_jax.runs.explain_clips import SOUNDS, ExplainedClip, Settings
from audioxai_jax.synthesis.levels import match_level
from audioxai_jax.synthesis.masks import unit_number

FORMAT = 1
LONGEST = 230
"""Bytes of a folder's name; file systems allow 255, a number may follow."""


class FolderError(ValueError):
    """A folder that is in the way; the message is one line."""


def folder_names(paths: Iterable[Path]) -> list[str]:
    """A folder name per clip: its stem, numbered -2, -3 and so on where stems collide."""
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        stem = path.stem if path.stem.strip(". ") else "clip"
        stem = stem.encode(errors="surrogateescape")[:LONGEST].decode(errors="ignore")
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Raises FolderError if a folder is in the way, or is none of ours to overwrite."""
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise FolderError(f"{folder}: exists already; add --overwrite to replace it")
    ours = folder.is_dir() and not folder.is_symlink()
    if not ours or (any(folder.iterdir()) and not (folder / "explanation.json").is_file()):
        raise FolderError(f"{folder}: holds no explanation, so it is not overwritten")


def write_folder(
    folder: Path, found: ExplainedClip, facts: dict[str, Any], *, overwrite: bool
) -> None:
    """Writes the folder beside its place, then moves it there.

    Args:
      facts: see `describe`.
      overwrite: replace an earlier explanation there.
    """
    check_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial, old = (folder.parent / f".{word}-{os.getpid()}" for word in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        for name in SOUNDS:
            sound = found.written(name)
            if facts["level_match"]:
                sound = match_level(sound, found.written("original"))
            write_wav(partial / f"{name}.wav", sound, found.clip.sample_rate)
        with writing(partial / "relevance.npz") as stream:
            np.savez_compressed(stream, **arrays(found))  # type: ignore[arg-type]
        text = json.dumps(facts, indent=2, allow_nan=False) + "\n"
        replace_file(partial / "explanation.json", text)
        replace_file(partial / "report.html", page(found, facts))
        if folder.exists():
            os.replace(folder, old)
        os.replace(partial, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(partial, ignore_errors=True)


def arrays(found: ExplainedClip) -> dict[str, np.ndarray]:
    """What `relevance.npz` holds: F frames, C channels, K classes, of the padded clip.

    ========================= ============ ===========================================
    relevance                 `[F, C]`     of each latent feature for the target's logit
    latent                    `[F, C]`     what the encoder makes of the clip
    mask                      `[F, C]`     1 where a feature was kept, else 0, uint8
    frame_seconds             scalar       frame f covers f to f + 1 times this
    seconds                   scalar       length of the clip; zeros follow it
    target                    scalar       index of the class that is explained
    labels                    `[K]`        names of the classes
    logits_<sound>            `[K]`        for each of the five sounds, encoded again
    latent_logits_<sound>     `[K]`        explanation, removed, random: the masked latents
    ========================= ============ ===========================================
    """
    return {
        "relevance": found.relevance,
        "latent": found.latent,
        "mask": found.mask.astype(np.uint8),
        "frame_seconds": np.asarray(found.frame_seconds),
        "seconds": np.asarray(len(found.sounds["original"]) / found.clip.sample_rate),
        "target": np.asarray(found.target, np.int32),
        "labels": np.asarray(found.labels, dtype=np.str_),
        **{f"logits_{name}": value for name, value in found.logits.items()},
        **{f"latent_logits_{name}": value for name, value in found.latent_logits.items()},
    }


def describe(
    found: ExplainedClip,
    settings: Settings,
    *,
    method: dict[str, Any],
    base: str,
    codec: dict[str, Any],
    classifier: dict[str, Any],
    level_match: bool,
) -> dict[str, Any]:
    """What `explanation.json` holds.

    `prediction` is what the classifier hears in the clip; "reconstruction", "explanation",
    "removed" and "random" what it hears in each sound, all {label, probability}; of a classifier
    with one label, "not" and that label where it does not hold. `outputs` says what makes
    probabilities of logits, see `types.Classifier`. Levels are
    RMS in dB relative to the original, null where there is none; `gain_db` is what was done to
    all WAV files so that none is clipped. `smallest` is null if a fraction was given to keep;
    else "found", or "none" if no set, not even all features, is heard as the target. `notes` are
    sentences that a reader must know, such as a doubt about the recording.

    Args:
      method: name and options.
      base: name of the base.
      codec, classifier: name and sha256 (null for a user's own).
      level_match: whether the WAV files are amplified to the original's level.
    """
    units = unit_number(found.relevance.shape, settings.unit)
    keep, smallest = settings.keep, None
    if isinstance(keep, str):
        kept = round(float(found.mask.mean()) * units)
        keep, smallest = kept / units, "found" if found.holds("explanation") else "none"
    else:
        kept = round(keep * units)
    scored = {name: float(found.probabilities(name)[found.target]) for name in SOUNDS}
    return {
        "format": FORMAT,
        "clip": {
            "name": found.clip.path.name,
            "path": str(found.clip.path),
            "seconds": found.clip.seconds,
            "source_rate": found.clip.source_rate,
            "channels": found.clip.channels,
            "channel": found.clip.channel,
            "sample_rate": found.clip.sample_rate,
            "samples": len(found.clip.samples),
            "padded_seconds": found.padded_seconds,
        },
        "prediction": found.heard("original"),
        **{name: found.heard(name) for name in SOUNDS if name != "original"},
        "target": {
            "label": found.labels[found.target],
            "index": found.target,
            "probability": scored,
        },
        "levels_db": {name: _finite(found.level_db(name)) for name in SOUNDS},
        "level_match": level_match,
        "gain_db": 20 * math.log10(found.gain),
        "keep": keep,
        "kept": kept,
        "smallest": smallest,
        "units": units,
        "unit": settings.unit,
        "rank": settings.rank,
        "base": base,
        "seed": settings.seed,
        "method": {key: _plain(value) for key, value in method.items()},
        "info": {name: _finite(value) for name, value in found.info.items()},
        "notes": list(found.notes),
        "codec": codec,
        "classifier": classifier,
        "labels": list(found.labels),
        "outputs": found.outputs,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of what the result depends on."""
    names = ("audioxai_jax", "jax", "jaxlib", "numpy")
    return {name: importlib.metadata.version(name) for name in names} | {
        "python": platform.python_version()
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """JSON for an option's value."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, float):
        return _finite(value)
    return value if isinstance(value, (int, str, type(None))) else repr(value)
