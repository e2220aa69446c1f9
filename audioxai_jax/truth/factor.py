"""Factor: pitch, envelope, aperiodicity, level or rate of a voice decides, the others are random.

An example is a voice at coordinates of five factors (see `voices`), its features are these
coordinates, and the model is a network that hears the voice made of them. So exact Shapley values
over factors are those of 32 voices, from a neutral one to that of the clip. The factors cannot
tell of each other by construction, and the network learns the probability of the second class,

    p = sigmoid(SLOPE c),   c the coordinate of the factor that decides,

so the log odds of the best network are SLOPE c, whatever else the voice is: all relevance has to
lie on one factor. Logits are compared with each other, as a shift of both decides nothing.

The network is trained on sounds, so what it hears of other factors is its own error, and is left in
the score. Of seeds 0 to 2, exact Shapley values have a mass of 0.96 or more on the factor that
decides. Gradients are another matter: as the pitch moves a little, all harmonics turn against the
breath, and what is measured of half a second trembles: a small error with steep slopes.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import record
from audioxai_jax.models.outputs import margin
from audioxai_jax.truth.answers import Masks
from audioxai_jax.truth.front_net import FrontConfig, trained_behind
from audioxai_jax.truth.recipe import answers
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.voice_front import front
from audioxai_jax.truth.voices import FACTORS, Source, sources, synthesise
from audioxai_jax.types import Classifier, Model

POOL = 1024
"""Clips to learn from."""
CONFIG = FrontConfig(front, 2, sparsity=0.03)
LEAST = 0.4
"""Coordinate from which on a voice is clearly of a class."""
SLOPE = 3.0
BARS = (Bar("mass", low=0.95, energy=0.6), Bar("pointing", low=0.95, energy=0.9))


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Voices: `coordinates [N, 5]`, `source` with a leading axis N, `labels [N]`."""

    coordinates: np.ndarray
    source: Source
    labels: np.ndarray


@record()
class Asked:
    """A model of coordinates `[5]`: the voice is made, and a model of sounds hears it."""

    hears: Model
    source: Source

    def __call__(self, coordinates: Array) -> Array:
        return self.hears(synthesise(coordinates, self.source))


@record()
class Voices:
    """Voices `(coordinates, source)`, explained by their factors.

    The size of a factor is how far it is from that of the neutral voice, in halves of its range.
    """

    hears: Model

    def __call__(self, example: tuple[Array, Source]) -> tuple[Model, Array]:
        coordinates, source = example
        return Asked(self.hears, source), coordinates

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def merge(self, relevance: Array) -> Array:
        return relevance


def draw(count: int, *, seed: int, factor: str) -> Drawn:
    """Voices whose factors are uniform, but for the middle of the range of the one that decides.

    Args:
      count: number of voices.
      seed: decides all.
      factor: factor that decides.

    Raises:
      ValueError: for an unknown factor.
    """
    if factor not in FACTORS:
        raise ValueError(f"no factor {factor!r}: choose one of {', '.join(FACTORS)}")
    which = FACTORS.index(factor)
    random = np.random.default_rng([seed, 21, which])
    coordinates = random.uniform(-1, 1, (count, len(FACTORS)))
    side = np.where(random.integers(2, size=count) == 1, 1, -1)
    coordinates[:, which] = side * random.uniform(LEAST, 1, count)
    source = sources(random, count)
    return Drawn(coordinates.astype(np.float32), source, (side > 0).astype(int))


def sounds(coordinates: np.ndarray, source: Source) -> np.ndarray:
    """The voices, `[N, T]`."""
    made = (jnp.asarray(coordinates), jax.tree.map(jnp.asarray, source))
    return np.asarray(map_examples(_sound, (), made, key=jax.random.key(0), chunk=64))


def build(seed: int, *, clips: int = 24, data: Path | None = None, factor: str) -> Trial:
    """See `Truth.build`; `factor` is that which decides."""
    del data
    which = FACTORS.index(factor)
    coordinates, audio = learned(seed)
    high = 1 / (1 + np.exp(-SLOPE * coordinates[:, which]))
    wanted = np.stack([1 - high, high], axis=1)
    classifier = trained_behind(CONFIG, audio, wanted, seed=seed, steps=2000, decay=1.0)
    test = draw(max(clips, 128), seed=2 * seed + 1, factor=factor)
    heard = answers(classifier, sounds(test.coordinates, test.source)) == test.labels
    checks = intervene(classifier, test, which, float(np.mean(heard)))
    chosen = np.flatnonzero(heard)[:clips]
    pick = lambda leaf: leaf[chosen]
    examples: Any = (pick(test.coordinates), jax.tree.map(pick, test.source))
    inside = np.zeros((len(chosen), len(FACTORS)), np.int8)
    inside[:, which] = 1
    view, segments = Voices(margin(classifier)), np.arange(len(FACTORS), dtype=np.int32)
    return Trial(view, examples, test.labels[chosen], Masks(inside), checks, segments)


def intervene(
    classifier: Classifier, test: Drawn, which: int, accuracy: float
) -> tuple[Check, ...]:
    """The factor moved to the other class, made neutral, and all others exchanged."""
    moved, exchanged = test.coordinates.copy(), np.roll(test.coordinates, 1, axis=0)
    moved[:, which] *= -1
    exchanged[:, which] = test.coordinates[:, which]
    other = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=0), test.source)
    said = lambda coordinates, source: answers(classifier, sounds(coordinates, source))
    return (
        Check("accuracy", accuracy, low=0.95),
        Check(
            "factor moved to the other class: it is heard",
            float(np.mean(said(moved, test.source) != test.labels)),
            low=0.95,
        ),
        Check(
            "all other factors and the noise exchanged: accuracy",
            float(np.mean(said(exchanged, other) == test.labels)),
            low=0.95,
        ),
    )


def learned(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates `[P, 5]`, all uniform, of voices to learn from, and these, `[P, T]`."""
    random = np.random.default_rng([seed, 24])
    coordinates = random.uniform(-1, 1, (POOL, len(FACTORS))).astype(np.float32)
    return coordinates, sounds(coordinates, sources(random, POOL))


def _sound(shared: Any, example: tuple[Array, Source], key: Array) -> Array:
    del shared, key
    return synthesise(*example)
