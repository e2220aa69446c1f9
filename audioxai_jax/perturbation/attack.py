"""Attacks on explanations: a change that nobody hears moves the map, and the answer stays.

A. Ghorbani, A. Abid, J. Zou, "Interpretation of Neural Networks Is Fragile", AAAI 2019, and A.-K.
Dombrowski et al., NeurIPS 2019, move the maps of images. Of sounds the change has to be
inaudible: here it stays below the masking threshold of the clip, cell by cell
(`transforms.masking_threshold`; Y. Qin et al., ICML 2019, bound attacks on answers by it), and
below a signal-to-noise ratio. Found by projected gradient ascent through the explanation.

The gradient of a network of ReLUs has no derivative: to move maps of gradients, follow those of
`models.smoothed`, and measure what happens to the true ones. LRP's can be followed as they are.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import record
from audioxai_jax.perturbation.counterpart import lead, ratio_db, within
from audioxai_jax.transforms.istft import analyse, synthesise
from audioxai_jax.transforms.masking_threshold import masking_threshold
from audioxai_jax.types import Model

WINDOW, HOP = 512, 128
"""Of the STFT in which the change is bound, samples."""
HEADROOM = 0.7
"""The bound that is projected to, as a part of the threshold: frames overlap and add up."""
ROUNDS = 2
"""Projections to the cells' bounds, after each step."""
START = 0.2
"""Size of the random start, as a part of the threshold."""
Explain = Callable[[Array], Array]
Objective = Callable[[Array, Array], Array]


@record()
class Moved:
    """What an attack made.

    Attributes:
      audio: the changed clip, `[T]`; the clip itself if no change kept the answer.
      objective: the objective, of the changed clip's map and the true one's.
      drift: largest change of the target's logit and of its lead, over that lead.
      snr_db: energy of the clip over that of the change, dB; infinite if nothing moved.
      above: share of the cells in which the change exceeds the masking threshold.
    """

    audio: Array
    objective: Array
    drift: Array
    snr_db: Array
    above: Array


@record()
class Turned:
    """An objective: `1 - cos` of two maps, 0 to 2."""

    def __call__(self, moved: Array, first: Array) -> Array:
        return 1 - cosine(moved, first)


@record()
class Outside:
    """An objective: the share of absolute relevance that lies outside of a mask, 0 to 1.

    Attributes:
      inside: 1 inside, 0 outside, of a shape that broadcasts to the map's.
    """

    inside: Array

    def __call__(self, moved: Array, first: Array) -> Array:
        del first
        size = jnp.abs(moved)
        return 1 - jnp.sum(self.inside * size) / jnp.maximum(jnp.sum(size), 1e-30)


