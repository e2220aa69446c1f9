"""Speech of the trials: one second of two words, from speakers of one part of a split."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from audioxai_jax.data import tasks
from audioxai_jax.truth.splices import crossings

RATE = 16_000
SAMPLES, HALF = 16_000, 8_000
FADE = 80
"""Samples at both ends of each half."""
LEVEL = 0.1
"""RMS of each half."""
LOWEST = 60
"""Hz; a voice has nothing below, and keeps sounds from crossing zero."""
CROSSINGS = 100
"""Least number of upward crossings of zero in half a second."""
SPLIT = "speaker_disjoint"
PARTS = {"learned": ("train",), "asked": ("val", "test")}
"""Parts of the split that models learn from, and those that they are asked about."""


@dataclasses.dataclass(frozen=True, eq=False)
class Words:
    """One word each: `audio [N, T]` float32, `target [N]`, `speaker [N]`."""

    audio: np.ndarray
    target: np.ndarray
    speaker: np.ndarray


@functools.lru_cache(maxsize=2)
def words(data: Path, part: str) -> Words:
    """Clips of Speech Commands with a word, the ten and others; read once.

    Args:
      data: folder of data sets.
      part: key of `PARTS`; they share no speaker.

    Raises:
      DataError: if the data is not there, or not what it should be.
    """
    clips = tasks.load(data, "keywords")
    wanted = np.isin(clips.parts[SPLIT], PARTS[part]) & (clips.speaker != "")
    wanted &= np.abs(clips.audio).max(axis=1) > 0
    clips = clips[wanted]
    return Words(clips.audio.astype(np.float32) / 2**15, clips.target, clips.speaker)


def loudest_half(audio: np.ndarray) -> np.ndarray:
    """The half second of a clip `[T]` that has most energy: no rumble, RMS `LEVEL`, faded."""
    energy = np.concatenate([[0], np.cumsum(np.square(audio, dtype=np.float64))])
    start = int(np.argmax(energy[HALF:] - energy[:-HALF]))
    half = audio[start : start + HALF].astype(np.float64)
    spectrum = np.fft.rfft(half)
    spectrum[: int(LOWEST * HALF / RATE)] = 0
    half = np.fft.irfft(spectrum, HALF)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE) + 0.5) / FADE)
    half[:FADE] *= ramp
    half[-FADE:] *= ramp[::-1]
    return LEVEL * half / np.sqrt(np.mean(half**2))


def two_words(source: Words, random: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Clips of two words by one speaker: sound nearly throughout, so that no place is empty.

    Returns:
      Audio, float32 `[count, SAMPLES]` in steps of 16 bits, and each clip's speaker.
    """
    names, number = np.unique(source.speaker, return_counts=True)
    names = names[number >= 2]
    audio, speakers = np.empty((count, SAMPLES), np.float32), random.choice(names, count)
    for clip, speaker in zip(audio, speakers, strict=True):
        rows = random.permutation(np.flatnonzero(source.speaker == speaker))
        halves = [loudest_half(source.audio[row]) for row in rows]
        halves.sort(key=lambda half: crossings(half).sum() < CROSSINGS)
        clip[:] = np.concatenate(halves[:2])
    return in_steps(audio), speakers


def in_steps(audio: np.ndarray) -> np.ndarray:
    """Audio as 16 bits hold it, float32: steps tell no round trip."""
    return (np.clip(np.round(audio * 2.0**15), -(2**15), 2**15 - 1) / 2**15).astype(np.float32)
