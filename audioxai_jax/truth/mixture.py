"""Mixture: a word and something else, as loud; relevance should stay on the word.

The out-of-distribution protocol of L-MAC (arXiv 2403.13086): a clip of Speech Commands and, at
0 dB, a clip with another word, white noise, or music of decaying harmonics. The shipped listener of
keywords hears the word in spite of it, and its explanation should lie where the word is louder.
Which stretches of time and frequency these are is known, for both sounds are.

The answer is an expectation rather than a proof: a model may well use what the other sound lacks.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.truth.answers import Masks, cut
from audioxai_jax.truth.recipe import answers
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.speech import RATE, SAMPLES, Words, words
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier
from audioxai_jax.weights.load import load_listener

GRID = (0.05, 500.0)
"""Seconds and Hz of a stretch."""
LOUDER, QUIET = 3.0, -40.0
"""dB by which one sound has to be louder than the other, and re the loudest stretch."""
TRIED = 10
"""Mixtures that are made for each that is explained."""
FIRM = 2
"""Other sounds beside its own with which the word of an explained mixture must be heard."""
FIRST_WORD = 2
"""Class of the first of the ten words; silence and other words are before it."""
CONTAMINANTS = ("speech", "noise", "music")
CHORDS, NOTES, HARMONICS = 4, 3, 8
"""Of a second of music: chords one after the other, notes of each, harmonics of each."""
BARS = {"speech": (Bar("share", low=0.65, energy=0.6),), "noise": (), "music": ()}
"""Bars of each contaminant: ours, for the protocol has none, and set after a first look at seed 0.
Noise has none, as energy alone finds the word: its loudest stretches are louder than the noise.
Music has none, as no method was clearly above energy."""


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Mixtures: `word [N, T]` with classes `target [N]`, and as loud `other [N, T]`."""

    word: np.ndarray
    other: np.ndarray
    target: np.ndarray

    @property
    def audio(self) -> np.ndarray:
        """What is heard, `[N, T]`."""
        return self.word + self.other


def draw(count: int, *, seed: int, data: Path, contaminant: str = "speech") -> Drawn:
    """Mixtures of the truth, of speakers that the listener did not learn from.

    Args:
      count: number of mixtures.
      seed: decides all.
      data: folder of data sets.
      contaminant: one of `CONTAMINANTS`.

    Raises:
      DataError: if the data is not there, or not what it should be.
      ValueError: for a contaminant that is not known.
    """
    random = np.random.default_rng([seed, 30, *contaminant.encode()])
    source = words(data, "asked")
    rows = random.choice(np.flatnonzero(source.target >= FIRST_WORD), count)
    word, target = source.audio[rows], source.target[rows]
    other = contaminants(random, source, target, contaminant)
    return Drawn(word, as_loud(other, word), target)


def contaminants(
    random: np.random.Generator, source: Words, target: np.ndarray, contaminant: str
) -> np.ndarray:
    """Sounds `[N, T]` of a kind; of speech other words than the targets `[N]`."""
    if contaminant == "noise":
        return random.standard_normal((len(target), SAMPLES))
    if contaminant == "music":
        return np.stack([music(random) for _ in target])
    if contaminant != "speech":
        raise ValueError(
            f"unknown contaminant {contaminant!r}: known are {', '.join(CONTAMINANTS)}"
        )
    spoken = source.target >= FIRST_WORD
    other = [random.choice(np.flatnonzero(spoken & (source.target != it))) for it in target]
    return source.audio[other]


def music(random: np.random.Generator) -> np.ndarray:
    """Chords one after the other, of notes of decaying harmonics, `[T]`."""
    length = SAMPLES // CHORDS
    time = np.arange(length) / RATE
    numbers = np.arange(1, HARMONICS + 1)[:, None]
    chords = []
    for _ in range(CHORDS):
        root = 110 * 2 ** (random.integers(24) / 12)
        third = random.choice([3, 4])
        notes = root * 2 ** (np.array([0, third, 7])[:NOTES] / 12)
        phases = random.uniform(0, 2 * np.pi, (NOTES, HARMONICS, 1))
        waves = np.cos(2 * np.pi * notes[:, None, None] * numbers * time + phases)
        decay = np.exp(-time * numbers * 3) / numbers
        attack = np.minimum(time / 0.005, 1)
        chords.append(attack * np.sum(waves * decay, axis=(0, 1)))
    return np.concatenate(chords)


