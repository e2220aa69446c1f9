"""Neurons: a network written by hand, in which three hidden units of 32 carry each logit.

A unit is the mean of two rectified filters, a quarter of a period apart: how much of one frequency
sounds, at nearly any phase. The tones of a class excite its three units; fifteen other tones, twice
as loud, excite as many that decide nothing. Relevance of hidden units has to lie on the three.

Behind the units are two layers. Of the first, some read the units of one class and lead to its
logit; as many read all units, with larger weights, and lead nowhere: neither how excited a unit is
nor how large its weights are tells what it does.
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax.core.records import record
from audioxai_jax.truth.answers import Masks
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.types import Model

UNITS, CLASSES, CARRY, OTHERS = 32, 4, 3, 15
"""Hidden units, classes, units that carry each, and other tones of a sound."""
LIVE = 4
"""Units of the next layer that lead to each logit; as many lead nowhere."""
WINDOW, HOP = 512, 128
FREQUENCIES = 500.0 + 200.0 * np.arange(UNITS)
"""Of the units, Hz."""
LEVEL = 0.01
"""Amplitude of a tone that decides."""
BARS = (
    Bar("exact_set", low=0.95, energy=0.05),
    Bar("auc", low=0.95, energy=0.6),
    Bar("mass", low=1.0, energy=0.3),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Sounds `audio [N, T]` and their classes `labels [N]`."""

    audio: np.ndarray
    labels: np.ndarray


@record()
class Units:
    """Sounds `[T]`, explained by hidden units: the network behind them, and their values."""

    front: Model
    rest: Model

    def __call__(self, example: Array) -> tuple[Model, Array]:
        return self.rest, self.front(example)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def merge(self, relevance: Array) -> Array:
        return relevance


def carriers(seed: int) -> np.ndarray:
    """Units that carry each class, `[CLASSES, CARRY]`."""
    order = np.random.default_rng([seed, 25]).permutation(UNITS)
    return order[: CLASSES * CARRY].reshape(CLASSES, CARRY)


def draw(count: int, *, seed: int, carry: np.ndarray, decide: bool = True) -> Drawn:
    """Sounds of the truth.

    Args:
      count: number of sounds.
      seed: decides all.
      carry: units that carry each class, see `carriers`.
      decide: whether the tones of the class sound.
    """
    random = np.random.default_rng([seed, 26])
    labels = random.integers(CLASSES, size=count)
    others = np.setdiff1d(np.arange(UNITS), carry)
    time = np.arange(SAMPLES) / RATE
    audio = np.empty((count, SAMPLES), np.float32)
    for clip, label in zip(audio, labels, strict=True):
        amplitudes = np.zeros(UNITS)
        amplitudes[random.permutation(others)[:OTHERS]] = 2 * LEVEL
        amplitudes[carry[label]] = LEVEL * random.uniform(0.8, 1.2, CARRY) * decide
        phases = random.uniform(0, 2 * np.pi, UNITS)
        heard = np.flatnonzero(amplitudes)
        waves = np.cos(2 * np.pi * FREQUENCIES[heard] * time[:, None] + phases[heard])
        clip[:] = waves @ amplitudes[heard]
    return Drawn(audio, labels)


def excited(params: dict[str, Array], audio: Array) -> Array:
    """The hidden units `[UNITS]` of a sound `[T]`."""
    layout = ("NWC", "WIO", "NWC")
    filtered = jax.lax.conv_general_dilated(
        audio[None, :, None], params["filters"], (HOP,), "VALID", dimension_numbers=layout
    )
    rectified = jnp.abs(filtered[0]).reshape(-1, UNITS)
    return checkpoint_name(jnp.mean(rectified, axis=0), "units")


def decided(params: dict[str, Array], units: Array) -> Array:
    """Logits `[CLASSES]` of the hidden units."""
    inner = jax.nn.relu(params["inner"] @ units + params["shift"])
    return params["outer"] @ inner


def network(params: dict[str, dict[str, Array]], audio: Array) -> Array:
    """Logits of a sound; its hidden units are the point "units"."""
    return decided(params["rest"], excited(params["front"], audio))


