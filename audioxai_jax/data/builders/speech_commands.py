"""Speech Commands v0.02: one-second clips of single words by thousands of speakers."""

import io
from collections.abc import Iterator
from pathlib import Path

import soundfile
import tensorflow_datasets as tfds

from audioxai_jax.data.archives import members
from audioxai_jax.data.builders.recordings import Columns, Recordings, decode

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
OTHERS = (
    "backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four",
    "happy", "house", "learn", "marvin", "nine", "one", "seven", "sheila", "six", "three",
    "tree", "two", "visual", "wow", "zero",
)  # fmt: skip
SILENCE, UNKNOWN, NOISES = "_silence_", "_unknown_", "_background_noise_"
TRAINING = "speech_commands_v0.02"
TEST = "speech_commands_test_set_v0.02"
VALIDATION_NOISE = "running_tap.wav"
"""As in tfds' own builder, one of the six long noises is for validation."""


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
    def official_sources(cls, data: Path) -> list[Path]:
        found = []
        for name in (TRAINING, TEST):
            places = [data / cls.DATASET / name, data / name]
            places += [place.with_name(f"{name}.tar.gz") for place in places]
            found += [place for place in places if place.exists()][:1]
        return found

    def official_clips(self, sources: list[Path]) -> Iterator[tuple[str, bytes, Columns]]:
        tested = any(source.name.startswith(TEST) for source in sources)
        for source in sources:
            if source.name.startswith(TEST):
                yield from self._test_clips(source)
            else:
                yield from self._training_clips(source, listed=not tested)

    @classmethod
    def _training_clips(cls, source: Path, *, listed: bool):
        """Clips of the training archive, those on its testing list only if `listed`."""
        lists = {}
        for split in ("validation", "testing"):
            for _, text in members(source, lambda name, s=split: name == f"{s}_list.txt"):
                lists |= dict.fromkeys(text.decode().split(), {"testing": "test"}.get(split, "val"))
        for name, content in members(source, lambda name: name.endswith(".wav")):
            word, _, file = name.rpartition("/")
            if word == NOISES:
                yield from _seconds(file, content)
                continue
            split = lists.get(name, "train")
            if listed or split != "test":
                yield name, content, _columns(word, file, split, TRAINING)

    @classmethod
    def _test_clips(cls, source: Path):
        for name, content in members(source, lambda name: name.endswith(".wav")):
            word, _, file = name.rpartition("/")
            if word == SILENCE:
                columns = {"label": SILENCE, "speaker": "", "split": "test", "source": TEST}
            elif word == UNKNOWN:  # named <word>_<speaker>_nohash_<number>.wav
                true, _, file = file.partition("_")
                columns = _columns(true, file, "test", TEST)
            else:
                columns = _columns(word, file, "test", TEST)
            yield f"test/{name}", content, columns


def _columns(word: str, file: str, split: str, source: str) -> Columns:
    label = word if word in WORDS else UNKNOWN
    speaker = file.partition("_nohash_")[0]
    return {"label": label, "word": word, "speaker": speaker, "split": split, "source": source}


def _seconds(file: str, content: bytes) -> Iterator[tuple[str, bytes, Columns]]:
    """A long noise, cut to whole seconds."""
    audio, rate = decode(file, content)
    split = "val" if file == VALIDATION_NOISE else "train"
    for start in range(0, len(audio) - rate + 1, rate):
        stream = io.BytesIO()
        soundfile.write(stream, audio[start : start + rate], rate, format="WAV", subtype="PCM_16")
        name = f"{NOISES}/{file}@{start // rate}"
        columns = {"label": SILENCE, "speaker": "", "split": split, "source": TRAINING}
        yield name, stream.getvalue(), columns
