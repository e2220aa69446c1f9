"""`audioxai`: explain sound files from the command line, a file for each command.

Heavy imports happen inside the functions that need them, so that `--help` is instant.
"""

import argparse
import io
import sys
from collections.abc import Sequence

from audioxai_jax.cli import explain, lists
from audioxai_jax.terminal import Parser, Version, complain


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, or 1 if anything was refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack a clip's characters
    options = _parser().parse_args(argv)
    from audioxai_jax.strictness import relaxed

    try:
        with relaxed():
            return options.run(options)
    except KeyboardInterrupt:
        print("\naudioxai: stopped", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        complain(error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="audioxai", description="Hear why an audio classifier decided what it did."
    )
    parser.add_argument("--version", action=Version, help="print the version, and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    explain.add_command(commands)
    lists.add_commands(commands)
    return parser
