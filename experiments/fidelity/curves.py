"""Fidelity curves: agreement over the fraction that is kept or deleted, with controls.

For one clip, all methods at once, so that the codec's work on the clip is shared. Every
method is judged beside features kept at random (several draws) and beside the codec alone.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax import domains
from audioxai_jax.attribution import random_control
from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import record
from audioxai_jax.types import Base, Codec, Method, Model, attribute
from experiments.fidelity.agreement import agreement, edited_latents

RANDOM = "random_control"
UNITS = ("feature", "frame", "channel")
"""Of a latent, that are ranked and edited as one."""


@record(static=("units", "rank", "draws"))
class Curves:
    """What is measured; see `fidelity_curves`.

    Attributes:
      codec, classifier, listener: models; the listener is independent of the codec.
      methods: methods by name.
      base: values that stand for absent features.
      keep, delete: fractions, `[M]` and `[N]`.
      units: names of `domains.latent`: "feature", "frame", "channel".
      rank: "signed" or "absolute", the same.
      draws: number of features at random.
    """

    codec: Codec
    classifier: Model
    listener: Model
    methods: Mapping[str, Method]
    base: Base
    keep: Array
    delete: Array
    units: tuple[str, ...]
    rank: str
    draws: int


def fidelity_curves(what: Curves, audio: Array, key: Array) -> dict[str, Any]:
    """The curves of one clip.

    Args:
      audio: waveform `[T]` at the codec's rate.
      key: consumed.

    Returns:
      "target", the classifier's class, and "listener_target", the listener's; "codec_only":
      agreement after the codec alone; "curves": by method and unit, agreement `[M + N]` as
      `experiments.fidelity.agreement.agreement` has it (random draws: their mean); "gap" and
      "level": by method, the completeness gap, and the level in dB re the clip of the sound that
      keeps the second of the `keep` fractions; "finite": False if the models or a method returned
      NaN or infinity anywhere, on edited latents too, and the rest means nothing.
    """
    codec, classifier, audio = what.codec, what.classifier, as_audio(audio)
    latent = codec.encode(audio)
    base_key, method_key, random_key = jax.random.split(key, 3)
    domain = domains.latent(codec)
    units = domain.units(latent.shape)
    base = what.base(domain, latent, audio, base_key)
    target = jnp.argmax(classifier(latent))

    def ask(edited: Array) -> dict[str, Array]:
        return agreement(codec, classifier, what.listener, latent, edited, len(audio))

    def edit(relevance: Array, unit: str) -> Array:
        fractions = what.keep, what.delete
        return edited_latents(
            latent, relevance, base, *fractions, rank=what.rank, units=units[unit]
        )

    def level(edited: Array) -> Array:
        sound = codec.decode(edited)[: len(audio)]
        return 10 * jnp.log10((jnp.sum(sound**2) + 1e-20) / (jnp.sum(audio**2) + 1e-20))

    found: dict[str, Any] = {"curves": {}, "gap": {}, "level": {}}
    numbers = [latent, base, classifier(latent), what.listener(audio), codec.decode(latent)]
    for name, method in what.methods.items():
        attribution = attribute(method, classifier, latent, target, key=method_key)
        relevance = attribution.relevance
        numbers.append(relevance)
        found["curves"][name] = {unit: ask(edit(relevance, unit)) for unit in what.units}
        found["gap"][name] = attribution.info["completeness_gap"]
        found["level"][name] = level(edit(relevance, what.units[0])[1])
    draws = jax.vmap(lambda key: random_control()(classifier, latent, target, key=key).relevance)(
        jax.random.split(random_key, what.draws)
    )
    found["curves"][RANDOM] = {
        unit: jax.tree.map(
            lambda values: jnp.mean(values.reshape(what.draws, -1), axis=0),
            ask(jax.vmap(lambda draw: edit(draw, unit))(draws).reshape(-1, *latent.shape)),  # noqa: B023
        )
        for unit in what.units
    }
    found["level"][RANDOM] = level(edit(draws[0], what.units[0])[1])
    found["codec_only"] = jax.tree.map(lambda v: v[0], ask(latent[None]))
    numbers += jax.tree.leaves((found["curves"], found["codec_only"]))
    return {
        **found,
        "finite": jnp.all(jnp.stack([jnp.all(jnp.isfinite(array)) for array in numbers])),
        "target": target,
        "listener_target": jnp.argmax(what.listener(audio)),
    }
