"""Cell: one box of time and frequency decides, and all hold sounds of one energy.

Half a second is cut into five stretches of 100 ms and four bands of 2 kHz. One of the twenty boxes
holds a chirp, pulsed noise, a harmonic stack or clicks, which is the class; each other holds a
tone or steady noise of the same energy. All are limited to their band. Relevance has to lie in the
one box.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import (
    RATE,
    SAMPLES,
    accuracy,
    answers,
    check_outputs,
    mel_config,
    trained,
)
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

STRETCHES, BANDS = 5, 4
SECONDS, HERTZ = 0.1, 2_000.0
"""Of a box."""
MARGIN = 200.0
"""Between the sound of a box and the ends of its band, Hz."""
LEVEL = 0.05
"""RMS of each box."""
POOL, STEPS, SEVERAL = 4096, 600, 4
BARS = (Bar("auc", low=0.9, energy=0.6),)
LENGTH = SAMPLES // STRETCHES
Random = np.random.Generator
TIME = np.arange(LENGTH) / RATE


def chirp(random: Random, low: float, high: float) -> np.ndarray:
    """A tone that rises through the band."""
    phase = low * TIME + (high - low) * TIME**2 / (2 * TIME[-1])
    return np.sin(2 * np.pi * (phase + random.uniform()))


def pulsed_noise(random: Random, low: float, high: float) -> np.ndarray:
    """Noise whose level swings 30 times a second."""
    del low, high
    swing = 1 + np.sin(2 * np.pi * (30 * TIME + random.uniform()))
    return swing * random.standard_normal(LENGTH)


def harmonics(random: Random, low: float, high: float) -> np.ndarray:
    """A steady stack of harmonics of 640 to 720 Hz, in any phase."""
    lowest = random.uniform(640, 720)
    numbers = np.arange(np.ceil(low / lowest), np.floor(high / lowest) + 1)
    return np.cos(
        2 * np.pi * (lowest * numbers * TIME[:, None] + random.uniform(size=len(numbers)))
    ).sum(1)


def clicks(random: Random, low: float, high: float) -> np.ndarray:
    """Two clicks, 45 ms apart."""
    del low, high
    sound = np.zeros(LENGTH)
    sound[random.integers(LENGTH // 5, LENGTH // 3) + np.array([0, 9 * LENGTH // 20])] = 1
    return sound


def tone(random: Random, low: float, high: float) -> np.ndarray:
    """A steady tone."""
    return np.sin(2 * np.pi * (random.uniform(low, high) * TIME + random.uniform()))


def noise(random: Random, low: float, high: float) -> np.ndarray:
    """Steady noise."""
    del low, high
    return random.standard_normal(LENGTH)


KINDS: dict[str, Callable[[Random, float, float], np.ndarray]] = {
    "chirp": chirp,
    "pulsed noise": pulsed_noise,
    "harmonics": harmonics,
    "clicks": clicks,
}
DISTRACTORS = (tone, noise)
CLASSES = tuple(KINDS)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips in their boxes: `boxes [N, 5, 4, T / 5]`, `labels [N]`, the box that decides,
    `place [N]`, 4 x stretch + band."""

    boxes: np.ndarray
    labels: np.ndarray
    place: np.ndarray

    @property
    def audio(self) -> np.ndarray:
        """Clips `[N, T]`."""
        return heard(self.boxes)


