"""Files that appear whole or not at all."""

import os
from pathlib import Path


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file beside its place, then moves it there; a failure leaves what was there."""
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
