"""Curves of keeping and deleting: any classifier, explained in any domain, judged on the sound.

Units of the domain are ranked for the classifier's own prediction by each method and by two
controls: largest first, and at random. A fraction of the units is kept, or deleted. The classifier
itself hears the sound that results, and so does an independent listener.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.core.windows import windowed
from audioxai_jax.domains.grid import unit_grid, unit_name
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import ThroughSound, hearing, same_view
from audioxai_jax.perturbation.ask import check_classes_said, prediction
from audioxai_jax.perturbation.edit import edit_first
from audioxai_jax.perturbation.hearable import counted_size, ranked_scores
from audioxai_jax.perturbation.rank import (
    check_rank,
    kept_count,
    magnitude_scores,
    random_scores,
    rank_positions,
    unit_number,
)
from audioxai_jax.types import Classifier, Method, Model, attribute

MAGNITUDE, RANDOM = "magnitude", "random"
"""Names of the controls."""
EDITS = ("keep", "delete")


@record(static=("own", "unit", "fractions", "draws", "outputs", "listener_outputs", "rank"))
class Study:
    """What is measured, see `measure`; `make_study` makes one.

    Attributes:
      classifier: the classifier as a model of sounds.
      listener: likewise, or None.
      reader: the classifier as a model of the features that it reads.
      own: whether these are the features of `domain`.
      domain: domain in which the classifier is explained.
      unit: name of the unit.
      methods: methods by name.
      fractions: fractions of the units, kept and deleted.
      draws: random rankings per clip.
      outputs, listener_outputs: see `types.Classifier`.
      rank: rank of units by relevance, one of `rank.RANKS`.
    """

    classifier: Model
    listener: Model | None
    reader: Model
    own: bool
    domain: Any
    unit: str | None
    methods: Mapping[str, Method]
    fractions: tuple[float, ...]
    draws: int
    outputs: str | None
    listener_outputs: str | None
    rank: str = "signed"


def make_study(
    classifier: Classifier,
    domain: Domain,
    methods: Mapping[str, Method],
    *,
    fractions: tuple[float, ...],
    draws: int,
    unit: str | None = None,
    listener: Classifier | None = None,
    rank: str = "signed",
) -> Study:
    """A study of one classifier in one domain.

    Args:
      classifier: classifier to explain.
      domain: domain to explain in; its sample rate is that of the clips.
      methods: methods by name.
      fractions: fractions of the units, in (0, 1].
      draws: random rankings per clip, of which the mean is reported.
      unit: name of the domain's units; its first if None.
      listener: an independent classifier, or None.
      rank: "signed", "absolute" or "hearable", see `hearable.ranked_scores`.

    Raises:
      ValueError: for outputs that are values, whose answers cannot stay the same, or an unknown
        rank.
    """
    check_rank(rank)
    for judge in filter(None, (classifier, listener)):
        check_classes_said(judge.outputs, "curves of kept answers")
    return Study(
        classifier=hearing(classifier, domain.sample_rate),
        listener=None if listener is None else hearing(listener, domain.sample_rate),
        reader=windowed(classifier),
        own=same_view(domain, classifier.reads),
        domain=domain,
        unit=unit,
        methods=dict(methods),
        fractions=tuple(fractions),
        draws=draws,
        outputs=classifier.outputs,
        listener_outputs=None if listener is None else listener.outputs,
        rank=rank,
    )


def seen_from(study: Study, audio: Array) -> Model:
    """The classifier as a model of the domain's features; in its own domain nothing is decoded."""
    return study.reader if study.own else ThroughSound(study.classifier, study.domain, audio)


def measure(study: Study, audio: Array, key: Array) -> dict[str, Any]:
    """All answers to one clip.

    Args:
      audio: waveform `[T]` at the domain's rate; of a classifier that reads windows, in its own
        domain, whole windows.
      key: consumed.

    Returns:
      "logits" and "listener": by ranking (the methods, "magnitude", "random") logits `[E, F, K]`
      of E edits (keep, delete) and F fractions, of "random" `[draws, E, F, K]`; by "original" and
      "trip" (nothing edited) `[K]`. "energy": by ranking, of the edited sounds relative to the
      clip's, `[E, F]`. "gap": by method, see `types.make_info`.
    """
    domain, features = study.domain, study.domain.analyse(audio)
    units = units_of(study, features.shape)
    unit = unit_name(domain, features.shape, study.unit)
    size, grid = domain.size(features), unit_grid(domain, features.shape, unit)
    target = prediction(study.classifier(audio), study.outputs)
    heard = seen_from(study, audio)
    method_key, random_key = jax.random.split(key)
    scores, gap = {}, {}
    for name, method in study.methods.items():
        attribution = attribute(method, heard, features, target, key=method_key)
        how = {"rank": study.rank, "size": size, "grid": grid}
        scores[name] = ranked_scores(attribution.relevance, units, **how)
        gap[name] = attribution.info["completeness_gap"]
    scores[MAGNITUDE] = magnitude_scores(counted_size(size, grid), units)
    number = unit_number(features.shape, units)
    chance = jax.vmap(random_scores, (0, None))(jax.random.split(random_key, study.draws), number)
    positions = jax.vmap(rank_positions)(jnp.stack([*scores.values(), *chance]))
    counts = jnp.asarray([kept_count(fraction, number) for fraction in study.fractions])
    results: dict[str, Any] = {"gap": gap}
    for place, values in _edit_all(study, audio, features, positions, counts).items():
        results[place] = dict(zip(scores, values)) | {RANDOM: values[len(scores) :]}
    for name, sound in (("original", audio), ("trip", domain.synthesise(features, audio))):
        for place, answers in _hear(study, sound).items():
            results[place][name] = answers
    return results


def units_of(study: Study, shape: tuple[int, ...]) -> np.ndarray:
    """Labels of the units, of features of some shape.

    Raises:
      ValueError: for a unit that the domain does not have.
    """
    return study.domain.units(shape)[unit_name(study.domain, shape, study.unit)]


def _edit_all(
    study: Study, audio: Array, features: Array, positions: Array, counts: Array
) -> dict[str, Array]:
    """Answers to all edits, `[rankings, edits, fractions, ..]`."""
    base, units = study.domain.base(features), units_of(study, features.shape)

    def one(ranking: Array, count: Array, edit: str) -> dict[str, Array]:
        edited = edit_first(edit, features, ranking, count, base, units)
        sound = study.domain.synthesise(edited, audio)
        energy = jnp.sum(sound**2) / (jnp.sum(audio**2) + jnp.finfo(audio.dtype).tiny)
        return {**_hear(study, sound), "energy": energy}

    def over_all(edit: str) -> dict[str, Array]:
        over_counts = jax.vmap(lambda ranking, count: one(ranking, count, edit), (None, 0))
        return jax.vmap(over_counts, (0, None))(positions, counts)

    return jax.tree.map(lambda *parts: jnp.stack(parts, axis=1), *map(over_all, EDITS))


def _hear(study: Study, sound: Array) -> dict[str, Array]:
    """Logits of the classifier and of the listener, if there is one."""
    answers = {"logits": study.classifier(sound)}
    return answers if study.listener is None else {**answers, "listener": study.listener(sound)}