def draw(
    count: int, *, seed: int, decide: bool = True, several: int = 1, variants: int = 128
) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
      decide: whether the sound that decides is there; distractors alone if not.
      several: most boxes that hold a sound of the class: from 1 to so many do.
      variants: sounds of each kind and band that the clips are put together from.
    """
    random = np.random.default_rng([seed, 3])
    bank = _bank(random, variants)
    labels = random.integers(len(KINDS), size=count)
    order = random.permuted(np.tile(np.arange(STRETCHES * BANDS), (count, 1)), axis=1)
    which = random.integers(len(KINDS), len(bank), size=order.shape)
    if decide:
        deciding = order < random.integers(1, several + 1, size=(count, 1))
        which = np.where(deciding, labels[:, None], which)
    bands = np.tile(np.arange(BANDS), STRETCHES)
    parts = bank[which, bands, random.integers(variants, size=order.shape)]
    shape = (count, STRETCHES, BANDS, LENGTH)
    return Drawn(parts.reshape(shape), labels, np.argmin(order, axis=1))


def heard(boxes: np.ndarray) -> np.ndarray:
    """Sound `[N, T]` of boxes `[N, 5, 4, T / 5]`."""
    return boxes.sum(axis=2).reshape(len(boxes), SAMPLES)


def limited(sound: np.ndarray, band: int) -> np.ndarray:
    """A sound in a band alone, faded at its ends, at `LEVEL`."""
    edge = LENGTH // 8
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    window = np.concatenate([fade, np.ones(LENGTH - 2 * edge), fade[::-1]])
    bins = np.fft.rfftfreq(LENGTH, 1 / RATE) - band * HERTZ
    keep = (bins >= MARGIN) & (bins <= HERTZ - MARGIN)
    sound = window * np.fft.irfft(np.fft.rfft(sound) * keep, n=LENGTH)
    return sound * LEVEL / np.sqrt(np.mean(sound**2))


def _bank(random: Random, variants: int) -> np.ndarray:
    """Sounds of all kinds in all bands, `[kinds, bands, variants, T / 5]`."""
    kinds = (*KINDS.values(), *DISTRACTORS)
    bank = np.empty((len(kinds), BANDS, variants, LENGTH), np.float32)
    for number, kind in enumerate(kinds):
        for band in range(BANDS):
            ends = band * HERTZ + MARGIN, (band + 1) * HERTZ - MARGIN
            for variant in range(variants):
                bank[number, band, variant] = limited(kind(random, *ends), band)
    return bank


def build(
    seed: int, *, clips: int = 24, data: Path | None = None, classifier: Classifier | None = None
) -> Trial:
    """See `Truth.build`."""
    del data
    if classifier is None:
        learned = draw(POOL, seed=2 * seed, several=SEVERAL)
        config = mel_config(len(CLASSES))
        classifier = trained(
            config, learned.audio, learned.labels, seed=seed, steps=STEPS, rate=5e-3, names=CLASSES
        )
    check_outputs(classifier, CLASSES, samples=SAMPLES)
    test = draw(max(clips, 128), seed=2 * seed + 1)
    checks = intervene(classifier, test, seed)
    right = np.flatnonzero(answers(classifier, test.audio) == test.labels)[:clips]
    answer = Boxes(boxes(test.place[right]))
    audio, targets = test.audio[right], test.labels[right]
    domain, grid = time_frequency(RATE), (SECONDS, HERTZ)
    return sounds_trial(classifier, audio, targets, answer, checks, domain=domain, grid=grid)


def intervene(classifier: Classifier, test: Drawn, seed: int) -> tuple[Check, ...]:
    """The box that decides removed, planted in another clip, and all else exchanged."""
    rows = np.arange(len(test.boxes))
    at = (rows, *divmod(test.place, BANDS))
    others = draw(len(rows), seed=seed + 1000, decide=False).boxes
    partner = _partners(test)
    removed, exchanged, planted = test.boxes.copy(), others.copy(), test.boxes.copy()
    removed[at], exchanged[at] = others[at], test.boxes[at]
    planted[at] = test.boxes[partner, *divmod(test.place[partner], BANDS)]
    score = lambda boxes, labels: accuracy(classifier, heard(boxes), labels)
    labels, chance = test.labels, 1 / len(CLASSES)
    return (
        Check("accuracy", score(test.boxes, labels), low=0.95),
        Check("box removed: accuracy", score(removed, labels), high=chance + 0.15),
        Check(
            "box of another clip planted: its class is heard",
            score(planted, labels[partner]),
            low=0.9,
        ),
        Check("all else exchanged: accuracy", score(exchanged, labels), low=0.9),
    )


def _partners(test: Drawn) -> np.ndarray:
    """Another clip whose box lies in the same band: one of the same class at times."""
    partner = np.arange(len(test.place))
    for band in range(BANDS):
        rows = np.flatnonzero(test.place % BANDS == band)
        partner[rows] = np.roll(rows, 1)
    return partner


def boxes(place: np.ndarray) -> np.ndarray:
    """The box that decides, `[N, 1, 4]`."""
    stretch, band = divmod(place, BANDS)
    ends = [stretch * SECONDS, (stretch + 1) * SECONDS, band * HERTZ, (band + 1) * HERTZ]
    return np.stack(ends, axis=-1)[:, None, :]