def as_loud(other: np.ndarray, word: np.ndarray) -> np.ndarray:
    """Sounds `[N, T]` of the energy of others, 0 dB, float32."""
    energy = lambda audio: np.sum(np.square(audio, dtype=np.float64), axis=1, keepdims=True)
    return (other * np.sqrt(energy(word) / energy(other))).astype(np.float32)


def build(
    seed: int, *, clips: int = 24, data: Path | None = None, contaminant: str = "speech"
) -> Trial:
    """See `Truth.build`.

    Args:
      seed, clips, data: arguments of `Truth.build`; `data` is needed.
      contaminant: one of `CONTAMINANTS`.
    """
    assert data is not None, "Truth.make has checked it"
    listener = load_listener("keywords_listener")
    drawn = draw(TRIED * clips, seed=seed, data=data, contaminant=contaminant)
    *others, last = (exchanged(drawn, seed, time, data, contaminant) for time in range(FIRM + 1))
    hears = lambda mixtures: answers(listener, mixtures.audio) == drawn.target
    heard, alone = hears(drawn), answers(listener, drawn.other) == drawn.target
    rows = np.flatnonzero(np.all([heard, ~alone, *map(hears, others)], axis=0))[:clips]
    asked, again = (Drawn(d.word[rows], d.other[rows], d.target[rows]) for d in (drawn, last))
    checks = (
        Check("mixtures in which the word is heard", float(np.mean(heard)), low=0.25),
        *intervene(listener, asked, again),
    )
    domain, answer = time_frequency(RATE), Masks(masks(asked))
    return sounds_trial(
        listener, asked.audio, asked.target, answer, checks, domain=domain, grid=GRID
    )


def exchanged(drawn: Drawn, seed: int, time: int, data: Path, contaminant: str) -> Drawn:
    """The same words with other sounds, as loud, another one each time."""
    random = np.random.default_rng([seed, 31, time])
    other = contaminants(random, words(data, "asked"), drawn.target, contaminant)
    return Drawn(drawn.word, as_loud(other, drawn.word), drawn.target)


def intervene(listener: Classifier, asked: Drawn, again: Drawn) -> tuple[Check, ...]:
    """The word removed, the other sound removed, and exchanged for one that chose no clip."""
    share = lambda audio: float(np.mean(answers(listener, audio) == asked.target))
    return (
        Check("word removed: its class is heard", share(asked.other), high=0.0),
        Check("another sound instead, alone: that class is heard", share(again.other), high=0.15),
        Check("the other sound removed: the word is heard", share(asked.word), low=0.9),
        Check("another sound instead, as loud: the word is heard", share(again.audio), low=0.5),
    )


def masks(drawn: Drawn) -> np.ndarray:
    """Where the word is louder, 1, or the other sound, 0, by stretch of `GRID`; `[N, F, bins]`.

    -1 where neither is louder by `LOUDER`, or both are quiet.
    """
    word, other = energies(drawn.word), energies(drawn.other)
    shape = word.shape[1:]
    labels = cut(time_frequency(RATE), (*shape, 2), *GRID)
    add = lambda values: np.bincount(labels.ravel(), values.ravel())
    made = np.empty(word.shape, np.int8)
    for mask, mine, its in zip(made, word, other, strict=True):
        mine, its = add(mine), add(its)
        louder = 10 * np.log10((mine + 1e-20) / (its + 1e-20))
        loudest = np.maximum(mine, its)
        stretch = np.where(louder >= LOUDER, 1, np.where(louder <= -LOUDER, 0, -1))
        stretch[loudest < 10 ** (QUIET / 10) * loudest.max()] = -1
        mask[:] = stretch[labels]
    return made


def energies(audio: np.ndarray) -> np.ndarray:
    """Energy of the cells of sounds `[N, T]`, float64 `[N, F, bins]`."""
    domain = time_frequency(RATE)
    cells = jax.vmap(lambda clip: domain.size(domain.analyse(clip)))(jnp.asarray(audio))
    return np.asarray(cells[..., 0], np.float64) ** 2
