"""Which clips train and which test: named splits, decided by each record alone.

A part is "train", "val" or "test". Hashes decide, not lists, so the same clip falls on the
same side in a part of a data set and in the whole of it.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Split = Callable[[Mapping[str, Any]], str]
"""`record -> part`; text of the record is decoded."""

FSDD_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def official(record: Mapping[str, Any]) -> str:
    """As the data set's authors have it."""
    return record["split"]


def speaker_disjoint(record: Mapping[str, Any]) -> str:
    """No speaker in two parts: 15 % test, 15 % val. Clips of nobody go by the table's split."""
    if not record["speaker"] and record["split"]:
        return record["split"]
    return _by_hash(record["speaker"] or record["file"])


def word_disjoint(record: Mapping[str, Any]) -> str:
    """No word in two parts: 15 % test, 15 % val; the speakers are the same in all."""
    return _by_hash(record["word"])


def leaking(record: Mapping[str, Any]) -> str:
    """A fifth of the clips at random for testing: speakers and words are in both parts.

    The protocol of AudioXLM on TESS (its ratio, its own draw is not known). Kept to show
    how much easier it is.
    """
    return "test" if _percent(_stem(record)) < 20 else "train"


def without(speaker: str) -> Split:
    """Tests on one speaker, trains on the others; val is every tenth clip of theirs."""

    def split(record: Mapping[str, Any]) -> str:
        if record["speaker"] == speaker:
            return "test"
        return "val" if _percent(_stem(record)) < 10 else "train"

    return split


def _stem(record: Mapping[str, Any]) -> str:
    """The file's name without folder and suffix, which are not the same everywhere."""
    return record["file"].rpartition("/")[2].rpartition(".")[0]


def _by_hash(name: str) -> str:
    percent = _percent(name)
    return "test" if percent < 15 else "val" if percent < 30 else "train"


def _percent(name: str) -> int:
    return int(hashlib.sha1(name.encode()).hexdigest(), 16) % 100


SPLITS: dict[str, dict[str, Split]] = {
    "speech_commands": {"speaker_disjoint": speaker_disjoint, "official": official},
    "fsdd": {
        **{f"without_{name}": without(name) for name in FSDD_SPEAKERS},
        "official": official,
    },
    "tess": {"word_disjoint": word_disjoint, "leaking": leaking},
}
