"""Archives and folders of other programs: every file comes out, or its name is said."""

import io
import os
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from audioxai_jax.data.archives import ArchiveError, entries, members
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal

FILES = {f"a/{number}.wav": bytes(range(number, number + 200)) * 3 for number in range(3)}


def everything(path: Path) -> dict[str, bytes]:
    return dict(members(path, lambda name: True))


def problems(path: Path) -> dict[str, str]:
    return {entry.name: entry.problem for entry in entries(path) if entry.problem}


@pytest.mark.parametrize(
    "name, mode",
    [
        ("x.tar", "w"),
        ("x.tar.gz", "w:gz"),
        ("x.TGZ", "w:gz"),
        ("x.tar.bz2", "w:bz2"),
        ("x.tbz2", "w:bz2"),
        ("x.tar.xz", "w:xz"),
        ("x.txz", "w:xz"),
        ("wrongly_named.tar", "w:xz"),
    ],
)
def test_packings_of_tar(tmp_path, name, mode):
    assert everything(made_up.tar(tmp_path / name, FILES, mode)) == FILES


@pytest.mark.parametrize("top", ["./", "/home/me/", "x" * 120 + "/" + "y" * 150 + "/", "ü/", "\\"])
@pytest.mark.parametrize("make", [made_up.tar, made_up.archive_zip])
def test_names_of_members_are_clean(tmp_path, top, make):
    path = make(
        tmp_path / ("x.zip" if make is made_up.archive_zip else "x.tar"),
        {top + name: content for name, content in FILES.items()},
    )
    start = top.strip("./\\") + "/" if top.strip("./\\") else ""
    assert everything(path) == {start + name: content for name, content in FILES.items()}


def test_names_that_are_not_utf8(tmp_path):
    """Latin-1 in tar and folders, code page 437 and UTF-8 without its mark in zip."""
    with tarfile.open(
        tmp_path / "x.tar", "w", format=tarfile.USTAR_FORMAT, encoding="latin-1"
    ) as t:
        t.addfile(tarfile.TarInfo("jürgen.wav"), io.BytesIO())
    folder = tmp_path / "folder"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/j\xfcrgen.wav")).touch()
    paths = [tmp_path / "x.tar", folder]
    for name, raw in (("a.zip", b"j\x81rgen"), ("b.zip", "jürgen".encode())):
        content = made_up.archive_zip(tmp_path / name, {"j" * len(raw) + ".wav": b""}).read_bytes()
        (tmp_path / name).write_bytes(content.replace(b"j" * len(raw), raw))
        paths.append(tmp_path / name)
    assert [list(everything(path)) for path in paths] == [["jürgen.wav"]] * 4


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_in_tar(tmp_path, mode):
    with tarfile.open(tmp_path / "x.tar", mode) as archive:
        archive.addfile(link("a/first.wav", "2.wav", tarfile.SYMTYPE))  # before what it names
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in (
            link("a/hard.wav", "a/1.wav", tarfile.LNKTYPE),
            link("b/soft.wav", "../a/0.wav", tarfile.SYMTYPE),
            link("a/far.wav", "/far.wav", tarfile.SYMTYPE),
            link("a/folder", "b", tarfile.SYMTYPE),
            link("a/x.wav", "y.wav", tarfile.SYMTYPE),
            link("a/y.wav", "x.wav", tarfile.SYMTYPE),
            link("a/pipe.wav", "", tarfile.FIFOTYPE),
        ):
            archive.addfile(info)
    linked = {"a/first.wav": "a/2.wav", "a/hard.wav": "a/1.wav", "b/soft.wav": "a/0.wav"}
    wanted = {**FILES, **{name: FILES[target] for name, target in linked.items()}}
    assert everything(tmp_path / "x.tar") == wanted
    found = problems(tmp_path / "x.tar")
    assert found.keys() == {"a/far.wav", "a/folder", "a/x.wav", "a/y.wav", "a/pipe.wav"}
    assert found["a/far.wav"] == "a link to /far.wav, which the archive does not hold"


