"""Partial spoof: a stretch of a clip was said again by a machine.

One second of speech, two words by one speaker. In spoofed clips 200 to 600 ms are replaced by their
own round trip through a codec or a vocoder, see `round_trips`: cut at zero crossings, of the level
that they replace, at any place. A detector learns to tell such clips from bona fide ones, and
relevance for "spoofed" has to lie in the stretch. As in PartialSpoof (arXiv 2204.05177), with
generators as in SONAR (arXiv 2410.04324), which asks for those that a detector never met.
"""

import dataclasses
from pathlib import Path

import numpy as np

from audioxai_jax.domains.samples import samples
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import accuracy, logits
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.round_trips import SPOKEN_AGAIN, spoken_again
from audioxai_jax.truth.speech import RATE, SAMPLES, in_steps, two_words, words
from audioxai_jax.truth.splices import spliced
from audioxai_jax.truth.spoof_training import equal_error, trained_detector
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

SHORTEST, LONGEST = 0.2, 0.6
"""Of the stretch, seconds."""
POOL, TESTED, STEPS = 400, 100, 400
"""Clips that are learned from and tested, and steps of the training."""
BONA_FIDE, SPOOFED = 0, 1
BARS = (Bar("auc", low=0.9, energy=0.6), Bar("pointing", low=0.9, energy=0.6))


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips of speech, and the same with a spoofed stretch.

    Attributes:
      original: bona fide, float32 `[N, T]`.
      again: round trips of the originals, float32 `[N, T]`.
      audio: the original but for one stretch, float32 `[N, T]`.
      span: first sample of the stretch and first one behind it, `[N, 2]`.
      generator: number of the generator, in the order of the names given, `[N]`.
      speaker: names, `[N]`.
    """

    original: np.ndarray
    again: np.ndarray
    audio: np.ndarray
    span: np.ndarray
    generator: np.ndarray
    speaker: np.ndarray


def draw(
    count: int,
    *,
    seed: int,
    data: Path,
    part: str = "learned",
    generators: tuple[str, ...] = SPOKEN_AGAIN,
) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
      data: folder of data sets.
      part: "learned" or "asked", which share no speaker.
      generators: names, see `round_trips`; they take turns.

    Raises:
      DataError: if the data is not there, or not what it should be.
    """
    random = np.random.default_rng([seed, 20])
    original, speaker = two_words(words(data, part), random, count)
    generator = np.arange(count) % len(generators)
    again = np.empty_like(original)
    for number, name in enumerate(generators):
        rows = generator == number
        if rows.any():
            again[rows] = in_steps(spoken_again(name, original[rows], seed=seed))
    audio, span = spliced(original, again, places(random, count), random)
    return Drawn(original, again, in_steps(audio), span, generator, speaker)


def places(random: np.random.Generator, count: int) -> np.ndarray:
    """Where stretches should begin and end, samples `[N, 2]`: of any length, at any place."""
    length = (random.uniform(SHORTEST, LONGEST, count) * RATE).astype(int)
    start = (random.uniform(0, 1, count) * (SAMPLES - length)).astype(int)
    return np.stack([start, start + length], axis=1)


def build(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """See `Truth.build`."""
    assert data is not None, "Truth.make has checked it"
    classifier = detector(draw(POOL, seed=2 * seed, data=data), seed)
    test = draw(max(clips * 2, TESTED), seed=2 * seed + 1, data=data, part="asked")
    checks = intervene(classifier, test, seed)
    scores = score(classifier, test.audio)
    asked = chosen(test, np.flatnonzero(scores > 0)[:clips])
    answer = Boxes(boxes(asked.span))
    targets = np.full(len(asked.audio), SPOOFED)
    domain = samples(RATE)
    return sounds_trial(
        classifier, asked.audio, targets, answer, checks, domain=domain, grid=(0.1, None)
    )


def detector(learned: Drawn, seed: int) -> Classifier:
    """A detector of clips, each of which is learned from bona fide and with two stretches."""
    random = np.random.default_rng([seed, 21])
    where = places(random, len(learned.audio))
    second, span = spliced(learned.original, learned.again, where, random)
    audio = np.concatenate([learned.original, learned.audio, in_steps(second)])
    none = np.zeros_like(learned.span)
    inside = within(np.concatenate([none, learned.span, span]))
    return trained_detector(audio, inside, seed=seed, steps=STEPS)


def intervene(classifier: Classifier, test: Drawn, seed: int) -> tuple[Check, ...]:
    """The stretch taken back, planted in other speech, and bona fide stretches planted instead."""
    random = np.random.default_rng([seed, 22])
    others = np.roll(test.original, 1, axis=0)
    planted, _ = spliced(others, test.again, test.span, random)
    harmless, _ = spliced(others, test.original, test.span, random)
    spoofed, bona_fide = score(classifier, test.audio), score(classifier, test.original)
    both = np.concatenate([spoofed, bona_fide])
    wanted = np.arange(len(both)) < len(spoofed)
    heard = lambda audio: accuracy(classifier, in_steps(audio), np.full(len(audio), SPOOFED))
    return (
        Check("accuracy", float(np.mean((both > 0) == wanted)), low=0.9),
        Check("equal error rate", equal_error(both, wanted)[0], high=0.1),
        Check("stretch taken back: heard as spoofed", float(np.mean(bona_fide > 0)), high=0.1),
        Check("stretch planted in other bona fide speech: heard as spoofed", heard(planted), 0.9),
        Check("bona fide stretch planted there: heard as spoofed", heard(harmless), high=0.1),
    )


def errors_of_unknown(
    seed: int, *, data: Path, generators: tuple[str, ...] = SPOKEN_AGAIN
) -> dict[str, tuple[float, float]]:
    """SONAR's question: equal error rates for a generator that the detector never met.

    Args:
      seed, data: arguments of `build`.
      generators: names, see `round_trips`; two or more.

    Returns:
      Of each generator the rates of a detector that met the others alone, and of one that met all.
    """
    learned = draw(POOL, seed=2 * seed, data=data, generators=generators)
    test = draw(TESTED, seed=2 * seed + 1, data=data, part="asked", generators=generators)
    knows_all, rates = detector(learned, seed), {}
    for number, name in enumerate(generators):
        others = detector(chosen(learned, learned.generator != number), seed)
        clips = np.concatenate([test.audio[test.generator == number], test.original])
        spoofed = np.arange(len(clips)) < len(clips) - len(test.original)
        unknown, known = (equal_error(score(c, clips), spoofed)[0] for c in (others, knows_all))
        rates[name] = unknown, known
    return rates


def chosen(drawn: Drawn, rows: np.ndarray) -> Drawn:
    """Some of the clips."""
    fields = dataclasses.fields(Drawn)
    return Drawn(*(getattr(drawn, field.name)[rows] for field in fields))


def score(classifier: Classifier, audio: np.ndarray) -> np.ndarray:
    """Evidence of a spoof, above 0 where a clip is heard as spoofed, `[N]`."""
    values = logits(classifier, audio)
    return values[:, SPOOFED] - values[:, BONA_FIDE]


def within(span: np.ndarray) -> np.ndarray:
    """Whether each sample is inside a span, bool `[N, T]`."""
    time = np.arange(SAMPLES)
    return (time >= span[:, :1]) & (time < span[:, 1:])


def boxes(span: np.ndarray) -> np.ndarray:
    """The stretch, `[N, 1, 4]`."""
    sides = np.full((len(span), 1, 4), np.inf)
    sides[:, 0, :2], sides[:, 0, 2] = span / RATE, -np.inf
    return sides
