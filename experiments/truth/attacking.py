"""Attacks on the maps of one trial, and how far every method's map moves."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import attribution
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import Static, record
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.models.smoothed import smoothed
from audioxai_jax.perturbation.attack import (
    Moved,
    Outside,
    Turned,
    attack_explanation,
    cosine,
    noise_like,
)
from audioxai_jax.truth import Trial
from audioxai_jax.truth.recipe import RATE
from audioxai_jax.truth.score import explained, scores
from audioxai_jax.types import Method, attribute
from experiments.truth.methods import REFUSALS

SHARPNESS = 20.0
"""Of the soft corners through which maps of gradients are followed."""
ATTACKS: dict[str, tuple[Method, bool]] = {
    "saliency": (attribution.saliency(), True),
    "input_x_gradient": (attribution.input_x_gradient(), True),
    "integrated_gradients": (attribution.integrated_gradients(steps=5), True),
    "lrp:epsilon_plus": (attribution.lrp("epsilon_plus"), False),
}
"""Method whose map an attack turns, and whether its model is smoothed meanwhile."""
OBJECTIVES = ("turn", "mislead")
"""What an attack maximises: 1 - cosine of both maps, or the share of absolute relevance that lies
outside of the truth's answer."""
MEASURES = ("cosine", "rank", "segments", "auc_before", "auc_after")
"""Of a map before and after: cosine, rank correlation of features and of segments, and AUC."""


@record(static=("soft",))
class MapOf:
    """`audio -> map` of one method and target."""

    method: Method
    view: Any
    target: Array
    soft: bool

    def __call__(self, audio: Array) -> Array:
        model, features = self.view(audio)
        model = smoothed(model, sharpness=SHARPNESS) if self.soft else model
        unused = jax.random.key(0)  # none of ATTACKS draws
        made = attribute(self.method, model, features, self.target, key=unused)
        return self.view.merge(made.relevance)


@record()
class Hears:
    """`audio -> logits` of a trial's view."""

    view: Any

    def __call__(self, audio: Array) -> Array:
        model, features = self.view(audio)
        return model(features)


def attacked(
    trial: Trial, name: str, *, objective: str, key: Array, snr_db: float, steps: int
) -> Moved:
    """Each clip of a trial, changed by one of ATTACKS.

    Args:
      trial: clips, all of one length.
      name: key of ATTACKS.
      objective: one of OBJECTIVES.
      key: consumed.
      snr_db: bound of the change, dB below its clip.
      steps: number of steps.

    Raises:
      ValueError: if its examples are no sounds.
    """
    if trial.classifier is None:
        raise ValueError("this truth's examples are no sounds: nothing about them is audible")
    method, soft = ATTACKS[name]
    shared = (
        method,
        trial.view,
        jnp.asarray(snr_db, jnp.float32),
        Static((soft, steps, objective)),
    )
    inside = (trial.answer.masks(trial) == 1).astype(np.float32)
    examples = (jnp.asarray(trial.examples), jnp.asarray(trial.targets, jnp.int32), inside)
    return map_examples(_attack, shared, examples, key=key)


def _attack(shared: Any, example: Any, key: Array) -> Moved:
    (method, view, snr_db, static), (audio, target, inside) = shared, example
    soft, steps, name = static.value
    explain = MapOf(method, view, target, soft)
    how: dict[str, Any] = {"sample_rate": RATE, "snr_db": snr_db, "steps": steps}
    how["objective"] = Turned() if name == "turn" else Outside(inside)
    return attack_explanation(Hears(view), explain, audio, target, key=key, **how)


def control(trial: Trial, audio: np.ndarray, *, key: Array) -> np.ndarray:
    """Each clip with noise of the level and spectrum of its change, `[N, T]`."""
    change = jnp.asarray(audio) - jnp.asarray(trial.examples)
    noise = map_examples(_noise, jnp.zeros(()), change, key=key)
    return np.asarray(trial.examples + noise)


def _noise(shared: Any, change: Array, key: Array) -> Array:
    del shared
    return noise_like(change, key)


def maps(trial: Trial, methods: Mapping[str, Method], seed: int) -> dict[str, np.ndarray]:
    """Merged relevance by method, the same draws for the same seed; those alone that explain."""
    made = {}
    for name, method in methods.items():
        try:
            relevance, _ = explained(trial, method, key=jax.random.key(seed))
        except REFUSALS:
            continue
        if np.isfinite(relevance).all():
            made[name] = relevance
    return made


def moved_by(
    trial: Trial,
    methods: Mapping[str, Method],
    before: Mapping[str, np.ndarray],
    audio: np.ndarray,
    seed: int,
) -> dict[str, np.ndarray]:
    """MEASURES of each method's maps of changed clips, `[N, 5]`.

    Args:
      trial: the clips as they were, whose answer counts.
      methods: methods by name.
      before: maps of the clips by method.
      audio: changed clips, `[N, T]`.
      seed: seed of the methods' own draws, the same as before: differences are not those.
    """
    changed = dataclasses.replace(trial, examples=np.asarray(audio, np.float32))
    after = maps(changed, {name: methods[name] for name in before}, seed)
    rows = {}
    for name, relevance in after.items():
        first = before[name]
        pairs = ((first, relevance), (sums(trial, first), sums(trial, relevance)))
        (cosines, ranks), (_, segments) = (_alike(jnp.asarray(a), jnp.asarray(b)) for a, b in pairs)
        auc = [scores(trial, made)["auc"] for made in (first, relevance)]
        rows[name] = np.stack([cosines, ranks, segments, *auc], axis=1)
    return rows


def sums(trial: Trial, relevance: np.ndarray) -> np.ndarray:
    """Relevance of each segment, `[N, S]`."""
    labels = np.broadcast_to(trial.segments, relevance.shape[1:]).ravel()
    count = int(labels.max()) + 1
    return np.stack([np.bincount(labels, row.ravel(), count) for row in relevance])


@jax.jit
def _alike(a: Array, b: Array) -> tuple[Array, Array]:
    return jax.vmap(cosine)(a, b), jax.vmap(rank_correlation)(a, b)
