"""What is printed, whatever names and terminals hold; how a command ends."""

import argparse
import io
import json
import os
import signal
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.cli import console
from audioxai_jax.cli.progress import Progress
from audioxai_jax.core.files import OutputError, check_output

NASTY = {
    "line break": "a\nb",
    "carriage return": "a\rb",
    "colour": "\x1b[31mred",
    "title": "\x1b]0;mine\x07",
    "bell": "\x07",
    "backspace": "a\x08\x08b",
    "delete": "\x7f",
    "one byte CSI": "\x9b2J",
    "line separator": "a\u2028b",
    "bidi override": "\u202egpj.exe",
    "bidi isolate": "\u2066x\u2069",
    "zero width": "st\u200bop",
    "byte order": "\ufeffstop",
    "undecodable": "caf\udce9",
    "tag": "x\U000e0041",
}


@pytest.mark.parametrize("kind", NASTY)
def test_what_moves_the_cursor_or_hides_is_replaced(capsys, kind):
    console.say(NASTY[kind], f"name: {NASTY[kind]}")
    console.print_error(f"{NASTY[kind]}: no such file")
    console.print_aligned([["clip", "heard"], [NASTY[kind], "stop"]])
    with Progress(1) as bar:
        bar.step(NASTY[kind])
        bar.say(NASTY[kind])
        assert bar.text.isprintable()
    with pytest.raises(SystemExit):
        console.Parser(prog="audioxai explain").parse_args([f"--{NASTY[kind]}"])
    said = capsys.readouterr()
    assert len(said.out.split("\n")) == 6 and len(said.err.split("\n")) == 3
    assert all(line.isprintable() for line in (said.out + said.err).split("\n"))
    assert "no such file" in said.err and "audioxai: error: unrecognized arguments" in said.err


@pytest.mark.parametrize("text", ["stop", "ünï cöde", "\N{SNOWMAN}", "日本語", "a\u00a0b", "é"])
def test_what_is_harmless_stays(text):
    assert console.printable(text) == text


def test_columns_are_as_wide_as_they_look(capsys):
    console.print_aligned([["日本", "x"], ["e\u0301a", "x"], ["abcd", "x"]])
    assert capsys.readouterr().out == "日本  x\ne\u0301a    x\nabcd  x\n"


def ours():
    check_output("none\nwhere/rows.json")


def others():
    jnp.zeros(3) + jnp.zeros(4)


def multiline():
    raise ValueError("first\nsecond")


@pytest.mark.parametrize(
    "call, said",
    [
        (ours, "none\ufffdwhere/rows.json: there is no such folder"),
        (others, "add got incompatible shapes for broadcasting: (3,), (4,)."),
        (multiline, "first"),
        (lambda: open("no\nsuch"), "[Errno 2] No such file or directory: 'no\\nsuch'"),
    ],
)
def test_our_errors_are_said_whole_and_others_shortly(capsys, call, said):
    try:
        call()
    except Exception as error:
        console.print_error(error)
    assert capsys.readouterr().err == f"audioxai: error: {said}\n"


def test_a_terminal_that_lacks_characters(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert console.run_main(lambda: console.say("“stop” ± 1 日本")) == 0
    assert written.getvalue() == b"?stop? ? 1 ??\n"


def interrupted():
    raise KeyboardInterrupt


def terminated():
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        pass


def unread():
    raise BrokenPipeError(32, "Broken pipe")


def unread_file():
    raise BrokenPipeError(32, "Broken pipe", "pipe")


@pytest.mark.parametrize(
    "script, status, said",
    [
        (lambda: None, 0, ""),
        (lambda: 3, 3, ""),
        (interrupted, 130, "\nit: stopped\n"),
        (terminated, 143, "\nit: stopped\n"),
        (unread, 141, ""),
        (unread_file, 1, "it: error: [Errno 32] Broken pipe: 'pipe'\n"),
    ],
)
def test_how_a_command_ends(capsys, script, status, said):
    before = signal.getsignal(signal.SIGTERM)
    assert console.run_main(script, "it") == status
    assert capsys.readouterr().err == said
    assert signal.getsignal(signal.SIGTERM) is before


def test_rows_are_json_of_numbers(tmp_path):
    numbers = {"share": np.float32(0.5), "count": jnp.int32(3), "flags": np.array([True, False])}
    others = {"missing": float("nan"), "place": Path("a/b"), "nested": {1: (np.inf, "x\udce9")}}
    console.write_rows(tmp_path / "new" / "rows.json", [numbers, others])
    assert json.loads((tmp_path / "new" / "rows.json").read_text()) == [
        {"share": 0.5, "count": 3, "flags": [True, False]},
        {"missing": None, "place": "a/b", "nested": {"1": [None, "x\udce9"]}},
    ]
    console.write_rows(None, numbers)


@pytest.mark.parametrize("text", ["-", "file/rows.json", "folder", "dangling/rows.json"])
def test_scripts_refuse_places_before_the_work(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder").mkdir()
    Path("dangling").symlink_to("none")
    with pytest.raises(argparse.ArgumentTypeError, match=text.partition("/")[0]):
        console.output_file(text)
    assert issubclass(OutputError, ValueError) and not Path("none").exists()
