"""What the command and the scripts share: mistakes are said in one line, without a traceback."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BUNDLED = Path(__file__).resolve().parent / "assets" / "stop.wav"
"""The clip that comes along."""


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a command, and exits with status 2."""

    def error(self, message: str):
        dashed = [word for word in sys.argv[1:] if word[:1] == "-" and os.path.lexists(word)]
        hint = f" (for the file, write ./{dashed[0]})" if dashed else f" (see {self.prog} --help)"
        self.exit(2, f"audioxai: error: {first_line(message)}{hint}\n")


class Version(argparse.Action):
    """Prints the version; the packages' data is read only then."""

    def __init__(self, **options: Any):
        super().__init__(**options, nargs=0)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any):
        import importlib.metadata

        print(f"audioxai_jax {importlib.metadata.version('audioxai_jax')}")
        parser.exit()


def one_line(script: Callable[[], Any]) -> int:
    """Runs the main function of a script; what it refuses becomes one line, and status 1."""
    try:
        script()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"{Path(sys.argv[0]).name}: error: {first_line(error)}", file=sys.stderr)
        return 1
    return 0


def add_codec_options(parser: argparse.ArgumentParser) -> None:
    """`--codec` and `--codec-weights`, the two arguments of `pretrained.load_codec`."""
    add = parser.add_argument
    add("--codec", default="gainshape_16khz", metavar="NAME", help="or path; default: %(default)s")
    add("--codec-weights", metavar="DIR_OR_REPOSITORY", help="of a published codec, see codecs")


def say_each(title: str, lines: Sequence[str]) -> None:
    """Says on stderr what must be known before the results, such as of a data set."""
    for line in lines:
        print(f"{title}: {line}", file=sys.stderr, flush=True)


def positive(text: str) -> int:
    """A command line's number of steps, clips and the like."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def first_line(text: object) -> str:
    """Of an error's message."""
    return (str(text).strip().split("\n") or [""])[0]


def print_aligned(lines: Sequence[Sequence[str]]) -> None:
    """Prints cells in columns that are as wide as their longest."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def complain(error: object) -> None:
    """Says on stderr why the command refuses something."""
    print(f"audioxai: error: {first_line(error)}", file=sys.stderr)
