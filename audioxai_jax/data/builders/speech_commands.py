"""Speech Commands v0.02: one-second clips of single words by thousands of speakers."""

import re
from collections.abc import Iterator
from pathlib import Path

from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.archives import FOREIGN, SUFFIXES, Entry, members
from audioxai_jax.data.builders.items import (
    Columns,
    DataError,
    Found,
    Item,
    LeftOut,
    Recording,
    Remark,
    decode,
    found,
    sounds,
)
from audioxai_jax.data.builders.recordings import Recordings
from audioxai_jax.data.builders.table import decoded_text
from audioxai_jax.data.names import clean_name, is_hidden, stem

with needed_by("audioxai_jax.data.builders"):
    import tensorflow_datasets as tfds

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
OTHERS = (
    "backward",
    "bed",
    "bird",
    "cat",
    "dog",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "happy",
    "house",
    "learn",
    "marvin",
    "nine",
    "one",
    "seven",
    "sheila",
    "six",
    "three",
    "tree",
    "two",
    "visual",
    "wow",
    "zero",
)
SILENCE, UNKNOWN, NOISES = "_silence_", "_unknown_", "_background_noise_"
TRAINING = "speech_commands_v0.02"
TEST = "speech_commands_test_set_v0.02"
VALIDATION_NOISE = "running_tap"
"""As in tfds' own builder, one of the six long noises is for validation."""
LISTS = {"validation_list.txt": "val", "testing_list.txt": "test"}
"""The part that the clips on a list of the training archive are in."""
CLIP = re.compile(r"(.+)_nohash_[0-9]+")


class SpeechCommands(Recordings, skip_registration=True):
    """P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition".

    Configuration "12": ten words, `_unknown_` for the 25 others, `_silence_`. From the
    official training archive, silence is cut from the background noises, in seconds; its
    `split` is by the lists in the archive. The official test archive adds its own clips
    as split "test" and replaces the testing list. "35": all words, no silence.
    """

    DATASET = "speech_commands"
    LABELS = tuple(sorted((SILENCE, UNKNOWN, *WORDS)))
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="12", description="ten words, others, silence"),
        tfds.core.BuilderConfig(name="35", description="all words"),
    ]
    PAGE = "https://www.tensorflow.org/datasets/catalog/speech_commands"
    LAYOUT = (
        f"{TRAINING}.tar.gz and {TEST}.tar.gz (either will do, also extracted to a folder of "
        "that name)"
    )
    UNLABELLED = "silence or a word that is not known, none of the 35 classes"
    CREDIT = {
        "name": "Speech Commands v0.02",
        "licence": "CC BY 4.0",
        "credit": "Pete Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech "
        "Recognition, arXiv 1804.03209",
    }

    def labels(self) -> tuple[str, ...]:
        config = self.builder_config
        return tuple(sorted(WORDS + OTHERS)) if config and config.name == "35" else self.LABELS

    def relabelled(self, columns: Columns) -> str | None:
        label, word = columns["label"], columns.get("word", "")
        if len(self.labels()) == len(self.LABELS):
            return label
        return None if label == SILENCE or not (word or label != UNKNOWN) else word or label

    @classmethod
    def official_places(cls, data: Path) -> list[list[Path]]:
        parts = []
        for name in (TRAINING, TEST):
            folders = [data / cls.DATASET / name, data / name]
            archives = [f.with_name(f"{name}{s}") for s in SUFFIXES + FOREIGN for f in folders]
            parts.append([*filter(Path.is_dir, folders), *filter(Path.is_file, archives)])
        return parts

    def official_items(self, sources: list[Path]) -> Iterator[Item]:
        tested = any(source.name.startswith(TEST) for source in sources)
        for source in sources:
            if source.name.startswith(TEST):
                yield from _test_items(source)
            else:
                yield from _training_items(source, listed=not tested)


def _training_items(source: Path, *, listed: bool) -> Iterator[Item]:
    """Clips of the training archive, those on its testing list only if `listed`."""
    lists: dict[str, str] = {}
    for name, content in members(source, lambda name: _base(name) in LISTS and not is_hidden(name)):
        text = decoded_text(Path(f"{source}: {name}"), content)[0]
        lists |= dict.fromkeys(map(_key, text.splitlines()), LISTS[_base(name)])
    there = set()
    for entry in sounds(source, tuple(LISTS)):
        if isinstance(entry, LeftOut):
            yield entry
            continue
        word, file = _folder(entry), _base(entry.name)
        there.add(_key(f"{word}/{file}"))
        if word == NOISES:
            yield from _seconds(file, entry)
            continue
        split = lists.get(_key(f"{word}/{file}"), "train")
        if listed or split != "test":
            yield found(f"{word}/{file}", _columns(entry, word, file, split, TRAINING), entry)
        else:
            yield LeftOut(
                entry.name, "on the testing list, and the test archive has clips of its own"
            )
    for name, split in LISTS.items():
        if split not in lists.values():
            yield Remark(name, "a list that is not there, so no clip is in its part")
    lacking = sorted(set(lists) - there - {""})
    yield from (Remark(name, "on a list of the archive, but not in it") for name in lacking)


def _test_items(source: Path) -> Iterator[Item]:
    for entry in sounds(source):
        if isinstance(entry, LeftOut):
            yield entry
            continue
        word, file = _folder(entry), _base(entry.name)
        if word == SILENCE:
            columns = {"label": SILENCE, "speaker": "", "split": "test", "source": TEST}
        elif word == UNKNOWN:  # named <word>_<speaker>_nohash_<number>.wav
            true, _, rest = file.partition("_")
            columns = _columns(entry, true, rest, "test", TEST)
        else:
            columns = _columns(entry, word, file, "test", TEST)
        yield found(f"test/{word}/{file}", columns, entry)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _folder(entry: Entry) -> str:
    """The folder of a file, which is the word that is said."""
    return _base(entry.name.rpartition("/")[0]).lower()


def _key(name: str) -> str:
    """A name of a list, as it is compared with those of the archive."""
    return stem(clean_name(name)).lower()


def _columns(entry: Entry, word: str, file: str, split: str, source: str) -> Columns:
    parts = CLIP.fullmatch(stem(file))
    if parts is None or word not in WORDS + OTHERS:
        raise DataError(
            f"{entry.place}: expected a name such as yes/0a7c2a8d_nohash_0.wav, with one of the "
            f"{len(WORDS + OTHERS)} words"
        )
    label = word if word in WORDS else UNKNOWN
    return {"label": label, "word": word, "speaker": parts[1], "split": split, "source": source}


def _seconds(file: str, entry: Entry) -> Iterator[Item]:
    """A long noise, cut to whole seconds."""
    noise = decode(entry.place, entry.read())
    audio, rate = noise.audio, noise.sample_rate
    split = "val" if stem(file).lower() == VALIDATION_NOISE else "train"
    columns = {"label": SILENCE, "speaker": "", "split": split, "source": TRAINING}
    if len(audio) < rate:
        yield LeftOut(entry.name, "a noise of less than a second")
    yield from (Remark(entry.name, remark) for remark in noise.remarks)
    for start in range(0, len(audio) - rate + 1, rate):
        second = Recording(audio[start : start + rate], rate)
        name = f"{NOISES}/{file}@{start // rate}"
        yield Found(name, name, columns, entry.place, lambda second=second: second)
