"""Where in the user's code an equation was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

OWN = tuple(str(Path(__file__).with_name(name)) for name in ("build.py", "trace.py"))
FRAMEWORKS = ("jax", "jaxlib", "flax", "equinox", "haiku", "keras")


def source_of(eqn: Any) -> str:
    """File, line and function, or "" if only frameworks had a part in it."""
    for frame in frames_of(eqn):
        folder, _, rest = frame.file_name.rpartition("site-packages/")
        inside = bool(folder) and rest.split("/")[0] in FRAMEWORKS
        hidden = Path(frame.file_name).name in ("contextlib.py", "functools.py")
        if not inside and not hidden and frame.file_name not in OWN:
            return f"{frame.file_name}:{frame.line_num} ({frame.function_name})"
    return ""


def frames_of(eqn: Any) -> Iterator[Any]:
    """The calls that led to an equation, the innermost first."""
    yield from getattr(eqn.source_info.traceback, "frames", ())
