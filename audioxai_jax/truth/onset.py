"""Onset: a burst like a cough that goes with a class more or less often.

Half a second of noise and of a stack of harmonics, whose level tells two classes apart, weakly.
Half of all clips have a burst of 60 to 120 ms at any moment: a share (1 + rho) / 2 of class 1, and
(1 - rho) / 2 of class 0. At rho = 0 it says nothing, and relevance on it has to be at chance; with
rho it has to rise. So do coughs in clips of one emotion draw relevance (arXiv 2506.04391).

A burst takes the place of the sound below it, at the level of the clip. So it has the same share of
the energy as of the time, and chance is that share: nearly 0.18.
"""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audioxai_jax.domains.samples import samples
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import (
    RATE,
    SAMPLES,
    answers,
    check_outputs,
    logits,
    trained,
    wave_config,
)
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

SHORTEST, LONGEST = 960, 1920
"""Of bursts, samples."""
LEVEL = 0.05
"""RMS of a clip."""
STACK, APART, SPREAD = -9.0, 5.0, 3.0
"""Level of the harmonics beside the noise, dB: its mean, that of class 1 above class 0, and the
deviation within a class."""
POOL, STEPS = 4096, 300
SLACK = 0.07
"""By how much accuracies may differ from the best listener's."""
CLASSES = ("soft harmonics", "loud harmonics")
BARS: Mapping[float, tuple[Bar, ...]] = {
    0.0: (Bar("share", low=0.1, high=0.25),),
    0.25: (),
    0.5: (),
    0.75: (),
    1.0: (Bar("share", low=0.9, energy=0.25),),
}
"""Bars by rho."""
Random = np.random.Generator


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips without bursts, `grounds [N, T]`, `labels [N]`; bursts of RMS 1, `bursts [N, 1920]`,
    where they begin and end, `spans [N, 2]`, samples, and in which clips they are, `has [N]`."""

    grounds: np.ndarray
    labels: np.ndarray
    bursts: np.ndarray
    spans: np.ndarray
    has: np.ndarray

    @property
    def audio(self) -> np.ndarray:
        """Clips `[N, T]`."""
        return heard(self, self.has)


def draw(count: int, *, seed: int, rho: float = 1.0, variants: int = 256) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
      rho: how much likelier a burst is in class 1 than in class 0, from 0 to 1.
      variants: stacks of harmonics that the clips are put together from.

    Raises:
      ValueError: for rho outside of 0 to 1.
    """
    if not 0 <= rho <= 1:
        raise ValueError(f"rho is {rho}: it must lie between 0 and 1")
    random = np.random.default_rng([seed, 4])
    labels = random.integers(2, size=count)
    levels = STACK + APART * (labels - 0.5) + SPREAD * random.standard_normal(count)
    clips = grounds(random, levels, variants).astype(np.float32)
    lengths = random.integers(SHORTEST, LONGEST + 1, size=count)
    bursts = np.array([burst(random, length) for length in lengths], np.float32)
    starts = np.floor(random.uniform(size=count) * (SAMPLES - lengths + 1)).astype(int)
    has = planted(random, labels, rho)
    spans = np.stack([starts, starts + lengths], axis=1)
    return Drawn(clips, labels, bursts, spans, has)


def planted(random: Random, labels: np.ndarray, rho: float) -> np.ndarray:
    """Which clips have a burst, `[N]`: (1 + rho) / 2 of class 1 and (1 - rho) / 2 of class 0."""
    return random.uniform(size=len(labels)) < (1 + rho * (2 * labels - 1)) / 2


def grounds(random: Random, levels: np.ndarray, variants: int) -> np.ndarray:
    """Noise that falls by 3 dB an octave, and harmonics of 120 to 240 Hz at levels beside it, dB:
    `[N, T]` of RMS `LEVEL`."""
    falling = 1 / np.sqrt(np.maximum(np.fft.rfftfreq(SAMPLES, 1 / RATE), 100))
    white = random.standard_normal((len(levels), SAMPLES), np.float32)
    noise = _levelled(np.fft.irfft(falling * np.fft.rfft(white), n=SAMPLES))
    bank = _levelled(np.array([stack(random) for _ in range(variants)]))
    chosen = bank[random.integers(variants, size=len(levels))]
    return LEVEL * _levelled(noise + 10 ** (levels[:, None] / 20) * chosen)


def stack(random: Random) -> np.ndarray:
    """Harmonics of 120 to 240 Hz up to 4 kHz that fall by 3 dB an octave, in any phase, `[T]`."""
    pitch = random.uniform(120, 240)
    numbers = np.arange(1, int(4_000 / pitch))
    phases = 2 * np.pi * random.uniform(size=len(numbers))
    angles = 2 * np.pi * pitch * np.arange(SAMPLES)[:, None] / RATE * numbers + phases
    return (np.cos(angles) / np.sqrt(numbers)).sum(axis=1)


def _levelled(sounds: np.ndarray) -> np.ndarray:
    """Sounds `[N, T]` of RMS 1."""
    return sounds / np.sqrt(np.mean(sounds**2, axis=1, keepdims=True))


