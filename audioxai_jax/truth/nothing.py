"""Nothing: relevance where a model knows nothing, by training or by construction.

Shuffled: the clips of the truth of time, their labels dealt out anew before training. The event
that would decide is there and tells the model nothing. Explained is a label that is dealt to the
test clip, each as often: it does not depend on the clip, and what speaks for one label speaks
against others. So the AUC of the event's stretch must be that of chance, 0.5. Bars are 4 standard
errors of the AUC of one among ten stretches over 72 clips of three seeds. A method that shows the
sound and not the model fails (J. Adebayo et al., NeurIPS 2018).

Ignored: the model is a network of the first half of the clip; the second never reaches it. Another
event lies there, four times as loud. The outputs do not depend on it, so relevance there is exactly
0 for all gradient methods and for LRP, and for methods of coalitions that compare outputs.
"""

from pathlib import Path

import numpy as np
from jax import Array

from audioxai_jax.core.records import bind
from audioxai_jax.domains.samples import samples
from audioxai_jax.truth import time
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import RATE, SAMPLES, accuracy, answers, logits, trained, wave_config
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier, Model

HALF = SAMPLES // 2
LOUDER = 4.0
"""Amplitude of the half that is ignored, against the one that is heard."""
POOL, STEPS = 2048, 250
SHUFFLED_BARS = (Bar("auc", low=0.35, high=0.65),)
IGNORED_BARS = (Bar("mass", low=0.0, high=0.0),)


def shuffled(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """A network whose labels were shuffled; the answer is the stretch that would decide.

    Args:
      seed, clips, data: see `Truth.build`.
    """
    del data
    random = np.random.default_rng([seed, 7])
    learned = time.draw(POOL, seed=2 * seed)
    config = wave_config(len(time.CLASSES))
    dealt = random.permutation(learned.labels)
    classifier = trained(config, learned.audio, dealt, seed=seed, steps=STEPS, names=time.CLASSES)
    test = time.draw(max(clips, 256), seed=2 * seed + 1)
    targets = random.permutation(np.arange(clips) % len(time.CLASSES))
    return sounds_trial(
        classifier,
        test.audio[:clips],
        targets,
        Boxes(time.boxes(test.place[:clips])),
        know_nothing(classifier, test),
        domain=samples(RATE),
        grid=(SAMPLES / time.STRETCHES / RATE, None),
    )


def know_nothing(classifier: Classifier, test: time.Drawn) -> tuple[Check, ...]:
    """The labels are not heard, and an event that is planted is not either."""
    parts = test.audio.reshape(len(test.audio), time.STRETCHES, -1)
    rows = np.arange(len(parts))
    partner = np.roll(rows, 1)
    planted = parts.copy()
    planted[rows, test.place] = parts[partner, test.place[partner]]
    chance = 1 / len(time.CLASSES)
    heard = accuracy(classifier, test.audio, test.labels)
    follows = accuracy(classifier, planted.reshape(test.audio.shape), test.labels[partner])
    return (
        Check("accuracy", heard, low=chance - 0.12, high=chance + 0.12),
        Check(
            "event of another clip planted: its class is heard",
            follows,
            low=chance - 0.12,
            high=chance + 0.12,
        ),
    )


def draw(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips of two halves, an event in each, and the class of the first.

    Args:
      count: number of clips.
      seed: decides all.

    Returns:
      Clips, float32 `[N, SAMPLES]`, and classes `[N]`.
    """
    random = np.random.default_rng([seed, 8])
    clips = time.draw(2 * count, seed=seed)
    length = SAMPLES // time.STRETCHES
    start = np.clip(clips.place - random.integers(5, size=2 * count), 0, 5) * length
    halves = clips.audio[np.arange(2 * count)[:, None], start[:, None] + np.arange(HALF)]
    first, second = halves[:count], halves[count:]
    return np.concatenate([first, np.float32(LOUDER) * second], axis=1), clips.labels[:count]


def first_half(config: None, model: Model, audio: Array) -> Array:
    """A model of `[HALF]` samples that is given `[SAMPLES]`; `config` holds nothing."""
    del config
    return model(audio[:HALF])


def ignored(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """A network of the first half; inside is the second, where no relevance may lie.

    Args:
      seed, clips, data: see `Truth.build`.
    """
    del data
    audio, labels = draw(POOL, seed=2 * seed)
    config = wave_config(len(time.CLASSES), samples=HALF)
    network = trained(config, audio[:, :HALF], labels, seed=seed, steps=STEPS, names=time.CLASSES)
    classifier = deaf_to_the_rest(network)
    audio, labels = draw(max(2 * clips, 128), seed=2 * seed + 1)
    chosen = np.flatnonzero(answers(classifier, audio) == labels)[:clips]
    box = (HALF / RATE, np.inf, -np.inf, np.inf)
    return sounds_trial(
        classifier,
        audio[chosen],
        labels[chosen],
        Boxes(np.broadcast_to(box, (len(chosen), 1, 4))),
        hear_half(classifier, audio, labels),
        domain=samples(RATE),
        grid=(SAMPLES / time.STRETCHES / RATE, None),
    )


def deaf_to_the_rest(network: Classifier) -> Classifier:
    """A classifier of `[SAMPLES]` that hears the first half alone."""
    return Classifier(
        bind(first_half, None, network.model), reads=samples(RATE), labels=network.labels
    )


def hear_half(classifier: Classifier, audio: np.ndarray, labels: np.ndarray) -> tuple[Check, ...]:
    """Halves exchanged one at a time: the first decides, the second changes no bit."""
    partner = np.roll(np.arange(len(audio)), 1)
    first, second = audio[:, :HALF], audio[:, HALF:]
    heard = logits(classifier, audio)
    other = logits(classifier, np.concatenate([first, second[partner]], axis=1))
    follows = np.concatenate([first[partner], second], axis=1)
    return (
        Check("accuracy", accuracy(classifier, audio, labels), low=0.9),
        Check(
            "second half exchanged: largest change of a logit",
            float(np.max(np.abs(heard - other))),
            high=0.0,
        ),
        Check(
            "first half exchanged: answers follow",
            accuracy(classifier, follows, labels[partner]),
            low=0.9,
        ),
    )
