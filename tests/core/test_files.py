"""Where files are written: whole or not at all, and devices, pipes and links stay what they are."""

import io
import json
import os
import socket
import stat
import threading
import tty
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioxai_jax.cli.console import write_rows
from audioxai_jax.core import files
from audioxai_jax.data.audio import write_wav
from audioxai_jax.data.blocks import write_blocks

SOUND = np.linspace(-0.5, 0.5, 800)
WRITERS = {
    "rows": lambda path: write_rows(path, [{"clip": "stop", "seconds": np.float32(0.5)}]),
    "wav": lambda path: write_wav(path, SOUND, 8000),
    "blocks": lambda path: write_blocks(path, np.array_split(SOUND, 3), 8000),
}


@pytest.fixture(params=WRITERS)
def write(request):
    return WRITERS[request.param]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def content(write) -> bytes:
    write(Path("plain"))
    written = Path("plain").read_bytes()
    Path("plain").unlink()
    if written.startswith(b"RIFF"):
        assert soundfile.info(io.BytesIO(written)).frames == len(SOUND)
    else:
        assert json.loads(written) == [{"clip": "stop", "seconds": 0.5}]
    return written


def test_links_are_followed(write, content):
    Path("folder").mkdir()
    Path("folder/real").write_text("old")
    Path("folder/link").symlink_to("real")
    Path("first").symlink_to("folder/link")
    Path("dangling").symlink_to("folder/new")
    for link, place in (("first", "folder/real"), ("dangling", "folder/new")):
        write(Path(link))
        assert Path(link).is_symlink() and not Path(place).is_symlink()
        assert Path(place).read_bytes() == content
    assert Path("folder/link").is_symlink()
    assert sorted(os.listdir("folder")) == ["link", "new", "real"]


def test_pipes_are_written_into(write, content):
    os.mkfifo("pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append(Path("pipe").read_bytes()))
    reader.start()
    write(Path("pipe"))
    reader.join(10)
    assert found == [content] and Path("pipe").is_fifo() and os.listdir() == ["pipe"]


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_open_files_are_written_into(write, content, name):
    """Process substitution, /dev/stdout; a file is continued at its position."""
    if not os.path.isdir(os.path.dirname(name)):
        pytest.skip("the system has no such folder")
    with open("log", "w+b", buffering=0) as log:
        log.write(b"before ")
        write(Path(name.format(log.fileno())))
        log.write(b" after")
    assert Path("log").read_bytes() == b"before " + content + b" after"


def test_devices_are_written_into(write):
    """A terminal's, and where it is allowed one like /dev/null."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    reader = threading.Thread(target=lambda: os.read(ours, 10_000))
    reader.start()
    device = Path(os.ttyname(theirs))
    write(device)
    assert stat.S_ISCHR(device.stat().st_mode)
    reader.join(10)
    os.close(ours)
    os.close(theirs)
    try:
        os.mknod("null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        open("null", "rb").close()
    except OSError:
        return
    Path("link").symlink_to("null")
    for name in ("null", "link"):
        write(Path(name))
        assert stat.S_ISCHR(os.stat(name).st_mode) and Path("link").is_symlink()


def test_permissions_stay_and_other_names_keep_what_was(write, content):
    Path("old").write_text("old")
    os.chmod("old", 0o640)
    os.link("old", "other")
    write(Path("old"))
    assert stat.S_IMODE(os.stat("old").st_mode) == 0o640
    assert Path("old").read_bytes() == content and Path("other").read_text() == "old"


def test_a_file_that_is_mounted_is_written_in_place(write, content, monkeypatch):
    def busy(*_):
        raise OSError(16, "Device or resource busy")

    Path("old").write_text("old")
    number = os.stat("old").st_ino
    monkeypatch.setattr(os, "replace", busy)
    write(Path("old"))
    assert Path("old").read_bytes() == content and os.stat("old").st_ino == number
    assert os.listdir() == ["old"]


@pytest.mark.parametrize(
    "closed, said",
    [("x", "x: cannot be written: it is read-only"), ("", "y: cannot be written: Permission")],
)
def test_what_may_not_be_written_is_refused(monkeypatch, tmp_path, closed, said):
    """Root may write anywhere, so it is pretended."""
    Path("x").touch()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path / closed)
    with pytest.raises(files.OutputError, match=said):
        files.check_output(said[0])


def test_a_file_in_a_folder_that_takes_no_others(write, content, monkeypatch, tmp_path):
    Path("x").touch()
    number = os.stat("x").st_ino
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    write(Path("x"))
    assert Path("x").read_bytes() == content and os.stat("x").st_ino == number


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)


REFUSED = {
    "a folder": (lambda: Path("x").mkdir(), "is a folder"),
    "a link to a folder": (lambda: Path("x").symlink_to("."), "is a folder"),
    "a socket": (lambda: unix_socket("x"), "is a socket"),
    "a circle": (lambda: Path("x").symlink_to("x"), "Too many levels of symbolic links"),
    "a link to nowhere": (lambda: Path("x").symlink_to("none/y"), "there is no such folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(write, case):
    make, said = REFUSED[case]
    make()
    with pytest.raises(ValueError, match=said) as refused:
        write(Path("x"))
    assert str(refused.value).startswith("x: ") and os.listdir() == ["x"]


@pytest.mark.parametrize("path", ["none/x", "/dev/fd/999", "x" * 300, ""])
def test_places_that_are_none(path):
    with pytest.raises(files.OutputError) as refused:
        files.check_output(path)
    assert str(refused.value).startswith(f"{path or '.'}: ")


def test_a_failure_leaves_what_was_there(monkeypatch):
    Path("old").write_text("old")
    with pytest.raises(KeyboardInterrupt), files.writing("old") as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert Path("old").read_text() == "old" and os.listdir() == ["old"]


def test_a_reader_that_has_gone_is_named():
    given, taken = os.pipe()
    os.close(given)
    with pytest.raises(BrokenPipeError) as broken:
        files.replace_file(f"/dev/fd/{taken}", b"x" * 100_000)
    os.close(taken)
    assert broken.value.filename == f"/dev/fd/{taken}"


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Path("x").touch(), "x: is not a folder"),
        (lambda: Path("x").symlink_to("none"), r"x: is a link to what does not exist \(none\)"),
        (lambda: (Path("y").touch(), Path("x").symlink_to("y")), r"x: is a link to no folder"),
    ],
)
def test_folders_that_are_none(make, said):
    make()
    for path in ("x", "x/below"):
        with pytest.raises(files.OutputError, match=said):
            files.make_folder(path)


def test_folders_are_made():
    Path("real").mkdir()
    Path("link").symlink_to("real")
    assert files.make_folder("link/a/b") == Path("link/a/b") and Path("real/a/b").is_dir()


def test_writers_side_by_side_do_not_meet():
    fill = lambda letter: files.replace_file("x", 10_000 * letter)
    writes = [threading.Thread(target=fill, args=letter) for letter in "abcdefgh"]
    for write in writes:
        write.start()
    for write in writes:
        write.join()
    assert len(set(Path("x").read_bytes())) == 1 and os.listdir() == ["x"]
