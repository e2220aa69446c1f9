"""AudioMNIST's builder: places, the metadata's oddities, what is refused."""

import io
import json
from collections import Counter

import numpy as np
import pytest
import soundfile

from audioxai_jax.data import builders
from audioxai_jax.data.builders import DataError
from audioxai_jax.data.builders.audiomnist import sexes
from audioxai_jax.data.splits import SEX_BLOCKS, SPLITS
from tests.helpers import made_up_data as made_up
from tests.helpers.refusals import refusal

FOLDS = sorted(speaker for block in SEX_BLOCKS for speaker in sum(block, ()))
"""The 24 speakers of the folds by sex."""


def records(data, cache, config="digit") -> dict:
    """Records by file, texts as strings."""
    found = {}
    for record in builders.prepare("audiomnist", data, config=config, cache=cache):
        texts = {k: v.decode() for k, v in record.items() if isinstance(v, bytes)}
        found[texts["file"]] = {**record, **texts}
    return found


def by_sex(data, cache) -> dict[str, int]:
    """Label of each speaker, of configuration "sex"."""
    return {r["speaker"]: int(r["label"]) for r in records(data, cache, "sex").values()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All speakers say one digit: a checkout and its cache."""
    root = tmp_path_factory.mktemp("audiomnist")
    return made_up.audiomnist(root, digits=[6]), root / "cache"


def test_digits_are_read_with_their_speakers(tmp_path):
    files = made_up.official_audiomnist(2, (0, 9), (7, 36))
    made_up.folder(tmp_path / "AudioMNIST", files)
    found = records(tmp_path, tmp_path / "cache")
    clips = {name.removeprefix("data/") for name in files if name.startswith("data/")}
    assert found.keys() == {clip for clip in clips if clip.endswith(".wav")} and len(found) == 8
    for file, record in found.items():
        folder, digit, speaker, _ = file.removesuffix(".wav").replace("/", "_").split("_")
        assert folder == speaker == record["speaker"] and digit == record["word"]
        assert record["label"] == int(digit) and record["sample_rate"] == 48_000
        assert (record["split"], record["origin"], record["duplicate"]) == ("", "", False)
        there = soundfile.read(io.BytesIO(files[f"data/{file}"]), dtype="int16")[0]
        assert np.array_equal(record["audio"], there)


def test_sexes_and_the_folds(whole):
    found = records(*whole, "sex")
    assert {r["speaker"] for r in found.values() if r["label"] == 1} == {
        str(speaker) for speaker in made_up.WOMEN
    }
    assert len(found) == 60 and {record["word"] for record in found.values()} == {"6"}
    source = builders.prepare("audiomnist", whole[0], config="sex", cache=whole[1])
    assert len(source) == 60
    parts = Counter((SPLITS["audiomnist"]["sex_2"](r), int(r["label"])) for r in found.values())
    halves = {("train", 6), ("val", 3), ("test", 3)}
    assert parts == {("", 0): 36} | {(part, sex): n for part, n in halves for sex in (0, 1)}
    digits = Counter(SPLITS["audiomnist"]["digit_2"](r) for r in records(*whole).values())
    assert digits == {"train": 36, "val": 12, "test": 12}


def test_the_classes_have_names(tmp_path):
    for config, names in (("digit", list("0123456789")), ("sex", ["male", "female"])):
        builder = builders.BUILDERS["audiomnist"](data_dir=tmp_path, config=config)
        assert builder.info.features["label"].names == names


@pytest.mark.parametrize(
    "place",
    ["AudioMNIST", "audiomnist", "AudioMNIST-master", "audiomnist/AudioMNIST", "."],
)
def test_a_checkout_is_found(tmp_path, place):
    files = made_up.official_audiomnist(1, [3], [5])
    files["audiomnist/train/splits.py"] = b"programs of a newer checkout"
    made_up.folder(tmp_path / place, files)
    assert list(records(tmp_path, tmp_path / "cache")) == ["05/3_05_0.wav"]


@pytest.mark.parametrize(
    "name, top",
    [
        ("AudioMNIST-master.zip", "AudioMNIST-master"),
        ("audiomnist/master.zip", "AudioMNIST-master"),
        ("audiomnist/x.zip", ""),
        ("AudioMNIST.tar", "./AudioMNIST"),
    ],
)
def test_an_archive_is_found(tmp_path, name, top):
    """The metadata comes after the clips in it."""
    files = made_up.official_audiomnist(1, [3], FOLDS)
    files["__MACOSX/data/05/._3_05_0.wav"] = b"left by Finder"
    files = made_up.below(top, files) if top else files
    make = made_up.archive_zip if name.endswith(".zip") else made_up.tar
    make(tmp_path / name, files)
    found = by_sex(tmp_path, tmp_path / "cache")
    assert len(found) == 24 and sum(found.values()) == 12


def test_what_is_no_clip_is_passed_over(tmp_path):
    files = made_up.official_audiomnist(1, [3], [5])
    made_up.folder(tmp_path / "AudioMNIST", files)
    rubbish = (".DS_Store", "05/.DS_Store", "05/._3_05_0.wav", ".cache/a.wav", "05/notes.txt")
    made_up.folder(tmp_path / "AudioMNIST" / "data", dict.fromkeys(rubbish, b"rubbish"))
    assert list(records(tmp_path, tmp_path / "cache")) == ["05/3_05_0.wav"]


@pytest.mark.parametrize(
    "name",
    [
        "05/three.wav",
        "05/3_05.wav",
        "05/3_5_0.wav",
        "05/13_05_0.wav",
        "05/x_05_0.wav",
        "05/3_05.WAV",
        "5/3_05_0.wav",
        "05/3_05_0 (1).wav",
        "3_05_0.wav",
        "05/a/3_05_0.wav",
    ],
)
def test_names_that_say_nothing_are_refused_not_skipped(tmp_path, name):
    made_up.audiomnist(tmp_path, 1, [3], [1])
    made_up.folder(tmp_path / "AudioMNIST/data", {name: made_up.vowel(3, 5, 0, (0.1, 0.2))})
    message = refusal(DataError, records, tmp_path, tmp_path / "cache")
    place = tmp_path / "AudioMNIST" / "data" / name
    assert message == f"{place}: expected a name such as 01/0_01_0.wav"


def test_a_clip_in_somebody_elses_folder_is_refused(tmp_path):
    made_up.audiomnist(tmp_path, 1, [3], [1])
    clip = made_up.vowel(3, 5, 0, (0.1, 0.2))
    made_up.folder(tmp_path / "AudioMNIST/data", {"01/3_05_0.wav": clip})
    with pytest.raises(DataError, match="01/3_05_0.wav: a clip of speaker 05 in the folder of"):
        records(tmp_path, tmp_path / "cache")


def test_digits_need_no_metadata_and_sexes_say_so(tmp_path):
    for place, text in (("none", b""), ("bad", b"{"), ("odd", b'{"01": {"gender": "?"}}')):
        made_up.audiomnist(tmp_path / place, 1, [3], [1], metadata=text)
        assert len(records(tmp_path / place, tmp_path / "cache")) == 1
    said = "audioMNIST_meta.txt is missing, .* fetch it from https://.* configuration 'digit'"
    with pytest.raises(DataError, match=said):
        records(tmp_path / "none", tmp_path / "cache", "sex")
    assert not list((tmp_path / "cache").rglob("sex/**/*.array_record*"))


def test_the_version_without_three_speakers_leaves_them_out(tmp_path):
    metadata = made_up.audiomnist_metadata(without=(17, 22, 34))
    made_up.audiomnist(tmp_path, 1, [3], [*FOLDS, 17, 22, 34], metadata=metadata)
    assert set(by_sex(tmp_path, tmp_path / "cache")) == {f"{speaker:02}" for speaker in FOLDS}
    assert len(records(tmp_path, tmp_path / "cache")) == 27


def test_speakers_of_the_folds_that_lack_are_named(tmp_path):
    metadata = made_up.audiomnist_metadata(without=(17, 7, 58))
    made_up.audiomnist(tmp_path / "a", 1, [3], FOLDS, metadata=metadata)
    said = r"audioMNIST_meta.txt has no entries of 2 of the 24 speakers .*: 07, 58; fetch"
    with pytest.raises(DataError, match=said):
        records(tmp_path / "a", tmp_path / "cache", "sex")
    some = [speaker for speaker in FOLDS if speaker not in (12, 23, 60)]
    made_up.audiomnist(tmp_path / "b", 1, [3], some)
    with pytest.raises(DataError, match=r"has no clips .* of 3 of the 24 .*: 12, 23, 60; fetch"):
        records(tmp_path / "b", tmp_path / "cache", "sex")
    assert not list((tmp_path / "cache").rglob("*.array_record*"))


def encoded(metadata) -> bytes:
    return json.dumps(metadata).encode()


def test_speakers_are_padded_or_not_and_the_other_fields_are_not_read():
    padded = made_up.audiomnist_metadata()
    assert padded["45"]["age"] == "1234" and padded["01"]["age"] == 30
    known = sexes("x", encoded(padded))
    assert list(known) == [f"{speaker:02}" for speaker in range(1, 61)]
    assert known == {s: ("male", "female")[int(s) in made_up.WOMEN] for s in known}
    unpadded = encoded(made_up.audiomnist_metadata(padded=False))
    assert b'"1"' in unpadded and sexes("x", unpadded) == known
    assert sexes("x", b"\xef\xbb\xbf" + encoded(padded)) == known
    only = {speaker: {"gender": entry["gender"]} for speaker, entry in padded.items()}
    assert sexes("x", encoded(only)) == known
    assert sexes("x", encoded({"07": {"gender": " Female"}})) == {"07": "female"}


@pytest.mark.parametrize(
    "entry, said",
    [
        ({}, "gender None"),
        ({"gender": ""}, "gender ''"),
        ({"gender": "f"}, "gender 'f'"),
        ({"gender": None}, "gender None"),
        ({"gender": 1}, "gender 1"),
        ("male", "gender None"),
        ({"gender": "female/male"}, "gender 'female/male'"),
    ],
)
def test_a_sex_is_never_guessed(entry, said):
    metadata = {**made_up.audiomnist_metadata(), "33": entry}
    with pytest.raises(DataError, match=f"meta: speaker 33 has the {said}, expected male or fem"):
        sexes("meta", encoded(metadata))


@pytest.mark.parametrize(
    "text, said",
    [
        (b"", "is not JSON"),
        (b'{"01": {"gender": "male"},}', "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "expected an entry per speaker, is a list"),
        (b'{"george": {"gender": "male"}}', "expected speakers such as '01', not 'george'"),
        (b'{"1": {"gender": "male"}, "01": {"gender": "male"}}', "speaker 01 is there twice"),
    ],
)
def test_metadata_that_is_none_is_refused(text, said):
    assert f"meta: {said}" in refusal(DataError, sexes, "meta", text)


def test_the_table_layout_has_the_sex_in_a_column(tmp_path):
    rows = [
        {
            "file": f"{s:02}/3_{s:02}_0.flac",
            "label": "3",
            "speaker": f"{s:02}",
            "word": "3",
            "sex": "female" if s in made_up.WOMEN else "male",
        }
        for s in FOLDS
    ]
    rows += [{**rows[0], "file": "17/3_17_0.flac", "speaker": "17", "sex": ""}]
    made_up.table(tmp_path, "audiomnist", rows, 2_000, 48_000)
    made_up.audiomnist(tmp_path, 1, [0], [1])  # the table is what counts
    digits = records(tmp_path, tmp_path / "cache")
    assert digits.keys() == {row["file"] for row in rows}
    assert {int(record["label"]) for record in digits.values()} == {3}
    found = by_sex(tmp_path, tmp_path / "cache")
    assert found == {f"{s:02}": int(s in made_up.WOMEN) for s in FOLDS}

    table = tmp_path / "audiomnist" / "metadata.csv"
    text = table.read_text()
    table.write_text(text.replace(",female", ",f", 1))
    with pytest.raises(DataError, match=r"3_\d\d_0.flac has the unknown label 'f'"):
        records(tmp_path, tmp_path / "cache", "sex")
    table.write_text(text.replace(",female", ",", 1))
    with pytest.raises(DataError, match="has no clips with a known sex of 1 of the 24"):
        records(tmp_path, tmp_path / "cache", "sex")
    table.write_text(text.replace("sex", "gender", 1))
    with pytest.raises(DataError, match="metadata.csv: lacks the column sex"):
        records(tmp_path, tmp_path / "cache", "sex")


def test_the_made_up_voices_can_be_told_apart():
    """By pitch and by formants, below 4 kHz: networks learn from them elsewhere."""

    def spectrum(digit, speaker, repetition=0):
        content = made_up.vowel(digit, speaker, repetition, (0.5, 0.5))
        samples, rate = soundfile.read(io.BytesIO(content))
        assert rate == 48_000 and len(samples) == 24_000
        return np.abs(np.fft.rfft(samples * np.hanning(len(samples))))[:2_000]  # 2 Hz apart

    smooth = lambda s: np.log(np.convolve(s, np.ones(150), "same")[::25])
    means = np.array([np.mean([smooth(spectrum(d, s)) for s in (3, 28)], 0) for d in range(10)])
    for digit in range(10):
        for speaker in (14, 57):
            assert np.argmin(((means - smooth(spectrum(digit, speaker, 1))) ** 2).sum(1)) == digit
    low = {s: spectrum(3, s)[40:75].max() for s in (5, 9, 12, 60)}  # a man's pitch, 80 to 150 Hz
    assert min(low[5], low[9]) > 10 * max(low[12], low[60])
