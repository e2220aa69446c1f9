"""The protocol of "Audio Explanation Synthesis with Generative Foundation Models", for one clip.

A. Akman, Q. Sun, B. Schuller, arXiv 2410.07530. Latent features are ranked by an attribution
method; the most important are kept (fidelity) or deleted (faithfulness), a base value stands in
for the others, and the prediction is compared with the original one. The control arm does the
same with the samples of the waveform, ranked by the same method on classifier after encoder.

======== ============== ================================================
arm      column         what is classified
======== ============== ================================================
latent   code_faithful  the edited latent, as it is
latent   fair           edited latent, decoded, encoded
waveform code_faithful  edited waveform, encoded
waveform fair           edited waveform, encoded, decoded, encoded
======== ============== ================================================
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.attribution import (
    input_x_gradient,
    integrated_gradients,
    random_control,
    saliency,
    smoothgrad,
)
from audioxai_jax.core.records import record
from audioxai_jax.perturbation.ask import heard_class
from audioxai_jax.perturbation.edit import delete, keep
from audioxai_jax.perturbation.rank import rank_positions, unit_mask
from audioxai_jax.propagation import lrp
from audioxai_jax.types import Codec, Method, Model, attribute

ARMS = ("latent", "waveform")
COLUMNS = ("code_faithful", "fair")
MODES = ("keep", "delete")
BASES = ("zero", "mean", "noise")
RANDOM = "random_control"
KEPT = tuple(1 - n / 9600 for n in (0, 1600, 3600, 5600, 7600, 8600, 9600))
"""The paper's grid, of its 9,600 features; deleted in the other mode."""
METHODS = ("input_x_gradient", "integrated_gradients", "lrp", "saliency", "smoothgrad")


def make_methods(names: Sequence[str], chunk: int) -> dict[str, Method]:
    """Methods with the settings of the protocol: 50 steps from zero, 50 noisy copies.

    Args:
      names: names of METHODS.
      chunk: evaluations at once: memory, not results.

    Raises:
      ValueError: for an unknown or repeated name (edits refer to methods by position).
    """
    if len(set(names)) < len(names):
        raise ValueError(f"a method is named twice: {', '.join(names)}")
    known = {
        "integrated_gradients": integrated_gradients(steps=50, chunk=chunk),
        "saliency": saliency(),
        "input_x_gradient": input_x_gradient(),
        "smoothgrad": smoothgrad(chunk=chunk),
        "lrp": lrp("latent_transformer"),
    }
    for name in names:
        if name not in known:
            raise ValueError(f"unknown method {name!r}: known are {', '.join(known)}")
    return {name: known[name] for name in names}


@record()
class Edits:
    """What is done to one input, E edits, each integer array `[E]`.

    Attributes:
      ranking: index of the ranking: first those of the methods, then the random ones.
      base: index of the base value: zero, mean, then the noises.
      delete: 1 if the most important features are deleted, 0 if they are kept.
      fraction: index of KEPT, how many of them.
    """

    ranking: Array
    base: Array
    delete: Array
    fraction: Array


def plan(methods: int, seeds: int) -> tuple[Edits, np.ndarray]:
    """All edits of an arm, none twice, and where each cell of the table finds its own.

    What draws nothing is done once: a seed gives a random ranking and a noise, so methods are
    repeated with noise only. With nothing replaced, or all of it, the ranking does not matter.

    Returns:
      The edits, and their numbers `[methods + 1, BASES, MODES, KEPT, seeds]`, random last.
    """
    known: dict[tuple[int, int, int, int], int] = {}
    index = np.empty((methods + 1, len(BASES), len(MODES), len(KEPT), seeds), np.int32)
    last = len(KEPT) - 1
    for place in np.ndindex(*index.shape):
        ranking, base, delete, fraction, seed = place
        ranking += seed if ranking == methods else 0
        base += seed if BASES[base] == "noise" else 0
        whole = fraction == (last if delete else 0)
        if whole or fraction == (0 if delete else last):
            ranking, delete, base, fraction = 0, 0, 0 if whole else base, 0 if whole else last
        index[place] = known.setdefault((ranking, base, delete, fraction), len(known))
    return Edits(*jnp.asarray(list(known), jnp.int32).T), index


@record(static=("decoded", "seeds", "chunk"))
class Protocol:
    """What is rerun; see `judge`.

    Attributes:
      codec: codec with a mean latent.
      classifier: `latent [F, C] -> logits [K]`.
      methods: methods by arm, in the order of the table: under `jit`, a dictionary would be sorted.
      edits: edits of `plan`, the same in both arms.
      level_db: RMS of the noise that replaces, dB re full scale.
      decoded: whether the waveform arm edits what the codec makes of the clip, as the released
        code does, instead of the clip itself.
      seeds: random rankings and noises.
      chunk: edits at once: memory, not results.
    """

    codec: Codec
    classifier: Model
    methods: Mapping[str, tuple[Method, ...]]
    edits: Edits
    level_db: Array | float
    decoded: bool
    seeds: int
    chunk: int