def burst(random: Random, length: int) -> np.ndarray:
    """A burst: noise that sets in at once and decays, then a voice of 250 to 400 Hz in its second
    half, both through two resonances; of RMS 1 within its length, `[1920]` with zeros behind."""
    time = np.arange(length) / RATE
    part = np.linspace(0, 1, length)
    pitch = random.uniform(250, 400)
    pulses = np.zeros(length)
    pulses[np.unique(np.floor(np.arange(0, length, RATE / pitch)).astype(int))] = 1
    voice = np.clip(2 * part - 0.8, 0, 1) * pulses * (RATE / pitch) ** 0.5
    source = np.exp(-3 * part) * random.standard_normal(length) + voice * np.exp(-2 * part)
    spectrum, bins = np.fft.rfft(source), np.fft.rfftfreq(length, 1 / RATE)
    shape = np.zeros(len(bins))
    for centre in (random.uniform(600, 1_000), random.uniform(2_000, 3_500)):
        shape += 1 / (1 + ((bins - centre) / 250) ** 2)
    sound = np.fft.irfft(shape * spectrum, n=length) * np.minimum(1, time / 0.002)
    padded = np.zeros(LONGEST)
    padded[:length] = sound / np.sqrt(np.mean(sound**2))
    return padded


def heard(drawn: Drawn, has: np.ndarray) -> np.ndarray:
    """Clips `[N, T]`, with bursts in those of `has [N]`."""
    audio = drawn.grounds.copy()
    for row in np.flatnonzero(has):
        start, end = drawn.spans[row]
        audio[row, start:end] = LEVEL * drawn.bursts[row, : end - start]
    return audio


def build(
    seed: int,
    *,
    clips: int = 24,
    data: Path | None = None,
    classifier: Classifier | None = None,
    rho: float = 1.0,
) -> Trial:
    """See `Truth.build`; rho as of `draw`."""
    del data
    if classifier is None:
        learned = draw(POOL, seed=2 * seed, rho=rho)
        config = wave_config(len(CLASSES))
        classifier = trained(
            config, learned.audio, learned.labels, seed=seed, steps=STEPS, names=CLASSES
        )
    classifier = check_outputs(classifier, CLASSES, samples=SAMPLES)
    test = draw(max(8 * clips, 256), seed=2 * seed + 1, rho=rho)
    checks = intervene(classifier, test, rho)
    right = (answers(classifier, test.audio) == test.labels) & test.has & (test.labels == 1)
    chosen = np.flatnonzero(right)[:clips]
    answer = Boxes(boxes(test.spans[chosen]))
    audio, targets = test.audio[chosen], test.labels[chosen]
    domain, grid = samples(RATE), (0.05, None)
    return sounds_trial(classifier, audio, targets, answer, checks, domain=domain, grid=grid)


def intervene(classifier: Classifier, test: Drawn, rho: float) -> tuple[Check, ...]:
    """Bursts removed from all clips, and planted in all."""
    without, with_all = np.zeros_like(test.has), np.ones_like(test.has)
    as_is, removed, burst_in_all = (
        np.diff(logits(classifier, heard(test, has)), axis=1)[:, 0]
        for has in (test.has, without, with_all)
    )
    right = lambda margins: float(np.mean((margins > 0) == test.labels))
    change = burst_in_all - removed
    best, weak = best_accuracy(rho), best_accuracy(0.0)
    if rho == 0:
        name, low, high = "bursts planted: change of log odds beside their deviation", -np.inf, 0.3
        value = np.mean(np.abs(change)) / np.std(removed)
    elif rho == 1:
        name, low, high = "bursts planted: class 0 becomes class 1", 0.9, np.inf
        value = np.mean(burst_in_all[removed < 0] > 0)
    else:
        name, low, high = "bursts planted: change of log odds beside the best listener's", 0.5, 2.0
        value = np.mean(change) / (2 * log_odds(rho))
    return (
        Check("accuracy", right(as_is), low=best - SLACK),
        Check("bursts removed: accuracy", right(removed), high=weak + SLACK),
        Check(name, float(value), low=low, high=high),
    )


def log_odds(rho: float) -> float:
    """What a burst says, log of P(burst | class 1) / P(burst | class 0); its absence says as much
    against it."""
    return math.inf if rho == 1 else math.log((1 + rho) / (1 - rho))


def best_accuracy(rho: float) -> float:
    """Accuracy of the best listener, who knows the level of the harmonics and of the burst.

    The level's log odds are normal in each class, of means -d^2 / 2 and d^2 / 2 and deviation d,
    where d is the distance of the classes in deviations. Those of the burst add to them.
    """
    apart, odds = APART / SPREAD, log_odds(rho)
    above = lambda mean: 0.5 + 0.5 * math.erf(mean / apart / 2**0.5)
    with_burst, without = above(apart**2 / 2 + odds), above(apart**2 / 2 - odds)
    return (1 + rho) / 2 * with_burst + (1 - rho) / 2 * without


def boxes(spans: np.ndarray) -> np.ndarray:
    """Spans of bursts in s, `[N, 1, 4]`."""
    ends = np.full((len(spans), 1, 4), np.inf)
    ends[:, 0, :2], ends[:, 0, 2] = spans / RATE, -np.inf
    return ends
