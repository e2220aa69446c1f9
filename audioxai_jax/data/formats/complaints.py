"""What libmpg123 writes on standard error, kept from the reader of one-line messages."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator

MARKS = (b"[src/libmpg123", b"Warning: Xing", b"Note: ", b"[libmpg123")
LOCK = threading.Lock()
"""Standard error belongs to the whole process: one file at a time."""


@contextlib.contextmanager
def collected(found: list[str]) -> Iterator[None]:
    """Meanwhile libmpg123's lines go to a list; what others write is passed on afterwards."""
    with LOCK, tempfile.TemporaryFile() as file:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            file.seek(0)
            others = []
            for line in file:
                if line.strip() and not line.startswith(MARKS):
                    others.append(line)
                elif line.strip():
                    found.append(line.decode("utf-8", "replace").strip())
            if others:
                os.write(kept, b"".join(others))
            os.close(kept)