def attack_explanation(
    model: Model,
    explain: Explain,
    audio: Array,
    target: int | Array,
    *,
    key: Array,
    sample_rate: int,
    objective: Objective | None = None,
    snr_db: float | Array = 30.0,
    tolerance: float = 0.1,
    steps: int = 40,
    stride: float = 0.1,
) -> Moved:
    """A clip with an inaudible change that moves its map, while the answer stays.

    `D <- project(restore(project(D + stride T g / |g|)))` for each cell of the change's STFT D,
    with the masking threshold T and the STFT g of the gradient of the objective. `restore` is a
    Newton step that takes the target's logit and its lead back to where they were, the smallest
    one when cells are measured by T. Of all steps, that with the largest objective counts at which
    `drift <= tolerance`.

    Args:
      model: audio `[T]` to logits `[K]`, of two classes or more.
      explain: audio `[T]` to a map; differentiable, see the head of this file.
      audio: clip, floating point `[T]`.
      target: class that the model says, and goes on saying.
      key: consumed; the random start.
      sample_rate: Hz.
      objective: `(map of the changed clip, map of the clip) -> scalar` that grows; `Turned()` if
        None.
      snr_db: bound of the whole change, dB below the clip.
      tolerance: largest drift of the logits, as a part of the target's lead.
      steps: number of steps; each costs the gradient of an explanation and of the model.
      stride: length of a step in each cell, as a part of its threshold.

    Raises:
      ValueError: for audio that is no `[T]`, a single logit, or fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    audio = as_audio(audio)
    objective = Turned() if objective is None else objective
    bounds = Bounds.of(audio, sample_rate, snr_db)
    first, said = explain(audio), _said(model(audio), target)
    gain_of = lambda change: objective(explain(audio + change), first)
    drift_of = lambda change: _said(model(audio + change), target) - said
    relative = lambda drift: jnp.max(jnp.abs(drift)) / jnp.maximum(said[0], 1e-6)

    def step(state: Any, _: None) -> tuple[Any, None]:
        change, best = state
        gain, gradient = jax.value_and_grad(gain_of)(change)
        best = _better(best, (change, gain, relative(drift_of(change))), tolerance)
        moved = bounds.step(change, gradient, stride)
        return (bounds.restored(moved, drift_of(moved), jax.jacrev(drift_of)(moved)), best), None

    still = (jnp.zeros_like(audio), objective(first, first), jnp.zeros((), audio.dtype))
    start = bounds.project(bounds.drawn(key, audio.shape[0]))
    (change, best), _ = lax.scan(step, (start, still), None, length=steps)
    last = (change, gain_of(change), relative(drift_of(change)))
    change, gain, drift = _better(best, last, tolerance)
    above = bounds.share_above(change)
    return Moved(audio + change, gain, drift, ratio_db(audio, change), above)


def noise_like(change: Array, key: Array) -> Array:
    """Noise with the level and the STFT magnitudes of a change `[T]`: its phases are drawn.

    The control of an attack. Resynthesis changes magnitudes somewhat; the level is made equal.
    """
    cells = _cells(change)
    phases = jnp.exp(2j * jnp.pi * jax.random.uniform(key, cells.shape, change.dtype))
    noise = _sound(cells * phases, change.shape[0])
    level = jnp.sqrt(jnp.sum(change**2))
    return noise * level / jnp.maximum(jnp.sqrt(jnp.sum(noise**2)), 1e-30)


def cosine(a: Array, b: Array) -> Array:
    """Cosine of the angle between two maps; 0 if one is 0."""
    size = jnp.sum(a**2) * jnp.sum(b**2)
    return jnp.sum(a * b) / jnp.sqrt(jnp.where(size > 0, size, 1))


@record()
class Bounds:
    """How large a change may be, in each cell and in all.

    Attributes:
      threshold: magnitudes of the STFT's cells, `[F, B]`.
      radius: largest L2 norm of the change.
    """

    threshold: Array
    radius: Array

    @classmethod
    def of(cls, audio: Array, sample_rate: int, snr_db: float | Array) -> "Bounds":
        """Those of a clip."""
        threshold = masking_threshold(audio, sample_rate=sample_rate, window=WINDOW, hop=HOP)
        radius = 10 ** (-snr_db / 20) * jnp.sqrt(jnp.sum(audio**2))
        return cls(lax.stop_gradient(threshold), lax.stop_gradient(radius))

    def project(self, change: Array) -> Array:
        """A change within the bounds: cells first, then the whole."""
        for _ in range(ROUNDS):
            cells = _cells(change)
            allowed = HEADROOM * self.threshold / jnp.maximum(jnp.abs(cells), 1e-30)
            change = _sound(cells * jnp.minimum(1, allowed), change.shape[0])
        return within(change, self.radius)

    def step(self, change: Array, gradient: Array, stride: float) -> Array:
        """A step uphill, equally long in each cell when measured by its threshold."""
        cells = _cells(jnp.where(jnp.isfinite(gradient), gradient, 0))
        unit = cells / jnp.maximum(jnp.abs(cells), 1e-30)
        move = _sound(self.threshold * unit, change.shape[0])
        return self.project(change + stride * move)

    def restored(self, change: Array, drift: Array, slopes: Array) -> Array:
        """A change after a Newton step that takes values back, within the bounds.

        Args:
          change: change `[T]`.
          drift: how far the values are off, `[V]`.
          slopes: gradients of the values, `[V, T]`.
        """
        weigh = lambda slope: _sound(self.threshold**2 * _cells(slope), change.shape[0])
        moves = jax.vmap(weigh)(slopes)
        system = jnp.matmul(slopes, moves.T, precision="highest")
        ridge = 1e-4 * jnp.trace(system) * jnp.eye(len(drift), dtype=system.dtype)
        lengths = jnp.linalg.solve(system + ridge + 1e-30 * jnp.eye(len(drift)), drift)
        return self.project(change - jnp.matmul(lengths, moves, precision="highest"))

    def drawn(self, key: Array, samples: int) -> Array:
        """A random change `[samples]`: in each cell a part of the threshold, with any phase."""
        turns = jax.random.uniform(key, self.threshold.shape, self.threshold.dtype)
        return _sound(START * self.threshold * jnp.exp(2j * jnp.pi * turns), samples)

    def share_above(self, change: Array) -> Array:
        """Share of the cells in which a change exceeds the threshold."""
        return jnp.mean(jnp.abs(_cells(change)) > self.threshold, dtype=change.dtype)


def _said(logits: Array, target: int | Array) -> Array:
    """The target's lead over the other classes, and its logit, `[2]`."""
    target = jnp.asarray(target)
    return jnp.stack([-lead(logits, target), logits[target]])


def _better(best: Any, other: Any, tolerance: float) -> Any:
    """The one of two (change, gain, drift) with the larger gain, if it keeps the answer."""
    (_, gain, _), (_, new, drift) = best, other
    takes = (new > gain) & (drift <= tolerance)
    return jax.tree.map(lambda a, b: jnp.where(takes, b, a), best, other)


def _cells(sound: Array) -> Array:
    return analyse(sound, window=("hann", WINDOW), hop=HOP)


def _sound(cells: Array, samples: int) -> Array:
    return synthesise(cells, samples, window=("hann", WINDOW), hop=HOP)