def test_links_in_zip(tmp_path):
    path = made_up.archive_zip(tmp_path / "x.zip", FILES)
    with zipfile.ZipFile(path, "a") as archive:
        for name, target in (("b/soft.wav", "../a/1.wav"), ("b/gone.wav", "gone")):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, target)
    assert everything(path) == {**FILES, "b/soft.wav": FILES["a/1.wav"]}
    assert problems(path) == {"b/gone.wav": "a link to a file that the archive does not hold"}


def test_links_in_folders(tmp_path):
    far = made_up.folder(tmp_path / "far", FILES)
    root = made_up.folder(tmp_path / "root", {"b/c/1.wav": b"1", ".store/2.wav": b"2"})
    for name, target in (
        ("a", far / "a"),
        ("b/again", "../a"),
        ("hidden", ".store"),
        ("b/file.wav", far / "a" / "0.wav"),
        ("up", root),
        ("above", tmp_path),
        ("top", "/"),
        ("b/c/b", root / "b"),
        ("gone.wav", "nowhere"),
        ("self.wav", "self.wav"),
    ):
        os.symlink(target, root / name)
    os.mkfifo(root / "pipe.wav")
    assert everything(root) == {
        **FILES,
        **{name.replace("a/", "b/again/"): content for name, content in FILES.items()},
        "b/c/1.wav": b"1",
        "b/file.wav": FILES["a/0.wav"],
        ".store/2.wav": b"2",
        "hidden/2.wav": b"2",
    }
    circle, gone = "a link to a folder that it lies in", "a link that leads nowhere"
    assert problems(root) == {
        **dict.fromkeys(("up", "above", "top", "b/c/b"), circle),
        **dict.fromkeys(("gone.wav", "self.wav"), gone),
        "pipe.wav": "a pipe or a device",
    }


def test_folders_that_link_to_each_other_end(tmp_path):
    names = [f"f{number}" for number in range(5)]
    made_up.folder(tmp_path, {f"{name}/x.wav": b"" for name in names})
    for name in names:
        for other in names:
            os.symlink(f"../{other}", tmp_path / name / f"to_{other}")
    assert {name.rpartition("/")[0].rpartition("_")[2] for name in everything(tmp_path)} == {*names}


def with_fields(path: Path, local: int, central: int, value: bytes) -> Path:
    """Writes over a field of all entries, in both places where a zip archive has it."""
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", local), (b"PK\1\2", central)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + offset : place + offset + len(value)] = value
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "method, name",
    [
        (9, "deflate64"),
        (93, "Zstandard"),
        (95, "xz"),
        (98, "PPMd"),
        (77, "number 77"),
    ],
)
def test_zips_of_other_programs(tmp_path, method, name):
    path = made_up.archive_zip(tmp_path / "x.zip", FILES)
    message = refusal(ArchiveError, everything, with_fields(path, 8, 10, struct.pack("<H", method)))
    assert message.startswith(f"{path}: a/0.wav: is packed by a method") and name in message


def test_an_encrypted_zip(tmp_path):
    path = with_fields(made_up.archive_zip(tmp_path / "x.zip", FILES), 6, 8, b"\1")
    assert refusal(ArchiveError, everything, path) == (
        f"{path}: a/0.wav: is encrypted: unpack the archive with its password"
    )
    assert [entry.name for entry in entries(path)] == list(FILES)


@pytest.mark.parametrize("name", ["x.7z", "x.rar", "x.tar.zst", "x.zip", "x.tar", "x.TXZ"])
def test_what_cannot_be_opened_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"Rar!\x1a\x07" * 99)
    assert refusal(ArchiveError, everything, tmp_path / name).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_bit_of_a_zip_flips_unnoticed(tmp_path, method):
    """What comes out is as it was packed, or the archive is refused; names have no checksum."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    content, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(100):
        damaged = bytearray(content)
        damaged[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings(action="ignore"):
                assert everything(path) == FILES
        except ArchiveError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert refused > 50
