"""Files that appear whole or not at all, and folders that hold one computation's results."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file beside its place, then moves it there; a failure leaves what was there."""
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_settings(place: str | Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises ValueError, naming what differs, if results were made with other settings.

    Args:
      place: where the results are.
      known: JSON values that decided them.
      wanted: those that are asked for now; tuples count as lists.
    """
    wanted = json.loads(json.dumps(wanted))
    other = [k for k in sorted({*known, *wanted}) if known.get(k) != wanted.get(k)]
    if other:
        raise ValueError(
            f"{place} holds results with other settings ({', '.join(other)}): choose another "
            f"folder for the results, or remove {place}"
        )
