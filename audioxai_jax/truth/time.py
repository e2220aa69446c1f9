"""Time: one event of ten decides, and all are equally loud.

Half a second is ten stretches of 50 ms. One holds a rising tone, a falling one, a warble or pulsed
noise, which is the class; the others hold steady tones, noise and harmonics. Relevance has to lie
in the one. As in the benchmark of arXiv 2506.04391, by AUC over stretches; its events come from
real sounds, whose energy tells where they are, ours have equal energy.
"""

import dataclasses
from pathlib import Path

import numpy as np

from audioxai_jax.domains.samples import samples
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.events import DISTRACTORS, KINDS
from audioxai_jax.truth.recipe import (
    RATE,
    SAMPLES,
    accuracy,
    answers,
    check_outputs,
    trained,
    wave_config,
)
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

STRETCHES = 10
LEVEL = 0.1
"""RMS of each stretch."""
POOL, STEPS = 4096, 450
SEVERAL = 4
"""Most stretches of a training clip that hold its class: sooner learned than one alone."""
CLASSES = tuple(KINDS)
BARS = (Bar("auc", low=0.9, energy=0.6), Bar("pointing", low=0.9, energy=0.6))


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips: `audio [N, T]`, `labels [N]`, the stretch that decides, `place [N]`."""

    audio: np.ndarray
    labels: np.ndarray
    place: np.ndarray


def draw(
    count: int, *, seed: int, decide: bool = True, several: int = 1, variants: int = 256
) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
      decide: whether the event that decides is there; distractors alone if not.
      several: most stretches that hold an event of the class: from 1 to so many do.
      variants: sounds of each kind that the clips are put together from.
    """
    random = np.random.default_rng([seed, 1])
    length = SAMPLES // STRETCHES
    kinds = (*KINDS.values(), *DISTRACTORS)
    bank = np.array([[kind(random, length, RATE) for _ in range(variants)] for kind in kinds])
    labels = random.integers(len(KINDS), size=count)
    order = random.permuted(np.tile(np.arange(STRETCHES), (count, 1)), axis=1)
    which = random.integers(len(KINDS), len(kinds), size=order.shape)
    if decide:
        deciding = order < random.integers(1, several + 1, size=(count, 1))
        which = np.where(deciding, labels[:, None], which)
    parts = bank[which, random.integers(variants, size=order.shape)]
    audio = LEVEL * length**0.5 * parts.reshape(count, SAMPLES)
    return Drawn(audio.astype(np.float32), labels, np.argmin(order, axis=1))


def build(
    seed: int, *, clips: int = 24, data: Path | None = None, classifier: Classifier | None = None
) -> Trial:
    """See `Truth.build`."""
    del data
    if classifier is None:
        learned = draw(POOL, seed=2 * seed, several=SEVERAL)
        config = wave_config(len(CLASSES))
        classifier = trained(
            config, learned.audio, learned.labels, seed=seed, steps=STEPS, names=CLASSES
        )
    check_outputs(classifier, CLASSES, samples=SAMPLES)
    test = draw(max(clips, 128), seed=2 * seed + 1)
    checks = intervene(classifier, test, seed)
    heard = answers(classifier, test.audio) == test.labels
    chosen = np.flatnonzero(heard)[:clips]
    answer = Boxes(boxes(test.place[chosen]))
    domain = samples(RATE)
    audio, targets = test.audio[chosen], test.labels[chosen]
    seconds = SAMPLES / STRETCHES / RATE
    return sounds_trial(
        classifier, audio, targets, answer, checks, domain=domain, grid=(seconds, None)
    )


def intervene(classifier, test: Drawn, seed: int) -> tuple[Check, ...]:
    """The event removed, planted in another clip, and all else exchanged."""
    chance, length = 1 / len(CLASSES), SAMPLES // STRETCHES
    parts = test.audio.reshape(len(test.audio), STRETCHES, length)
    others = draw(len(parts), seed=seed + 1000, decide=False).audio.reshape(parts.shape)
    rows = np.arange(len(parts))
    removed, exchanged = parts.copy(), others.copy()
    removed[rows, test.place] = others[rows, test.place]
    exchanged[rows, test.place] = parts[rows, test.place]
    partner = np.roll(rows, 1)
    planted = parts.copy()
    planted[rows, test.place] = parts[partner, test.place[partner]]
    flat = lambda clips: clips.reshape(len(clips), SAMPLES)
    return (
        Check("accuracy", accuracy(classifier, test.audio, test.labels), low=0.95),
        Check(
            "event removed: accuracy",
            accuracy(classifier, flat(removed), test.labels),
            high=chance + 0.15,
        ),
        Check(
            "event of another clip planted: its class is heard",
            accuracy(classifier, flat(planted), test.labels[partner]),
            low=0.9,
        ),
        Check(
            "all else exchanged: accuracy",
            accuracy(classifier, flat(exchanged), test.labels),
            low=0.9,
        ),
    )


def boxes(place: np.ndarray) -> np.ndarray:
    """The stretch that decides, `[N, 1, 4]`."""
    seconds = SAMPLES / STRETCHES / RATE
    ends = np.full((len(place), 1, 4), np.inf)
    ends[:, 0, 0], ends[:, 0, 1], ends[:, 0, 2] = place * seconds, (place + 1) * seconds, -np.inf
    return ends
