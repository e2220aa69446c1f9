"""`audioxai`: explain sound files from the command line, a file for each command.

Heavy imports happen inside the functions that need them, so that `--help` is instant.
"""

import argparse
from collections.abc import Sequence

from audioxai_jax.cli import explain, lists
from audioxai_jax.cli.console import Parser, Version, run_main


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, or 1 if anything was refused."""

    def command() -> int:
        chosen = _parser().parse_args(argv)
        return chosen.run(chosen)

    return run_main(command, "audioxai")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="audioxai", description="Hear why an audio classifier decided what it did."
    )
    parser.add_argument("--version", action=Version, help="print the version, and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    explain.add_command(commands)
    lists.add_commands(commands)
    return parser
