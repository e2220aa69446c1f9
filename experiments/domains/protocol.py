"""What is measured of one clip: a model of sound, explained in one domain, judged on the sound.

Features of the domain are ranked for the model's own prediction, by each method and by two
controls: by chance, and largest first. A fraction of the units is kept, or deleted; the sound that
results goes to the model itself and to an independent listener. All that they say is written down;
`experiments.domains.table` makes shares and intervals of it.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.explanation.composition import ThroughSound, hearing, same_view
from audioxai_jax.perturbation.ask import prediction
from audioxai_jax.perturbation.edit import edit_first
from audioxai_jax.perturbation.rank import (
    kept_count,
    magnitude_scores,
    random_scores,
    rank_positions,
    unit_number,
    unit_scores,
)
from audioxai_jax.types import Classifier, Method, Model, attribute

MAGNITUDE, RANDOM = "magnitude", "random"
EDITS = ("keep", "delete")


@record(static=("own", "fractions", "draws"))
class Study:
    """What is measured, see `measure`; `make_study` makes one.

    Attributes:
      classifier, listener: models of sounds; the listener is independent, of the same labels.
      reader: the classifier as a model of the features that it reads.
      own: whether these are the features of `domain`.
      domain: domain in which the classifier is explained; its first units are ranked and edited.
      methods: methods by name.
      fractions: fractions of the units, kept and deleted.
      draws: number of units at random.
    """

    classifier: Model
    listener: Model
    reader: Model
    own: bool
    domain: Any
    methods: Mapping[str, Method]
    fractions: tuple[float, ...]
    draws: int


def make_study(
    classifier: Classifier,
    listener: Classifier,
    domain: Any,
    methods: Mapping[str, Method],
    *,
    fractions: tuple[float, ...],
    draws: int,
) -> Study:
    """A study of one classifier in one domain."""
    return Study(
        classifier=hearing(classifier, domain.sample_rate),
        listener=hearing(listener, domain.sample_rate),
        reader=classifier.model,
        own=same_view(domain, classifier.reads),
        domain=domain,
        methods=methods,
        fractions=tuple(fractions),
        draws=draws,
    )


def seen_from(study: Study, audio: Array) -> Model:
    """The classifier as a model of the domain's features; in its own domain nothing is decoded."""
    return study.reader if study.own else ThroughSound(study.classifier, study.domain, audio)


def measure(study: Study, audio: Array, key: Array) -> dict[str, Any]:
    """All that is said of one clip.

    Args:
      audio: waveform `[T]`.
      key: consumed.

    Returns:
      "logits", "listener": by ranking (the methods, "magnitude", "random"), logits
      `[E, F, K]` of E edits (keep, delete) and F fractions, of "random" `[draws, E, F, K]`; by
      "original" and "trip" (nothing edited), `[K]`. "energy": by ranking, that of the edited
      sounds over the clip's, `[E, F]`. "gap": by method, see `types.make_info`.
    """
    domain = study.domain
    features = domain.analyse(audio)
    _, units = units_of(domain, features.shape)
    base = domain.base(features)
    target = prediction(study.classifier(audio))
    heard = seen_from(study, audio)
    method_key, random_key = jax.random.split(key)

    scores, gap = {}, {}
    for name, method in study.methods.items():
        found = attribute(method, heard, features, target, key=method_key)
        scores[name] = unit_scores(found.relevance, units, rank="signed")
        gap[name] = found.info["completeness_gap"]
    scores[MAGNITUDE] = magnitude_scores(domain.size(features), units)
    number = unit_number(features.shape, units)
    chance = jax.vmap(random_scores, (0, None))(jax.random.split(random_key, study.draws), number)
    order = jnp.stack([*scores.values(), *chance])

    counts = jnp.asarray([kept_count(fraction, number) for fraction in study.fractions])
    said = _look(study, audio, features, base, jax.vmap(rank_positions)(order), counts, units)
    whole = {"original": audio, "trip": domain.synthesise(features, audio)}
    results: dict[str, Any] = {"gap": gap}
    for place, values in said.items():
        results[place] = dict(zip(scores, values)) | {RANDOM: values[len(scores) :]}
    for name, sound in whole.items():
        results["logits"][name] = study.classifier(sound)
        results["listener"][name] = study.listener(sound)
    return results


def units_of(domain: Any, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
    """What is ranked and edited as one, of features of some shape: its name, and labels."""
    units = domain.units(shape)
    unit = next(iter(units))
    return unit, units[unit]


def _look(study: Study, audio, features, base, positions, counts, units) -> dict[str, Array]:
    """What both judges say of all edits, `[rankings, edits, fractions, K]`, and their energy."""

    def one(ranking: Array, count: Array, edit: str) -> dict[str, Array]:
        edited = edit_first(edit, features, ranking, count, base, units)
        sound = study.domain.synthesise(edited, audio)
        energy = jnp.sum(sound**2) / (jnp.sum(audio**2) + 1e-12)
        return {
            "logits": study.classifier(sound),
            "listener": study.listener(sound),
            "energy": energy,
        }

    def edits(edit: str) -> dict[str, Array]:
        over_counts = jax.vmap(lambda ranking, count: one(ranking, count, edit), (None, 0))
        return jax.vmap(over_counts, (0, None))(positions, counts)

    return jax.tree.map(lambda *parts: jnp.stack(parts, axis=1), *map(edits, EDITS))
