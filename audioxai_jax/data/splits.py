"""Which clips train and which test: named splits, decided by each record alone.

A part is "train", "val" or "test", or "" for clips that are in none. Hashes decide, or lists
of all speakers that there are, so the same clip falls on the same side in a part of a data
set and in the whole of it.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Split = Callable[[Mapping[str, Any]], str]
"""`record -> part`; text of the record is decoded."""

DIGIT_BLOCKS = (
    (26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51),
    (28, 56, 7, 19, 35, 1, 6, 16, 23, 34, 46, 53),
    (36, 57, 9, 24, 37, 2, 8, 17, 29, 39, 48, 54),
    (43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55),
    (12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50),
)
"""Speakers of AudioMNIST, all sixty, for its folds by digit (Becker et al., arXiv 1807.03418)."""

SEX_BLOCKS = (
    ((58, 59, 60), (7, 23, 38)),
    ((36, 47, 56), (2, 44, 50)),
    ((26, 12, 57), (25, 37, 45)),
    ((43, 28, 52), (48, 53, 41)),
)
"""The same for its folds by sex: all women, an equal number of men; `(women, men)` a block."""

FSDD_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def official(record: Mapping[str, Any]) -> str:
    """As the data set's authors have it."""
    return record["split"]


def speaker_disjoint(record: Mapping[str, Any]) -> str:
    """No speaker in two parts: 15 % test, 15 % val. Without speakers, the table's split."""
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


def digit_fold(fold: int) -> Split:
    """Fold 0 to 4 of AudioMNIST by digit: 12 speakers test, 12 are val, 36 train.

    Block k of DIGIT_BLOCKS tests in fold k, the block before it (cyclically) is val.
    """
    return _fold(DIGIT_BLOCKS, fold)


def sex_fold(fold: int) -> Split:
    """Fold 0 to 3 of AudioMNIST by sex: 6 speakers test, 6 are val, 12 train, half of them women.

    Blocks of SEX_BLOCKS as in `digit_fold`; the other 36 speakers, all men, are in no part.
    """
    return _fold(tuple(women + men for women, men in SEX_BLOCKS), fold)


def _fold(blocks: tuple[tuple[int, ...], ...], fold: int) -> Split:
    if not 0 <= fold < len(blocks):
        raise ValueError(f"fold is {fold}, must be from 0 to {len(blocks) - 1}")
    everybody = {speaker for block in DIGIT_BLOCKS for speaker in block}
    parts = dict.fromkeys(everybody, "")
    for index, block in enumerate(blocks):
        part = {fold: "test", (fold - 1) % len(blocks): "val"}.get(index, "train")
        parts |= dict.fromkeys(block, part)
    by_name = {f"{speaker:02}": part for speaker, part in parts.items()}

    def split(record: Mapping[str, Any]) -> str:
        if record["speaker"] not in by_name:
            raise ValueError(
                f"{record['file']}: AudioMNIST has no speaker {record['speaker']!r}: its folds "
                "know '01' to '60'"
            )
        return by_name[record["speaker"]]

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
    "audiomnist": {
        **{f"digit_{fold}": digit_fold(fold) for fold in range(len(DIGIT_BLOCKS))},
        **{f"sex_{fold}": sex_fold(fold) for fold in range(len(SEX_BLOCKS))},
    },
    "speech_commands": {"speaker_disjoint": speaker_disjoint, "official": official},
    "fsdd": {
        **{f"without_{name}": without(name) for name in FSDD_SPEAKERS},
        "official": official,
    },
    "tess": {"word_disjoint": word_disjoint, "leaking": leaking},
}
