"""What is made of one clip: its arms, sounds that all get the same faint noise and the same ears.

The clip itself, the domain's way there and back with nothing edited (trip), and for each ranking
and fraction the sound of the first units (keep) and that of all others (delete). Rankings are
methods asked for the classifier's own prediction, and two controls in the same units: largest
first, and random draws. All that depends on a key follows from the clip's own number.
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
from audioxai_jax.perturbation.edit import EDITS, edit_first
from audioxai_jax.perturbation.rank import kept_count, rank_positions, unit_number
from audioxai_jax.synthesis.floor import speech_noise
from audioxai_jax.synthesis.levels import rms
from audioxai_jax.types import Base, Classifier, Method, Model, attribute
from experiments.strangers.ranking import chance, largest, scores, units_of

ORIGINAL, TRIP, MAGNITUDE, RANDOM = "original", "trip", "magnitude", "random"
Arm = dict[str, Any]
"""The "ranking", "edit" and "fraction" of a sound, and its "draw" if it is random."""


@record(static=("own", "unit", "rank", "fractions", "draws", "padding"))
class Study:
    """What is measured; `make_study` makes one.

    Attributes:
      classifier, listener: models of sounds, of the same labels; the listener is independent.
      voice: logit of speech in a sound, or None.
      reader: the classifier as a model of the features that it reads.
      own: whether these are the features of `domain`.
      domain: domain in which the classifier is explained.
      methods: methods by name.
      base: values that stand for absent features.
      unit: name of the units that are ranked and edited.
      rank: see `ranking.RANKS`; of methods alone.
      fractions: fractions of the units, kept and deleted.
      draws: number of random orders.
      padding: samples of the noise before and behind the clip, for listeners that want them.
    """

    classifier: Model
    listener: Model
    voice: Model | None
    reader: Model
    own: bool
    domain: Any
    methods: Mapping[str, Method]
    base: Base
    unit: str | None
    rank: str
    fractions: tuple[float, ...]
    draws: int
    padding: int = 0


def make_study(
    classifier: Classifier,
    listener: Classifier,
    voice: Model | None,
    domain: Any,
    methods: Mapping[str, Method],
    base: Base,
    *,
    unit: str | None,
    rank: str,
    fractions: tuple[float, ...],
    draws: int,
    padding: int = 0,
) -> Study:
    """A study of one classifier in one domain."""
    return Study(
        classifier=hearing(classifier, domain.sample_rate),
        listener=hearing(listener, domain.sample_rate),
        voice=voice,
        reader=classifier.model,
        own=same_view(domain, classifier.reads),
        domain=domain,
        methods=methods,
        base=base,
        unit=unit,
        rank=rank,
        fractions=tuple(fractions),
        draws=draws,
        padding=padding,
    )


def arms(study: Study) -> list[Arm]:
    """The arms in the order of their sounds."""
    whole: list[Arm] = [{"ranking": ORIGINAL}, {"ranking": TRIP}]
    rankings: list[Arm] = [{"ranking": name} for name in (*study.methods, MAGNITUDE)]
    rankings += [{"ranking": RANDOM, "draw": draw} for draw in range(study.draws)]
    return whole + [
        ranking | {"edit": edit, "fraction": fraction}
        for ranking in rankings
        for edit in EDITS
        for fraction in study.fractions
    ]


def keys_of(key: Array, number: Array) -> tuple[Array, Array, Array, Array]:
    """Keys of a clip for methods, random orders, the base and the noise."""
    method, order, base, noise = jax.random.split(jax.random.fold_in(key, number), 4)
    return method, order, base, noise


def noise_of(audio: Array, rate: int, padding: int, key: Array) -> Array:
    """Noise with the spectrum of speech, at the level of the clip, `[padding + T + padding]`.

    Times `level_factor` it is `synthesis.floor` of the clip, which every arm gets.
    """
    return rms(audio) * speech_noise(audio.shape[0] + 2 * padding, rate, key).astype(audio.dtype)


def level_factor(level_db: float | None) -> float:
    """Factor of a level in dB re the clip; 0 for None, no floor."""
    return 0.0 if level_db is None else 10 ** (level_db / 20)


def seen_from(study: Study, audio: Array) -> Model:
    """The classifier as a model of the domain's features; in its own domain nothing is decoded."""
    return study.reader if study.own else ThroughSound(study.classifier, study.domain, audio)


