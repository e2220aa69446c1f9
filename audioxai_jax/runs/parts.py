"""Results that are computed in parts and kept, so that a killed run loses at most one part."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from audioxai_jax.files import replace_file


class Parts:
    """A folder of parts of one computation, each a pytree of arrays in nested dictionaries.

    Args:
      folder: made if needed.
      settings: JSON values that decide the results; kept in `settings.json`.

    Raises:
      ValueError: if the folder holds parts of a computation with other settings.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, file = folder, folder / "settings.json"
        text = json.dumps(settings, indent=1)
        if not file.exists():
            replace_file(file, text.encode())
        elif file.read_text() != text:
            known, wanted = json.loads(file.read_text()), json.loads(text)
            other = [k for k in sorted({*known, *wanted}) if known.get(k) != wanted.get(k)]
            raise ValueError(
                f"{folder} holds results with other settings ({', '.join(other)}): choose another "
                "folder, or remove that one"
            )

    def get(self, number: int, compute: Callable[[], Any]) -> Any:
        """Part `number`, read if it is there, else computed and kept."""
        file = self.folder / f"{number:08d}.npz"
        try:
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
                return _nested({name: arrays[name] for name in arrays.files})
        except FileNotFoundError:
            pass
        except (zipfile.BadZipFile, ValueError, OSError, EOFError):
            file.unlink()  # whatever was written there, it is not a part
        found = jax.tree.map(np.asarray, compute())
        buffer = io.BytesIO()
        np.savez(buffer, **_flat(found))  # type: ignore[arg-type]
        replace_file(file, buffer.getvalue())
        return found


def _flat(tree: Any, prefix: str = "") -> dict[str, np.ndarray]:
    if not isinstance(tree, dict):
        return {prefix.removesuffix("/"): tree}
    return {k: v for name, leaf in tree.items() for k, v in _flat(leaf, f"{prefix}{name}/").items()}


def _nested(flat: dict[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[last] = value
    return tree