def judge(what: Protocol, audio: Array, key: Array) -> dict[str, Any]:
    """The predictions of one clip after each edit.

    Args:
      audio: waveform `[T]` at the codec's rate.
      key: consumed.

    Returns:
      "target": the classifier's class of the clip itself; "again": its class of the clip after
      the codec; by arm and column, the class after each edit `[E]`, int32, -1 where the
      logits are not finite; "finite": False if relevance or logits of the clip are not.
    """
    codec, classifier = what.codec, what.classifier
    latent = codec.encode(audio)
    logits = classifier(latent)
    target = jnp.argmax(logits)
    noise_key, method_key, random_key = jax.random.split(key, 3)
    draws = jax.random.normal(noise_key, (what.seeds, len(audio)), audio.dtype)
    noises = 10 ** (what.level_db / 20) * draws

    def trip(latent: Array) -> Array:
        return codec.encode(codec.decode(latent)[: len(audio)])

    def ask(edited: Array) -> dict[str, Array]:
        pair = (classifier(edited), classifier(trip(edited)))
        return {name: heard_class(logits) for name, logits in zip(COLUMNS, pair, strict=True)}

    results: dict[str, Any] = {
        "target": target.astype(jnp.int32),
        "again": heard_class(classifier(trip(latent))),
    }
    finite = [jnp.all(jnp.isfinite(logits))]
    for number, (name, arm) in enumerate(_arms(what, audio, latent, noises).items()):
        keys = method_key, jax.random.fold_in(random_key, number)
        positions, fine = _positions(what, name, arm, target, *keys)
        finite += fine
        results[name] = _edit_all(what, arm, positions, ask)
    return results | {"finite": jnp.all(jnp.stack(finite))}


class Arm(NamedTuple):
    """What is edited: features, the model of them, bases `[B, ...]`, and how the latent is made."""

    x: Array
    model: Model
    bases: Array
    to_latent: Callable[[Array], Array]


def _arms(what: Protocol, audio: Array, latent: Array, noises: Array) -> dict[str, Arm]:
    codec = what.codec
    sound = codec.decode(latent)[: len(audio)] if what.decoded else audio
    assert codec.mean is not None
    mean = jnp.broadcast_to(jnp.asarray(codec.mean, latent.dtype), latent.shape)
    noise = jax.vmap(codec.encode)(noises)
    silence, middle = jnp.zeros_like(sound), jnp.full_like(sound, jnp.mean(sound))
    model = Partial(heard, codec.encode, what.classifier)
    bases = jnp.concatenate([jnp.zeros_like(latent)[None], mean[None], noise])
    return {
        "latent": Arm(latent, what.classifier, bases, lambda latent: latent),
        "waveform": Arm(
            sound, model, jnp.concatenate([silence[None], middle[None], noises]), codec.encode
        ),
    }


def _positions(
    what: Protocol, name: str, arm: Arm, target: Array, method_key: Array, random_key: Array
) -> tuple[Array, list[Array]]:
    """Positions of the features `[R, n]`, by the methods, then at random; what is finite."""
    positions, finite = [], []
    for method in what.methods[name]:
        attribution = attribute(method, arm.model, arm.x, target, key=method_key)
        finite.append(attribution.info["finite"])
        positions.append(rank_positions(attribution.relevance.ravel()))
    for seed in jax.random.split(random_key, what.seeds):
        drawn = random_control()(arm.model, arm.x, target, key=seed).relevance
        positions.append(rank_positions(drawn.ravel()))
    return jnp.stack(positions), finite


def _edit_all(
    what: Protocol, arm: Arm, positions: Array, ask: Callable[[Array], dict[str, Array]]
) -> dict[str, Array]:
    """What is said after each edit, by column, `[E]`."""
    counts = jnp.asarray(_counts(arm.x.size))

    def one(edit: Edits) -> dict[str, Array]:
        chosen = unit_mask(positions[edit.ranking], counts[edit.fraction], arm.x.shape)
        base = arm.bases[edit.base]
        kept, rest = keep(arm.x, chosen, base), delete(arm.x, chosen, base)
        return ask(arm.to_latent(jnp.where(edit.delete == 1, rest, kept)))

    return jax.lax.map(one, what.edits, batch_size=what.chunk)


def judge_clip(what: Protocol, clip: Array, key: Array) -> dict[str, Any]:
    """`judge` of 16-bit samples, for `map_examples`."""
    return judge(what, clip.astype(jnp.float32) / 32768, key)


def classify_clip(what: tuple[Codec, Model], clip: Array, key: Array) -> Array:
    """The class of 16-bit samples, for `map_examples`."""
    del key
    codec, classifier = what
    return heard_class(classifier(codec.encode(clip.astype(jnp.float32) / 32768)))


def encode_clip(codec: Codec, clip: Array, key: Array) -> Array:
    """The latent of 16-bit samples averaged over time `[C]`, for `map_examples`."""
    del key
    return jnp.mean(codec.encode(clip.astype(jnp.float32) / 32768), axis=0)


def heard(encode: Model, classifier: Model, audio: Array) -> Array:
    """The classifier on a waveform."""
    return classifier(encode(audio))


def with_mean(codec: Codec, mean: Array) -> Codec:
    """The codec with a mean latent `[C]`, unless it has its own."""
    return codec if codec.mean is not None else dataclasses.replace(codec, mean=mean)


def _counts(size: int) -> np.ndarray:
    return np.array([round(fraction * size) for fraction in KEPT], np.int32)
