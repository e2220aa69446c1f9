"""What the command and the scripts share: a mistake is one line, without a traceback.

Everything they print goes through `say`: file names, labels and other people's texts can neither
move the cursor nor begin a line of their own.
"""

import argparse
import contextlib
import io
import json
import math
import os
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from audioxai_jax.core.files import (
    OutputError,
    check_folder,
    check_output,
    make_folder,
    replace_file,
)
from audioxai_jax.core.text import printable

HERE = str(Path(__file__).resolve().parents[1])
INTERRUPTED, UNREAD, TERMINATED = 130, 141, 143
"""Exit statuses, as shells give them: of SIGINT, SIGPIPE and SIGTERM."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM."""


class Parser(argparse.ArgumentParser):
    """A parser that names a mistake in one line, and exits with status 2."""

    def error(self, message: str):
        dashed = [word for word in sys.argv[1:] if word[:1] == "-" and os.path.lexists(word)]
        hint = f" (for the file, write ./{dashed[0]})" if dashed else f" (see {self.prog} --help)"
        print_error(f"{message}{hint}", who=self.prog.split()[0])
        self.exit(2)


class Version(argparse.Action):
    """Prints the version; the packages' data is read only then."""

    def __init__(self, **options: Any):
        super().__init__(**options, nargs=0)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any):
        import importlib.metadata

        say(f"audioxai_jax {importlib.metadata.version('audioxai_jax')}")
        parser.exit()


def run_main(script: Callable[[], Any], who: str | None = None) -> int:
    """Runs the main function of a script, or of the command `who`, and returns its exit status.

    A refusal becomes one line and status 1; the function may return another status. Characters
    that the terminal lacks are replaced. An interrupted command says so: status 130, or 143 after
    SIGTERM.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    who = who or Path(sys.argv[0]).name
    from audioxai_jax.core.strictness import relaxed

    try:
        with _terminated(), relaxed():
            return script() or 0
    except KeyboardInterrupt as stop:
        say("", f"{who}: stopped", file=sys.stderr)
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    except BrokenPipeError as error:
        if error.filename is not None:
            print_error(error, who=who)
            return 1
        with contextlib.suppress(OSError):  # the reader of the output has left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except (ValueError, OSError) as error:
        print_error(error, who=who)
        return 1


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does, so that finished results are kept."""

    def stop(*_: Any) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: signals are not ours
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def say(*lines: object, file: TextIO | None = None) -> None:
    """Prints a line for each argument, at once, with unprintable characters replaced."""
    for line in lines:
        print(printable(str(line)), file=file, flush=True)


def text_width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(character) in "FW" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def align(cells: Sequence[str], widths: Sequence[int]) -> str:
    """One line of a table; a cell wider than its column moves the following ones."""
    padded = (
        cell + " " * (size - text_width(cell)) for cell, size in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def print_aligned(lines: Sequence[Sequence[str]]) -> None:
    """Prints cells in columns as wide as their longest cell."""
    lines = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(text_width, column)) for column in zip(*lines, strict=True)]
    say(*(align(line, widths) for line in lines))


def add_codec_options(parser: argparse.ArgumentParser) -> None:
    """`--codec` and `--codec-weights`, the two arguments of `weights.load.load_codec`."""
    add = parser.add_argument
    text = "codec name or path (see `audioxai codecs`); default: %(default)s"
    add("--codec", default="gainshape_16khz", metavar="NAME", help=text)
    text = "weights of a published codec: a folder, or a repository's name"
    add("--codec-weights", metavar="DIR_OR_REPOSITORY", help=text)


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """`--data`, or AUDIOXAI_DATA: the folder of data sets, without which a script does nothing."""
    known = os.environ.get("AUDIOXAI_DATA", "")
    parser.add_argument("--data", type=_data_folder, default=known, metavar="DIR", help="data sets")


def _data_folder(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("name the folder of data sets, here or in AUDIOXAI_DATA")
    return text


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """`--json`, the file of `write_rows`; a place that cannot be written is refused at once."""
    text = "write the table's rows as JSON to FILE"
    parser.add_argument("--json", type=output_file, metavar="FILE", help=text)


def output_file(text: str) -> Path:
    """A script's output file; missing folders above it are made when it is written."""
    if text == "-":
        raise argparse.ArgumentTypeError("-: for standard output write /dev/stdout, for a file ./-")
    path = output_folder(Path(text).parent) / Path(text).name
    try:
        if path.parent.is_dir():
            check_output(path)
    except OutputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path


def output_folder(text: str | Path) -> Path:
    """A script's output folder, which may be missing."""
    path = Path(text)
    try:
        for folder in (path, *path.parents):
            check_folder(folder)
    except OutputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path


def write_rows(path: Path | None, rows: Any) -> None:
    """Writes a table's rows as JSON, see `plain_json`; without a path it does nothing."""
    if path is not None:
        make_folder(path.parent)
        replace_file(path, json.dumps(plain_json(rows), indent=1, allow_nan=False) + "\n")


def plain_json(value: Any) -> Any:
    """A value as JSON: numbers of any library as numbers, null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(entry) for key, entry in value.items()}
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # of NumPy and JAX
        return plain_json(value.tolist())
    if isinstance(value, Sequence | set | frozenset):
        return [plain_json(entry) for entry in value]
    return str(value)


def say_each(title: str, lines: Sequence[str]) -> None:
    """Prints notes on stderr before the results, such as notes on a data set."""
    say(*(f"{title}: {line}" for line in lines), file=sys.stderr)


def positive(text: str) -> int:
    """The value of an option that counts something: an integer of at least 1."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text!r}")
    return int(text)


def first_line(text: object) -> str:
    """The first line of an error's message."""
    return (str(text).strip().split("\n") or [""])[0]


def error_text(error: object) -> str:
    """The text of an error: all of it if this library raised it, else its first line.

    Our messages are one line, except for line breaks in names that they quote.
    """
    trace = getattr(error, "__traceback__", None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace is not None else HERE
    ours = file.startswith(HERE) or os.path.dirname(file) == os.path.dirname(sys.argv[0])
    return str(error) if ours else first_line(error)


def print_error(error: object, *, who: str = "audioxai") -> None:
    """Prints on stderr why the command refuses something."""
    say(f"{who}: error: {error_text(error)}", file=sys.stderr)
