"""Results computed and kept in parts: an interrupted run loses at most one part."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import jax
import numpy as np

from audioxai_jax.core.files import check_settings, make_folder, replace_file, writing

DAMAGED = (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError, KeyError)
"""Exceptions that mean a damaged or truncated shard."""


class Parts:
    """A folder of parts of one computation, each a pytree of arrays in nested dictionaries.

    Args:
      folder: folder of the parts; made if needed.
      settings: JSON values that decide the results; kept in `settings.json`.

    Raises:
      ValueError: if the folder holds parts of a computation with other settings, or its settings
        cannot be read.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        make_folder(folder)
        self.folder, file = folder, folder / "settings.json"
        if file.exists():
            try:
                known = json.loads(file.read_text())
            except ValueError:
                raise ValueError(f"{file} is damaged: remove {folder} to begin anew") from None
            check_settings(folder, known, settings)
        else:
            replace_file(file, json.dumps(settings, indent=1))

    def get(self, number: int, compute: Callable[[], Any]) -> Any:
        """Part `number`, read if it is there and whole, else computed and kept."""
        file = self.folder / f"{number:08d}.npz"
        try:
            kept = file.read_bytes()
        except FileNotFoundError:
            kept = None
        if kept is not None:
            try:
                with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
                    return _nested({name: arrays[name] for name in arrays.files})
            except DAMAGED:
                pass  # computed and written again
        results = jax.tree.map(np.asarray, compute())
        with writing(file) as stream:
            np.savez(stream, **_flat(results))  # type: ignore[arg-type]
        return results


def _flat(tree: Any, prefix: str = "") -> dict[str, np.ndarray]:
    if not isinstance(tree, dict):
        return {prefix.removesuffix("/"): tree}
    branches = {f"{prefix}{quote(name, safe='')}/": branch for name, branch in tree.items()}
    return {k: v for start, branch in branches.items() for k, v in _flat(branch, start).items()}


def _nested(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = map(unquote, name.split("/"))
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[last] = value
    return tree