def written(seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Parameters of `network`; a tone that decides excites its unit to about 1."""
    random, carry = np.random.default_rng([seed, 27]), carriers(seed)
    time = np.arange(WINDOW) / RATE
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    turns = time[:, None] * FREQUENCIES
    filters = np.concatenate([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=1)
    filters = hann[:, None] * filters * (2 / hann.sum() * np.pi / 2 / LEVEL)
    live, dead = np.zeros((CLASSES, LIVE, UNITS)), random.normal(size=(CLASSES * LIVE, UNITS))
    for rows, own in zip(live, carry, strict=True):
        rows[:, own] = random.uniform(0.5, 1.5, size=(LIVE, CARRY))
    outer = np.kron(np.eye(CLASSES), np.ones(LIVE))
    params = {
        "front": {"filters": filters[:, None, :]},
        "rest": {
            "inner": np.concatenate([live.reshape(-1, UNITS), 3 * dead]),
            "shift": random.uniform(-1.0, -0.5, 2 * CLASSES * LIVE),
            "outer": np.concatenate([outer, np.zeros_like(outer)], axis=1),
        },
    }
    return jax.tree.map(lambda values: values.astype(np.float32), params)


def build(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """See `Truth.build`."""
    del data
    params, carry = jax.tree.map(jnp.asarray, written(seed)), carriers(seed)
    view = Units(Partial(excited, params["front"]), Partial(decided, params["rest"]))
    test = draw(max(clips, 64), seed=seed, carry=carry)
    silent = draw(max(clips, 64), seed=seed, carry=carry, decide=False)
    checks = intervene(view, test, silent, carry)
    heard = answers(view, units(view, test.audio)) == test.labels
    chosen = np.flatnonzero(heard)[:clips]
    masks = np.zeros((CLASSES, UNITS), np.int8)
    masks[np.arange(CLASSES)[:, None], carry] = 1
    targets = test.labels[chosen]
    segments = np.arange(UNITS, dtype=np.int32)
    return Trial(view, test.audio[chosen], targets, Masks(masks[targets]), checks, segments)


def intervene(view: Units, test: Drawn, silent: Drawn, carry: np.ndarray) -> tuple[Check, ...]:
    """Tones left out of the sound; units that carry set to their mean, and planted; all others."""
    hidden = units(view, test.audio)
    before, other = logits(view, hidden), np.roll(hidden, 1, axis=0)
    flat, constant = carry.ravel(), hidden.copy()
    constant[:, flat] = hidden[:, flat].mean(axis=0)
    planted, exchanged = hidden.copy(), other.copy()
    planted[:, flat], exchanged[:, flat] = other[:, flat], hidden[:, flat]
    right = lambda hidden, labels: float(np.mean(answers(view, hidden) == labels))
    spread = float(np.ptp(logits(view, constant), axis=0).max())
    change = float(np.abs(logits(view, exchanged) - before).max())
    without = right(units(view, silent.audio), silent.labels)
    return (
        Check("accuracy", right(hidden, test.labels), low=0.99),
        Check("tones that decide left out: accuracy", without, high=1 / CLASSES + 0.15),
        Check("units that carry at their mean: spread of logits", spread, high=0.0),
        Check(
            "units that carry planted: the other clip's class is answered",
            right(planted, np.roll(test.labels, 1)),
            low=0.99,
        ),
        Check("all other units exchanged: change of logits", change, high=0.0),
    )


def units(view: Units, audio: np.ndarray) -> np.ndarray:
    """Hidden units of each sound, `[N, UNITS]`."""
    return np.array(_each(view.front, jnp.asarray(audio)))


def logits(view: Units, hidden: np.ndarray) -> np.ndarray:
    """Logits of each row of hidden units, `[N, CLASSES]`."""
    return np.asarray(_each(view.rest, jnp.asarray(hidden)))


def answers(view: Units, hidden: np.ndarray) -> np.ndarray:
    """The class of each row of hidden units, `[N]`."""
    return logits(view, hidden).argmax(axis=1)


@jax.jit
def _each(model: Model, examples: Array) -> Array:
    return jax.vmap(model)(examples)
