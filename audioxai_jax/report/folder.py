"""One folder per explained clip, which appears whole or not at all.

============================ ====================================================
original.wav                 the clip as it was explained: mono, at the domain's rate
reconstruction.wav           the round trip alone, nothing deleted
explanation.wav              the kept features
removed.wav                  all the others
random.wav                   the same number of units, chosen at random
relevance.npz                arrays, see `runs.describe.arrays`
explanation.json             predictions, settings, versions; see `as_json`
report.html                  all of it on one page
============================ ====================================================

All sounds have the same rate and length. If one of them is beyond full scale, all are attenuated
equally, so that none is clipped: what is heard is what was explained. All may carry the same faint
noise floor, which models did not hear; `floor_db` says its level.
"""

import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from audioxai_jax.core.files import replace_file, writing
from audioxai_jax.report.page import page
from audioxai_jax.results import SOUNDS, ClipResult, DomainFacts

FORMAT = 1
MAX_NAME_BYTES = 230
"""Of a folder's name; file systems allow 255, a number may follow."""


class FolderError(ValueError):
    """An existing folder that is not replaced; the message is one line."""


def folder_names(paths: Iterable[Path]) -> list[str]:
    """A folder name per clip: its stem, numbered -2, -3 and so on where stems collide."""
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        stem = path.stem if path.stem.strip(". ") else "clip"
        stem = stem.encode(errors="surrogateescape")[:MAX_NAME_BYTES].decode(errors="ignore")
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Raises FolderError for an existing folder, unless it is an explanation to overwrite."""
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise FolderError(f"{folder}: exists already; add --overwrite to replace it")
    ours = folder.is_dir() and not folder.is_symlink()
    if not ours or (any(folder.iterdir()) and not (folder / "explanation.json").is_file()):
        raise FolderError(f"{folder}: holds no explanation, so it is not overwritten")


def write_folder(folder: Path, result: ClipResult, *, overwrite: bool) -> None:
    """Writes the folder beside its place, then moves it there.

    Args:
      folder: folder of this clip; those above it are made if needed.
      result: all that goes into it.
      overwrite: replace an earlier explanation there.
    """
    check_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial, old = (folder.parent / f".{word}-{os.getpid()}" for word in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        for name in SOUNDS:
            replace_file(partial / f"{name}.wav", result.sounds[name].file)
        with writing(partial / "relevance.npz") as stream:
            np.savez_compressed(stream, **result.arrays)  # type: ignore[arg-type]
        text = json.dumps(as_json(result), indent=2, allow_nan=False) + "\n"
        replace_file(partial / "explanation.json", text)
        replace_file(partial / "report.html", page(result))
        if folder.exists():
            os.replace(folder, old)
        os.replace(partial, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(partial, ignore_errors=True)


def as_json(result: ClipResult) -> dict[str, Any]:
    """Content of `explanation.json`.

    `prediction` is what the classifier hears in the clip; "reconstruction", "explanation",
    "removed" and "random" what it hears in each sound, all {label, probability}, or {label, value,
    change} where its outputs are values. A classifier with one label also has "not" and that label,
    where it does not hold. `listener_answers` are
    those of the independent listener, null without one. Levels are RMS in dB relative to the
    original, null where there is none; `gain_db` is the gain of all WAV files, `floor_db` the
    level of the noise floor in them, null without one. `smallest` is null
    if a fraction was given to keep, else "found", or "none" if no set of features is heard as the
    target. `notes` are sentences that a reader must know, such as a doubt about the recording.
    """
    setup, sounds = result.setup, result.sounds
    answers = {name: asdict(sound.heard) for name, sound in sounds.items()}
    listener = {name: asdict(s.listener) for name, s in sounds.items() if s.listener is not None}
    return {
        "format": FORMAT,
        "clip": asdict(result.source),
        "prediction": answers.pop("original"),
        **answers,
        "listener_answers": listener or None,
        "target": {k: v for k, v in asdict(result.target).items() if v is not None},
        "levels_db": {name: _finite(sound.level_db) for name, sound in sounds.items()},
        "level_match": result.level_match,
        "gain_db": result.gain_db,
        "floor_db": result.floor_db,
        **asdict(result.selection),
        "base": setup.base,
        "seed": setup.seed,
        "method": {"name": setup.method.name, "options": _plain(setup.method.options)},
        "domain": _domain(setup.domain),
        "info": {name: _finite(value) for name, value in result.info.items()},
        "notes": list(result.notes),
        "codec": None if setup.domain.codec is None else asdict(setup.domain.codec),
        "classifier": asdict(setup.classifier),
        "listener": None if setup.listener is None else asdict(setup.listener),
        "labels": list(setup.labels),
        "outputs": setup.outputs,
        "safe_gradients": setup.safe_gradients,
        "versions": dict(setup.versions),
    }


def _domain(facts: DomainFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "options": _plain(facts.options),
        "exact": facts.exact,
        "residual": facts.residual,
        "own": facts.own,
        "shape": list(facts.shape),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """JSON for an option's value."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return _finite(value)
    return value if isinstance(value, (int, str, type(None))) else repr(value)
