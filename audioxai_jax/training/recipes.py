"""How each head is made, trained, used and described: the recipes of the shipped classifiers."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax.core.extras import needed_by
from audioxai_jax.data import augment as augmentation
from audioxai_jax.data.tasks import TASKS, Clips
from audioxai_jax.nets.classifiers import cnn, gru, listener, transformer
from audioxai_jax.training.features import augmented_features, encode_gaps, plain_features
from audioxai_jax.training.latent_gaps import loud_mask
from audioxai_jax.training.optimisers import adamw, muon
from audioxai_jax.types import Codec
from audioxai_jax.weights import registry

with needed_by("audioxai_jax.training"):
    import optax

HEADS = {"transformer": transformer, "cnn": cnn, "gru": gru}
LISTENER = "listener"
USUAL = {("digits", "transformer"): "small", ("emotion", "transformer"): "small"}
"""Variants that are meant where none is named."""
STEPS = {
    "keywords": {"transformer": 2000, "cnn": 3000, "gru": 1200, "listener": 2500},
    "digits": {"transformer": 600, "cnn": 2000, "gru": 800, "listener": 1000},
    "emotion": {"transformer": 500, "cnn": 1500, "gru": 600, "listener": 600},
}
BATCH = {"keywords": 64, "digits": 32, "emotion": 32}
SPEEDS = {"digits": (0.75, 0.85, 0.95, 1.05, 1.2, 1.35)}
"""Where speakers are few, they are made to differ more."""
COPIES = 12
LEAST = 0.05
"""Fraction of a latent that is left at least, in copies with gaps."""
_FEATURES_OF_LISTENER = listener.ListenerConfig()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One head for one task.

    Attributes:
      kind: kind of features it reads, "latent" or "listener".
      init: `key -> variables`, `{"params": .., **other}`.
      forward: see `training.classifier.make_step`.
      predict: `(variables, features [F, C]) -> logits [K]`.
      optimiser, steps, batch: options of its training.
      fill: value of blanked features, see `data.augment.spec_augment`.
      manifest: fields of its checkpoint's manifest that follow from all this.
    """

    kind: str
    init: Callable[..., Any]
    forward: Callable[..., Any]
    predict: Callable[..., Any]
    optimiser: optax.GradientTransformation
    steps: int
    batch: int
    fill: float
    manifest: dict[str, Any]


def make_recipe(head: str, task: str, codec: Codec, *, steps: int | None = None) -> Recipe:
    """The recipe of "transformer", "cnn", "gru:code" (a variant), "listener" and so on.

    Args:
      task: key of `data.tasks.TASKS`.
      codec: codec whose latents are read; the listener reads log-mel spectrograms.
      steps: instead of those in STEPS.

    Raises:
      ValueError: for an unknown head or variant, or a listener beside a codec of another rate than
        its own, as both get the same clips.
    """
    name, _, variant = head.partition(":")
    if name not in (*HEADS, LISTENER):
        raise ValueError(f"unknown head {name!r}: known are {', '.join(HEADS)}, {LISTENER}")
    classes, steps = len(TASKS[task].labels), steps or STEPS[task][name]
    if name == LISTENER:
        listens = listener.ListenerConfig(classes=classes)
        if codec.sample_rate != listens.sample_rate:
            raise ValueError(
                f"the listener hears {listens.sample_rate} Hz, the clips come at "
                f"{codec.sample_rate} Hz, the rate of the codec {codec.name!r}: train it with one "
                f"of {listens.sample_rate} Hz, as it is independent of the codec"
            )
        return Recipe(
            kind=LISTENER,
            init=lambda key: dict(listener.init(listens, key)),
            forward=lambda variables, x, key: _with_statistics(listens, variables, x, key),
            predict=lambda variables, x: listener.Listener(listens).apply(variables, x),
            optimiser=muon(steps, 0.02, 0.05),
            steps=steps,
            batch=BATCH[task],
            fill=-1.0,
            manifest={"kind": "listener", "network": "listener", "config": listens},
        )
    net = HEADS[name]
    variant = variant or USUAL.get((task, name), "")
    if variant not in net.VARIANTS:
        known = ", ".join(filter(None, net.VARIANTS))
        raise ValueError(f"unknown variant {variant!r} of {name}: known are {known}")
    clip = jax.ShapeDtypeStruct((TASKS[task].samples_at(codec.sample_rate),), jnp.float32)
    frames, channels = jax.eval_shape(codec.encode, clip).shape
    sizes = {"frames": frames, "channels": channels, "classes": classes}
    config = registry.NETWORKS[name].config(**sizes, **net.VARIANTS[variant])
    manifest = {"kind": "classifier", "network": name, "config": config, "codec": codec.name}
    if codec.fingerprint:
        manifest["codec_sha256"] = codec.fingerprint
    return Recipe(
        kind="latent",
        init=lambda key: {"params": net.init(config, key)},
        forward=lambda v, x, key: (net.apply(config, v["params"], x, key), {}),
        predict=lambda v, x: net.apply(config, v["params"], x),
        optimiser=adamw(steps, 3e-3, 0.01) if name == "cnn" else muon(steps, 0.02, 0.05),
        steps=steps,
        batch=BATCH[task],
        fill=0.0,
        manifest={**manifest, "frames": frames},
    )


def make_features(kind: str, task: str, codec: Codec, clips: Clips, learned: np.ndarray):
    """What recipes of a kind learn from and are measured on.

    Args:
      kind: "latent" or "listener".
      clips: all of the task, at the codec's rate.
      learned: examples that may be learned from, bool `[N]`.

    Returns:
      Augmented copies `[COPIES, sum(learned), F, C]`, of latents the second half with gaps;
      and all clips as they are, `[N, F, C]`.
    """
    background = [TASKS[task].labels.index(label) for label in TASKS[task].background]
    noises = clips.audio[learned & np.isin(clips.target, background)]
    if not len(noises):
        noises = np.zeros((1, clips.audio.shape[1]), np.int16)
    sounds = augmentation.speed_copies(clips.audio[learned], SPEEDS.get(task, augmentation.SPEEDS))
    plain_key, gaps_key = jax.random.split(jax.random.key(0))
    if kind == LISTENER:
        extract = Partial(listener.features, _FEATURES_OF_LISTENER)
        copies = augmented_features(extract, sounds, noises, copies=COPIES, key=plain_key)
        return _stacked(copies), plain_features(extract, clips.audio)
    half = COPIES // 2
    gaps = encode_gaps(codec, clips.audio.shape[1], Partial(loud_mask, least=LEAST))
    augmented = functools.partial(
        augmented_features, codec.encode, sounds, noises, copies=half, shift=codec.sample_rate // 10
    )
    whole, holed = augmented(key=plain_key), augmented(key=gaps_key, gaps=gaps)
    return _stacked(itertools.chain(whole, holed)), plain_features(codec.encode, clips.audio)


def _stacked(copies: Iterable[np.ndarray]) -> np.ndarray:
    """COPIES arrays as one, without holding them twice."""
    found = None
    for index, copy in enumerate(copies):
        if found is None:
            found = np.empty((COPIES, *copy.shape), copy.dtype)
        found[index] = copy
    assert found is not None
    return found


def _with_statistics(config, variables, x, key):
    logits, statistics = listener.apply_training(config, variables, x, key)
    return logits, {"batch_stats": statistics}