def make_sounds(study: Study, audio: Array, target: Array, keys: tuple) -> Array:
    """Sounds of all arms of one clip, `[A, T]`; see `arms`."""
    domain = study.domain
    features = domain.analyse(audio)
    units, grid = units_of(domain, study.unit, features.shape)
    base = study.base(domain, features, audio, keys[2])
    size = domain.size(features)
    model = seen_from(study, audio)
    orders = []
    for method in study.methods.values():
        relevance = attribute(method, model, features, target, key=keys[0]).relevance
        orders.append(scores(study.rank, relevance, size, units, grid))
    number = unit_number(features.shape, units)
    drawn = chance(keys[1], study.draws, number)
    orders = jnp.stack([*orders, largest(size, units, grid), *drawn])
    counts = jnp.asarray([kept_count(fraction, number) for fraction in study.fractions])

    def one(edit: str, positions: Array, count: Array) -> Array:
        edited = edit_first(edit, features, positions, count, base, units)
        return domain.synthesise(edited, audio)

    def both(positions: Array) -> Array:
        of_counts = [jax.vmap(lambda n, e=e: one(e, positions, n))(counts) for e in EDITS]
        return jnp.concatenate(of_counts)

    sounds = jax.vmap(both)(jax.vmap(rank_positions)(orders)).reshape(-1, audio.shape[0])
    return jnp.concatenate([audio[None], domain.synthesise(features, audio)[None], sounds])


def one_clip(shared: tuple[Study, Array], clip: dict[str, Array], _: Array) -> dict[str, Array]:
    """All sounds of one clip.

    Args:
      shared: the study, and a key of all clips.
      clip: "audio", int16 `[T]`; "number", see `clips.numbers`.

    Returns:
      "prediction", the classifier's of the clip itself; "sounds" `[A, T]`; "noise"
      `[P + T + P]` at the clip's level.
    """
    study, key = shared
    audio = clip["audio"].astype(jnp.float32) / 32768
    keys = keys_of(key, clip["number"])
    target = prediction(study.classifier(audio))
    noise = noise_of(audio, study.domain.sample_rate, study.padding, keys[3])
    sounds = make_sounds(study, audio, target, keys)
    return {"prediction": target, "sounds": sounds, "noise": noise}


def whole(shared: tuple[Study, Array], clip: dict[str, Array], _: Array) -> dict[str, Array]:
    """The two sounds of a clip in which nothing is edited, and its noise; see `one_clip`."""
    study, key = shared
    audio = clip["audio"].astype(jnp.float32) / 32768
    trip = study.domain.synthesise(study.domain.analyse(audio), audio)
    keys = keys_of(key, clip["number"])
    noise = noise_of(audio, study.domain.sample_rate, study.padding, keys[3])
    return {"sounds": jnp.stack([audio, trip]), "noise": noise}


def listen(study: Study, sound: Array, _: Array) -> dict[str, Array]:
    """What the models say of a sound `[T]`: logits `[K]`, and that of speech, NaN if not asked."""
    heard = jnp.nan if study.voice is None else study.voice(sound)
    said = {"classifier": study.classifier(sound), "listener": study.listener(sound)}
    return said | {"speech": jnp.asarray(heard, sound.dtype)}


def with_floor(sounds: np.ndarray, noise: np.ndarray, factor: float, padding: int) -> np.ndarray:
    """Sounds `[A, T]` of a clip with its noise `[P + T + P]`, as a stranger hears them."""
    padded = np.pad(sounds, ((0, 0), (padding, padding)))
    return padded + np.float32(factor) * noise
