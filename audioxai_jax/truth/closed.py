"""What closed-form truths share: levels of ten cells of real latents, and their trial.

A player is the level of one cell of the shipped codec's latent: of each of ten stretches of
40 ms, one frame and one band. Levels are not negative, and about zero where nothing sounds. Players
that are absent are zero, as the domain's base is. Everything is in double precision.

Exact relevance is the Shapley value of v(S) = f(x with the players outside S at zero). Where f is
a sum over sets T of players of c_T times the product of their values, the value of player i is
the sum over T with i of c_T x_T / |T|: each term is shared equally by those without whom it is zero
(L. S. Shapley, "A Value for n-Person Games", 1953: symmetry, dummy, additivity).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax.truth.answers import Exact
from audioxai_jax.truth.latents import FRAMES, STRETCHES, encoded, sounds
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import Plain

PLAYERS, CLASSES = STRETCHES, 4
BANDS = 14
"""Lowest bands, of which one is drawn for each stretch."""
EXACT = 1e-12
BARS = (Bar("error", high=EXACT),)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Levels `[N, PLAYERS]`, float64, and which output is explained, `[N]`."""

    levels: np.ndarray
    targets: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Closed:
    """A model in closed form.

    Attributes:
      model: levels `[PLAYERS]` to `[CLASSES]`.
      values: exact Shapley values of one output, `(levels, target) -> [PLAYERS]`.
      falls: what the output loses with each player alone, the same.
      read: which players each output reads, booleans `[CLASSES, PLAYERS]`.
    """

    model: Partial
    values: Any
    falls: Any
    read: np.ndarray


def draw(count: int, *, seed: int) -> Drawn:
    """Levels of sounds in the shipped codec.

    Args:
      count: number of sounds.
      seed: decides all.
    """
    random = np.random.default_rng([seed, 22])
    audio, _ = sounds(count, random=random)
    frames = FRAMES * np.arange(STRETCHES) + random.integers(FRAMES, size=STRETCHES)
    bands = random.integers(BANDS, size=STRETCHES)
    levels = encoded(audio)[:, frames, bands].astype(np.float64)
    return Drawn(levels, random.integers(CLASSES, size=count))


def closed_trial(closed: Closed, drawn: Drawn) -> Trial:
    """The trial of a closed form, with its interventions."""
    pairs = list(zip(drawn.levels, drawn.targets, strict=True))
    values = np.stack([closed.values(x, target) for x, target in pairs])
    falls = np.stack([closed.falls(x, target) for x, target in pairs])
    inside = closed.read[drawn.targets].astype(np.int8)
    checks = intervene(closed, drawn, values, falls)
    segments = np.arange(PLAYERS, dtype=np.int32)
    answer = Exact(values, inside)
    return Trial(Plain(closed.model), drawn.levels, drawn.targets, answer, checks, segments)


def intervene(
    closed: Closed, drawn: Drawn, values: np.ndarray, falls: np.ndarray
) -> tuple[Check, ...]:
    """Players removed one by one and together, and those that an output does not read exchanged."""
    x, rows = drawn.levels, np.arange(len(drawn.levels))
    read = closed.read[drawn.targets]
    own = lambda levels: outputs(closed, levels)[rows, drawn.targets]
    whole, scale = own(x), np.abs(values).max(axis=1)
    alone = np.stack([whole - own(np.where(np.arange(PLAYERS) == i, 0, x)) for i in range(PLAYERS)])
    worst = lambda change: float((np.abs(change) / scale).max())
    exchanged = np.where(read, x, np.roll(x, 1, axis=0))
    total = values.sum(axis=1) - (whole - own(np.zeros_like(x)))
    return (
        Check(
            "smallest exact value that is the largest of its sound", float(scale.min()), low=1e-6
        ),
        Check("one player removed: error of the fall", worst(alone - falls.T), high=EXACT),
        Check("all players removed: error of the sum of values", worst(total), high=EXACT),
        Check("players not read exchanged: change", worst(own(exchanged) - whole), high=0.0),
    )


def outputs(closed: Closed, levels: np.ndarray) -> np.ndarray:
    """Outputs of the model for each row, `[N, CLASSES]`, in double precision."""
    with jax.enable_x64(True):
        return np.asarray(_outputs(closed.model, jnp.asarray(levels)))


@jax.jit
def _outputs(model: Partial, levels: Any) -> Any:
    return jax.vmap(model)(levels)


def members(random: np.random.Generator, sizes: tuple[int, ...]) -> np.ndarray:
    """Groups of players of each class, disjoint in a class, `[CLASSES, groups, largest size]`.

    Number PLAYERS fills groups up.
    """
    groups = np.full((CLASSES, len(sizes), max(sizes)), PLAYERS, np.int32)
    for own in groups:
        order = random.permutation(PLAYERS)
        for group, size, end in zip(own, sizes, np.cumsum(sizes), strict=True):
            group[:size] = order[end - size : end]
    return groups


def readers(groups: np.ndarray) -> np.ndarray:
    """Which players each class reads, booleans `[CLASSES, PLAYERS]`."""
    flat = groups.reshape(len(groups), -1)
    return (flat[:, :, None] == np.arange(PLAYERS)).any(axis=1)
