"""Where a table comes from: its command, code, packages, machine and day."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = ("audioxai_jax", "jax", "jaxlib", "numpy")


def describe_run(command: str) -> dict[str, Any]:
    """Facts that belong beside a table's rows.

    Args:
      command: how the program is started, without its options: `python scripts/evaluate.py`.

    Returns:
      "command" (folders of this machine as DIR), "commit" ("" outside of a checkout; "+" if files
      are changed), "versions", "machine" and "date".
    """
    import jax

    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "command": " ".join([command, *map(_without_folders, sys.argv[1:])]),
        "commit": _commit(),
        "versions": versions | {"python": platform.python_version()},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {jax.default_backend()}",
        "date": datetime.date.today().isoformat(),
    }


def _commit() -> str:
    """The commit of the checkout that this file lies in."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "-uno")
    return commit + ("+" if commit and changes else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True
        )
    except OSError:  # no git
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_folders(word: str) -> str:
    """A word of a command line; of an absolute path, its last part."""
    return f"DIR/{Path(word).name}" if os.path.isabs(word) else word
