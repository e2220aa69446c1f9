"""The table layout: tables of many programs and hands; every row is a clip, or it is said."""

import unicodedata
from pathlib import Path

import pytest

from audioxai_jax.data.builders.items import DataError, Found, LeftOut, Remark
from audioxai_jax.data.builders.table import read_table
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal

FILES = {f"{digit}_jo_0.wav": made_up.sound(str(digit), 50, 8_000) for digit in range(3)}


def plain(sep: str = ",", end: str = "\n", file=str, speaker: str = "jo") -> str:
    rows = [["file", "label", "speaker"], *([file(name), name[0], speaker] for name in FILES)]
    return "".join(sep.join(row) + end for row in rows)


def read(root: Path, text: str | bytes, files: dict[str, bytes] = FILES):
    """Labels by clip, what was left out, and the remarks."""
    table = root / "metadata.csv"
    table.write_bytes(text.encode() if isinstance(text, str) else text)
    items = list(read_table(table, made_up.tar(root / "x.tar", files)))
    clips = {item.file: item.columns["label"] for item in items if isinstance(item, Found)}
    others = [(item.file, item.reason) for item in items if isinstance(item, LeftOut)]
    return clips, others, [item.text for item in items if isinstance(item, Remark)]


NFC, NFD = (
    {
        unicodedata.normalize(form, name.replace("jo", "jürgen")): sound
        for name, sound in FILES.items()
    }
    for form in ("NFC", "NFD")
)
NOTES = "file,label,speaker,note\n" + "".join(f'{n},{n[0]},jo,"a\nb"\n' for n in FILES)


@pytest.mark.parametrize(
    "text, files",
    [
        (plain(";"), FILES),
        (plain("\t"), FILES),
        (plain("|"), FILES),
        (plain(", "), FILES),
        ("sep=;\r\n" + plain(";", "\r\n"), FILES),
        (plain(end="\r"), FILES),
        (plain()[:-1], FILES),
        (plain(end=" ,,\n"), FILES),
        (plain(end="\n,,\n\n"), FILES),
        (NOTES, FILES),
        (plain().replace("file,label", " File ,LABEL", 1), FILES),
        (plain(";", file='"{}"'.format).replace("file", '"file"', 1), FILES),
        (plain().encode("utf-8-sig"), FILES),
        (plain().encode("utf-16"), FILES),
        (plain().encode("utf-16-le"), FILES),
        (plain().encode("utf-16-be"), FILES),
        (plain().encode("utf-32"), FILES),
        (plain(file="./{}".format), FILES),
        (plain(file="{}  ".format), FILES),
        (plain(file="a\\.\\b//{}".format), made_up.below("./a/b", FILES)),
        (plain(file=lambda n: n.replace("jo", "jürgen")), NFD),
        (unicodedata.normalize("NFD", plain(file=lambda n: n.replace("jo", "jürgen"))), NFC),
    ],
)
def test_tables_that_are_read_without_a_word(tmp_path, text, files):
    clips, others, remarks = read(tmp_path, text, files)
    assert list(clips.values()) == ["0", "1", "2"] and not others and not remarks
    assert all(unicodedata.is_normalized("NFC", name) for name in clips)


@pytest.mark.parametrize(
    "text, files, said",
    [
        (plain(speaker="jürgen").encode("latin-1"), FILES, "not UTF-8, read as Windows-1252"),
        (plain(file="/home/me/{}".format), FILES, "without 'home/me', with which every row begins"),
        (plain(file="C:\\me\\{}".format), FILES, "without 'C:/me', with which every row begins"),
        (
            plain(),
            made_up.below("x/y", FILES),
            "without 'x/y', with which every file of the archive",
        ),
        (plain(file=str.upper), FILES, "compared in capitals or not"),
        (plain() + "./0_jo_0.wav,0,jo\n", FILES, "two equal rows in the table, one was used"),
    ],
)
def test_tables_that_are_read_with_a_word(tmp_path, text, files, said):
    clips, others, remarks = read(tmp_path, text, files)
    assert list(clips.values()) == ["0", "1", "2"] and not others
    assert len(remarks) == 1 and said in remarks[0]


@pytest.mark.parametrize(
    "text, said",
    [
        (
            plain() + "0_jo_0.wav,1,jo\n",
            "rows 2 and 5 contradict each other about 0_jo_0.wav: its label is '0' and '1'",
        ),
        (plain() + ".\\0_jo_0.wav,0,al\n", "rows 2 and 5 contradict each other"),
        (plain() + "3_jo_0.wav\n", "row 5 has 1 cells, the header 3 (3_jo_0.wav)"),
        (plain() + "3_jo_0.wav,3\n", "row 5 has 2 cells"),
        (plain() + "a,b,c,d\n", "row 5 has 4 cells"),
        (plain().replace(",1,", ",,"), "row 3 (1_jo_0.wav) has no label"),
        (plain().replace("1_jo_0.wav", " "), "row 3 () has no file"),
        (plain().replace("jo\n", "j\0\n"), "line 2 holds a NUL byte"),
        (
            plain() + "3_jo_0.wav,3,jo\n",
            "1 clips of metadata.csv are missing, the first is 3_jo_0.wav",
        ),
        (plain().replace("1_jo_0.wav", "b/0_jo_0.wav"), "missing, the first is b/0_jo_0.wav"),
        (plain().replace("1_jo_0", '"1_jo_0').replace("2_jo_0.wav", '2_jo_0.wav"'), "a line break"),
        (plain() + '"3_jo_0.wav,3,jo\n', "cannot be read (unexpected end of data)"),
        (plain(speaker="x" * 140_000), "cannot be read (field larger"),
        (plain().replace("speaker", "label"), "lacks the columns speaker"),
        ("", "lacks the columns"),
        (plain(", ", " ,0\n"), "has the column"),
        (bytes(range(128, 256)), "save it as UTF-8"),
        (
            plain(";").replace("speaker", "speaker;split").replace("jo\n", "jo;dev\n"),
            "the split 'dev'",
        ),
        (plain().encode("utf-16")[:-1], "save it as UTF-8"),
    ],
)
def test_tables_that_cannot_be_meant_are_refused(tmp_path, text, said):
    text = text.replace("speaker ,0", "speaker,label") if isinstance(text, str) else text
    message = refusal(DataError, read, tmp_path, text)
    assert said in message and str(tmp_path) in message


def test_what_no_row_names_is_counted(tmp_path):
    others = {"more/x.MP3": b"", ".hidden.wav": b"", "notes.txt": b"", "b.7z": b"", "._0.wav": b""}
    clips, found, _ = read(tmp_path, plain(), {**others, **FILES})
    assert list(clips) == list(FILES)
    assert found == [
        ("more/x.MP3", "in no row of the table"),
        (".hidden.wav", "in no row of the table"),
        ("notes.txt", "not named as a sound file"),
        ("b.7z", "an archive in the data, to be unpacked first"),
    ]


def test_names_that_differ_in_capitals_alone_are_kept_apart(tmp_path):
    files = {**FILES, "0_JO_0.WAV": FILES["0_jo_0.wav"]}
    clips, others, remarks = read(tmp_path, plain() + "0_JO_0.WAV,7,jo\n", files)
    assert clips["0_JO_0.WAV"] == "7" and clips["0_jo_0.wav"] == "0" and not others + remarks
