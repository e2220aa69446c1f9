"""The builders: both layouts of each data set, the same records every time, no TensorFlow."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from audioxai_jax.data import builders
from audioxai_jax.data.archives import ArchiveError, members
from audioxai_jax.data.builders import DataError, Fsdd
from audioxai_jax.data.builders.speech_commands import OTHERS, TEST, TRAINING, WORDS
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal


def records(dataset, data, cache, config=None) -> dict:
    """Records by file, texts as strings."""
    found = {}
    for record in builders.prepare(dataset, data, config=config, cache=cache):
        texts = {k: v.decode() for k, v in record.items() if isinstance(v, bytes)}
        found[texts["file"]] = {**record, **texts}
    return found


def labels(found, dataset) -> dict[str, str]:
    names = builders.BUILDERS[dataset].LABELS
    return {file: names[record["label"]] for file, record in found.items()}


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


MAKERS = {
    "audiomnist": lambda root: made_up.tar(
        root / "AudioMNIST-master.tar.gz",
        made_up.below("AudioMNIST-master", made_up.official_audiomnist(1, (0, 7), (1, 36))),
        "w:gz",
    ),
    "fsdd": lambda root: made_up.tar(
        root / "fsdd" / "v1.0.10.tar.gz", made_up.official_fsdd(), "w:gz"
    ),
    "tess": lambda root: made_up.archive_zip(
        root / "tess" / "dataverse_files.zip", made_up.official_tess()
    ),
    "speech_commands": lambda root: [
        made_up.tar(root / f"{name}.tar.gz", made_up.official_speech_commands(name == TEST), "w:gz")
        for name in (TRAINING, TEST)
    ],
}


@pytest.mark.parametrize("dataset", sorted(MAKERS))
def test_an_official_archive_gives_the_same_records_twice(dataset, tmp_path):
    MAKERS[dataset](tmp_path)
    first, again = (records(dataset, tmp_path, tmp_path / cache) for cache in "ab")
    assert first and list(first) == list(again)  # in the same order too
    assert all(same(first[file], again[file]) for file in first)
    assert all(record["audio"].dtype == np.int16 for record in first.values())


@pytest.mark.parametrize("dataset", sorted(MAKERS))
def test_an_extracted_archive_gives_the_same_records(dataset, tmp_path):
    MAKERS[dataset](tmp_path / "packed")
    files = {
        "fsdd": made_up.official_fsdd,
        "tess": made_up.official_tess,
        "audiomnist": lambda: made_up.official_audiomnist(1, (0, 7), (1, 36)),
    }.get(dataset)
    if files:
        made_up.folder(tmp_path / "open" / dataset, files())
    else:
        for name in (TRAINING, TEST):
            place = tmp_path / "open" / "speech_commands" / name
            made_up.folder(place, made_up.official_speech_commands(name == TEST))
    packed = records(dataset, tmp_path / "packed", tmp_path / "a")
    extracted = records(dataset, tmp_path / "open", tmp_path / "b")
    assert packed.keys() == extracted.keys()
    assert all(same(packed[file], extracted[file]) for file in packed)


def test_speech_commands_of_twelve_and_of_all_classes(tmp_path):
    MAKERS["speech_commands"](tmp_path)
    found = records("speech_commands", tmp_path, tmp_path / "cache")
    assert labels(found, "speech_commands") == {
        "yes/cc_nohash_0.wav": "yes",
        "no/dd_nohash_0.wav": "no",
        "bed/ee_nohash_0.wav": "_unknown_",
        "_background_noise_/running_tap.wav@0": "_silence_",
        "_background_noise_/running_tap.wav@1": "_silence_",
        "_background_noise_/white_noise.wav@0": "_silence_",
        "_background_noise_/white_noise.wav@1": "_silence_",
        "test/yes/aa_nohash_0.wav": "yes",
        "test/_unknown_/bed_bb_nohash_1.wav": "_unknown_",
        "test/_silence_/12.wav": "_silence_",
    }
    splits = {file: record["split"] for file, record in found.items()}
    noise = "_background_noise_"
    assert splits["no/dd_nohash_0.wav"] == splits[f"{noise}/running_tap.wav@1"] == "val"
    assert splits["yes/cc_nohash_0.wav"] == splits[f"{noise}/white_noise.wav@0"] == "train"
    assert splits["test/_silence_/12.wav"] == "test"
    unknown = found["test/_unknown_/bed_bb_nohash_1.wav"]
    assert (unknown["word"], unknown["speaker"], unknown["origin"]) == ("bed", "bb", TEST)
    words = records("speech_commands", tmp_path, tmp_path / "cache", config="35")
    assert len(WORDS + OTHERS) == 35
    assert {record["word"] for record in words.values()} == {"yes", "no", "bed"}
    names = sorted(WORDS + OTHERS)
    assert all(names[record["label"]] == record["word"] for record in words.values())


def test_the_training_archive_alone_tests_by_its_list(tmp_path):
    made_up.tar(tmp_path / f"{TRAINING}.tar.gz", made_up.official_speech_commands(False), "w:gz")
    found = records("speech_commands", tmp_path, tmp_path / "cache")
    assert found["stop/ff_nohash_0.wav"]["split"] == "test"


def test_digits_and_emotions(tmp_path):
    MAKERS["fsdd"](tmp_path)
    found = records("fsdd", tmp_path, tmp_path / "cache")
    assert len(found) == 8 and found["7_theo_5.wav"]["split"] == "train"
    assert (found["7_theo_0.wav"]["speaker"], found["7_theo_0.wav"]["split"]) == ("theo", "test")
    assert found["7_theo_0.wav"]["sample_rate"] == 8_000 and found["7_theo_0.wav"]["label"] == 7
    MAKERS["tess"](tmp_path)
    found = records("tess", tmp_path, tmp_path / "cache")
    assert labels(found, "tess")["YAF_back_ps.wav"] == "pleasant_surprise"
    assert found["OA_bite_neutral.wav"]["speaker"] == "OAF"
    assert found["YAF_youth_sad.wav"]["word"] == "youth"


def test_repeated_clips_are_marked(tmp_path):
    rows = [
        {"file": f"yes/{n}.flac", "label": "yes", "speaker": "a", "split": s}
        for n, s in (("a", "train"), ("b", "train"), ("c", "test"))
    ]
    made_up.table(tmp_path, "speech_commands", rows, 16_000, 16_000)
    twin = made_up.sound("same", 16_000, 16_000, "FLAC")
    made_up.tar(
        tmp_path / "speech_commands" / "speech_commands.tar", {row["file"]: twin for row in rows}
    )
    found = records("speech_commands", tmp_path, tmp_path / "cache")
    assert [found[row["file"]]["duplicate"] for row in rows] == [False, True, False]


def test_a_changed_download_is_prepared_anew(tmp_path):
    made_up.fsdd(tmp_path, range(1))
    assert len(builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")) == 60
    made_up.fsdd(tmp_path, range(2))
    assert len(builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")) == 120


def test_a_folder_that_grew_is_prepared_anew(tmp_path):
    """Such as an archive whose extraction was interrupted, then finished."""
    files = made_up.official_fsdd()
    made_up.folder(tmp_path / "fsdd", dict(list(files.items())[:5]))
    assert len(records("fsdd", tmp_path, tmp_path / "cache")) == 5
    made_up.folder(tmp_path / "fsdd", files)
    assert len(records("fsdd", tmp_path, tmp_path / "cache")) == 8
    made_up.folder(tmp_path / "fsdd", {"x/recordings/._0_theo_9.wav": b"left by Finder"})
    assert len(records("fsdd", tmp_path, tmp_path / "cache")) == 8


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_no_bit_of_an_archive_flips_unnoticed(tmp_path, mode):
    """Either the same files come out, or the archive is refused; never fewer, never others.

    Without compression nothing checks the samples themselves, so there the headers are hit.
    """
    path = tmp_path / ("x.tar.gz" if mode == "w:gz" else "x.tar")
    files = {f"recordings/{i}_a_0.wav": bytes(range(i, i + 200)) * 5 for i in range(9)}
    content = made_up.tar(path, files, mode).read_bytes()
    random, refused = np.random.default_rng(0), 0
    for _ in range(150):
        damaged = bytearray(content)
        place = int(random.integers(len(content)))
        if mode == "w":
            place = int(random.integers(9)) * 3 * 512 + int(random.integers(512))
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            assert dict(members(path, lambda name: True)) == files
        except ArchiveError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert refused > 100


def test_an_archive_without_its_end_is_refused(tmp_path):
    path = made_up.tar(tmp_path / "x.tar", {"a": bytes(100), "b": bytes(100)})
    path.write_bytes(path.read_bytes()[:1024])  # after the first file
    with pytest.raises(ArchiveError, match="its end is missing"):
        list(members(path, lambda name: True))


@pytest.mark.parametrize("dataset", sorted(MAKERS))
def test_missing_data_is_said_with_page_and_layout(dataset, tmp_path):
    for place in (tmp_path, tmp_path / "none"):
        said = refusal(DataError, builders.prepare, dataset, place, cache=tmp_path / "cache")
        builder = builders.BUILDERS[dataset]
        assert builder.PAGE in said and builder.LAYOUT in said and "AUDIOXAI_DATA" in said
        assert f"{dataset}/metadata.csv" in said
    with pytest.raises(DataError, match="known are audiomnist, fsdd, speech_commands, tess"):
        builders.prepare("gtzan", tmp_path)


def test_damaged_downloads_are_refused_and_leave_nothing_prepared(tmp_path):
    archive = MAKERS["fsdd"](tmp_path)
    archive.write_bytes(archive.read_bytes()[:3000])
    with pytest.raises(ArchiveError, match=r"v1.0.10.tar.gz: .*is damaged or cut short"):
        builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.array_record*"))

    made_up.fsdd(tmp_path / "b", range(1))
    rows = (tmp_path / "b/fsdd/metadata.csv").read_text()
    (tmp_path / "b/fsdd/metadata.csv").write_text(rows + "theo/9_theo_77.flac,9,theo,train\n")
    with pytest.raises(DataError, match="1 clips of metadata.csv are missing.*9_theo_77"):
        builders.prepare("fsdd", tmp_path / "b", cache=tmp_path / "cache")
    wrong = rows.replace("theo/9_theo_0.flac,9", "theo/9_theo_0.flac,x")
    (tmp_path / "b/fsdd/metadata.csv").write_text(wrong)
    with pytest.raises(DataError, match="9_theo_0.flac has the unknown label 'x'"):
        builders.prepare("fsdd", tmp_path / "b", cache=tmp_path / "cache")


def test_an_archive_of_something_else_is_no_data(tmp_path):
    made_up.tar(tmp_path / "fsdd" / "x.tar", {"README.md": b"no recordings"})
    with pytest.raises(DataError, match="holds no fsdd: expected"):
        builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "content, said",
    [
        (b"no sound", "is not audio"),
        (made_up.sound("x", 900, 8_000)[:-500], "is cut short"),
        (made_up.sound("x", 0, 8_000), "holds no samples"),
    ],
)
def test_clips_that_are_no_clips_are_named(tmp_path, content, said):
    files = made_up.official_fsdd()
    files["x/recordings/3_theo_1.wav"] = content
    made_up.folder(tmp_path / "fsdd", files)
    with pytest.raises(DataError, match=f"3_theo_1.wav.*{said}"):
        builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "dataset, name", [("fsdd", "recordings/seven.wav"), ("tess", "OAF/OAF_back.wav")]
)
def test_names_that_say_nothing_are_refused_not_skipped(tmp_path, dataset, name):
    files = {"fsdd": made_up.official_fsdd, "tess": made_up.official_tess}[dataset]()
    files[name] = made_up.sound(name, 900, 8_000)
    made_up.folder(tmp_path / dataset, files)
    with pytest.raises(DataError, match=f"{name}: expected a name such as"):
        builders.prepare(dataset, tmp_path, cache=tmp_path / "cache")


def test_a_copy_of_the_data_beside_it_is_said(tmp_path):
    made_up.folder(tmp_path / "fsdd" / "one", made_up.official_fsdd())
    made_up.folder(tmp_path / "fsdd" / "two", made_up.official_fsdd())
    with pytest.raises(DataError, match="0_george_0.wav is there twice"):
        builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")


def test_a_noise_that_is_none_is_named(tmp_path):
    files = made_up.official_speech_commands(False)
    files["./_background_noise_/white_noise.wav"] = b"no sound"
    made_up.tar(tmp_path / f"{TRAINING}.tar.gz", files, "w:gz")
    with pytest.raises(DataError, match="white_noise.wav: is not audio"):
        builders.prepare("speech_commands", tmp_path, cache=tmp_path / "cache")


def test_a_table_of_a_spreadsheet_is_read_and_one_without_its_columns_refused(tmp_path):
    made_up.fsdd(tmp_path, range(1))
    table = tmp_path / "fsdd" / "metadata.csv"
    rows = table.read_text()
    table.write_text(rows, encoding="utf-8-sig")  # with the mark that Excel writes
    assert len(records("fsdd", tmp_path, tmp_path / "cache")) == 60
    table.write_text(rows.replace("label", "digit", 1))
    with pytest.raises(DataError, match="metadata.csv: lacks the columns label"):
        builders.prepare("fsdd", tmp_path, cache=tmp_path / "cache")


def test_a_builder_works_as_tfds_users_know_it(tmp_path):
    made_up.fsdd(tmp_path / "manual", range(1))
    builder = Fsdd(data_dir=tmp_path / "prepared")
    config = tfds.download.DownloadConfig(manual_dir=tmp_path / "manual")
    builder.download_and_prepare(download_config=config)
    assert builder.info.splits["clips"].num_examples == 60
    assert builder.info.features["label"].names == list("0123456789")
    assert len(builder.as_data_source("clips")) == 60


def test_tensorflow_is_never_imported(tmp_path):
    made_up.fsdd(tmp_path, range(1))
    code = (
        "import sys\n"
        "from audioxai_jax.data import tasks\n"
        f"clips = tasks.load({str(tmp_path)!r}, 'digits', cache={str(tmp_path / 'cache')!r})\n"
        "assert len(clips) == 60\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'tensorflow'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.full_size
@pytest.mark.parametrize(
    "dataset, count",
    [
        ("fsdd", 3000),
        pytest.param("tess", 1708, marks=pytest.mark.full_size),
        pytest.param("speech_commands", 4153, marks=pytest.mark.full_size),
    ],
)
def test_real_recordings(dataset, count, data_root):
    found = records(dataset, data_root, None)
    with (Path(data_root) / dataset / "metadata.csv").open(newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert len(found) == count and found.keys() == rows.keys()
    names = labels(found, dataset)
    for file, row in rows.items():
        record = found[file]
        assert names[file] == row["label"] and record["speaker"] == row["speaker"]
        assert len(record["audio"]) == int(row["num_samples"])
        assert record["sample_rate"] == int(row["sample_rate"])
        peak = np.abs(record["audio"].astype(float)).max() / 32768
        assert abs(peak - float(row["peak"])) < 1e-4
        assert record["duplicate"] == (row.get("duplicate") == "1")
