"""A new truth: audioxai_jax/truth/my_truth.py, and a row of TRUTHS.

TRUTHS["my_truth"] = Truth("Which tone of ten decides?", my_truth.build, my_truth.BARS)
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.domains.samples import samples
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import RATE, accuracy, answers, check_outputs
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

STRETCHES, LENGTH = 10, 800
CLASSES, OTHER_HZ = {"low": 1_000, "high": 3_000}, 2_000
BARS = (Bar("auc", low=0.9, energy=0.6),)


def draw(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches `[N, STRETCHES, LENGTH]` of one level, labels `[N]`, places of the cue `[N]`."""
    random = np.random.default_rng([seed, 1_000])
    labels, place = np.arange(count) % len(CLASSES), random.integers(STRETCHES, size=count)
    hertz = np.full((count, STRETCHES), OTHER_HZ)
    hertz[np.arange(count), place] = np.array(list(CLASSES.values()))[labels]
    phase = random.uniform(0, 2 * np.pi, (count, STRETCHES, 1))
    time = np.arange(LENGTH) / RATE
    audio = 0.1 * np.cos(2 * np.pi * hertz[..., None] * time + phase)
    return audio.astype(np.float32), labels, place


def model(basis: Array, clip: Array) -> Array:
    """The energy at the frequency of each class; `recipe.trained` gives a network that learned."""
    return jnp.sum(jnp.abs(clip.reshape(STRETCHES, LENGTH) @ basis) ** 2, axis=0)


def build(
    seed: int, *, clips: int = 24, data: Path | None = None, classifier: Classifier | None = None
) -> Trial:
    """See `Truth.build`."""
    del data
    if classifier is None:
        time, hertz = np.arange(LENGTH) / RATE, np.array(list(CLASSES.values()))
        basis = jnp.asarray(np.exp(2j * np.pi * hertz * time[:, None]), jnp.complex64)
        classifier = Classifier(Partial(model, basis), reads=samples(RATE), labels=tuple(CLASSES))
    check_outputs(classifier, tuple(CLASSES))
    parts, labels, place = draw(max(clips, 128), seed=seed)
    checks = intervene(classifier, parts, labels, place)
    audio = parts.reshape(len(parts), -1)
    chosen = np.flatnonzero(answers(classifier, audio) == labels)[:clips]
    seconds = LENGTH / RATE
    boxes = np.full((len(chosen), 1, 4), np.inf)
    boxes[:, 0, 0], boxes[:, 0, 1] = place[chosen] * seconds, (place[chosen] + 1) * seconds
    boxes[:, 0, 2] = -np.inf
    return sounds_trial(
        classifier,
        audio[chosen],
        labels[chosen],
        Boxes(boxes),
        checks,
        domain=samples(RATE),
        grid=(seconds, None),
    )


def intervene(
    classifier: Classifier, parts: np.ndarray, labels: np.ndarray, place: np.ndarray
) -> tuple[Check, ...]:
    """The cue removed, that of another class planted, and all else exchanged."""
    rows, other = np.arange(len(parts)), np.roll(np.arange(len(parts)), 1)
    removed, planted, exchanged = parts.copy(), parts.copy(), parts[other].copy()
    removed[rows, place] = parts[rows, (place + 1) % STRETCHES]
    planted[rows, place] = parts[other, place[other]]
    exchanged[rows, place[other]] = parts[other, (place[other] + 1) % STRETCHES]
    exchanged[rows, place] = parts[rows, place]
    right = lambda clips, wanted: accuracy(classifier, clips.reshape(len(clips), -1), wanted)
    return (
        Check("accuracy", right(parts, labels), low=0.95),
        Check("cue removed: accuracy", right(removed, labels), high=0.6),
        Check("cue of the other class planted", right(planted, labels[other]), low=0.9),
        Check("all else exchanged: accuracy", right(exchanged, labels), low=0.9),
    )
