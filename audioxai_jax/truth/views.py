"""How the examples of trials are opened: sounds in a domain, or features as they are."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import ThroughSound, hearing, same_view
from audioxai_jax.truth.answers import cut, feature_shape
from audioxai_jax.truth.record import Answer, Check, Trial
from audioxai_jax.types import Classifier, Model


@record()
class Sounds:
    """Sounds `[T]`, explained in a domain through its way back to sound."""

    hears: Model
    domain: Domain

    def __call__(self, example: Array) -> tuple[Model, Array]:
        return ThroughSound(self.hears, self.domain, example), self.domain.analyse(example)

    def size(self, features: Array) -> Array:
        return self.domain.size(features)

    def merge(self, relevance: Array) -> Array:
        return _merged(self.domain, relevance)


@record()
class Own:
    """Sounds `[T]`, explained in the domain that the model reads: nothing is decoded."""

    model: Model
    domain: Domain

    def __call__(self, example: Array) -> tuple[Model, Array]:
        return self.model, self.domain.analyse(example)

    def size(self, features: Array) -> Array:
        return self.domain.size(features)

    def merge(self, relevance: Array) -> Array:
        return _merged(self.domain, relevance)


@record()
class Plain:
    """Features as they are, and one model of them all."""

    model: Model

    def __call__(self, example: Array) -> tuple[Model, Array]:
        return self.model, example

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def merge(self, relevance: Array) -> Array:
        return relevance


def sounds_trial(
    classifier: Classifier,
    audio: np.ndarray,
    targets: np.ndarray,
    answer: Answer,
    checks: tuple[Check, ...],
    *,
    domain: Domain,
    grid: tuple[float | None, float | None] = (0.1, None),
) -> Trial:
    """A trial of sounds `[N, T]`, at the domain's rate, explained in a domain.

    Args:
      classifier, audio, targets, answer, checks: as `Trial` has them.
      domain: domain in which relevance is scored.
      grid: seconds and Hz of a segment.
    """
    audio = np.asarray(audio, np.float32)
    own = same_view(domain, classifier.reads)
    view = (
        Own(classifier, domain) if own else Sounds(hearing(classifier, domain.sample_rate), domain)
    )
    base = float(np.ravel(domain.base(domain.analyse(jnp.asarray(audio[0]))))[0])
    fields: dict[str, Any] = {"classifier": classifier, "baseline": base, "grid": grid}
    trial = Trial(view, audio, targets, answer, checks, np.zeros(1, np.int32), **fields)
    return dataclasses.replace(trial, segments=cut(domain, feature_shape(trial), *grid))


def in_domain(trial: Trial, domain: Domain) -> Trial:
    """The same trial, explained in another domain.

    Raises:
      ValueError: if its examples are no sounds.
    """
    if trial.classifier is None:
        raise ValueError("this truth's examples are no sounds: it has one domain alone")
    arguments = (trial.classifier, trial.examples, trial.targets, trial.answer, trial.checks)
    return sounds_trial(*arguments, domain=domain, grid=trial.grid)


def _merged(domain: Domain, relevance: Array) -> Array:
    paired = domain.axes(relevance.shape)[-1].name == "part"
    return jnp.sum(relevance, axis=-1) if paired else relevance
