"""How AudioNet and AlexNet are trained: as the paper does, and a modern, shorter way.

====== ============================ ========================================================
recipe clips                        training
====== ============================ ========================================================
paper  as they were preprocessed    SGD with momentum 0.9, batches of 100; AudioNet at 1e-4 for
                                    50,000 steps from N(0, 0.1), AlexNet at 1e-3, halved every
                                    2,500 of 10,000 steps, gradients clipped to a norm of 5
modern several speeds, a new        AdamW with warm-up and cosine, batches of 16, He's initial
       offset, polarity, tilt,      weights; AlexNet reads levels above silence
       colour and noise each time
====== ============================ ========================================================

The paper's values are those of the authors' Caffe files (arXiv 1807.03418); the deviations of
AlexNet's initial weights are Caffe's own for this network. Of both the last iterate is tested.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import soxr
from jax import Array

from audioxai_jax.core.checks import check_coded
from audioxai_jax.core.extras import needed_by
from audioxai_jax.data.augment import augment, other_recording, spec_augment
from audioxai_jax.nets.classifiers import alexnet, audionet
from audioxai_jax.training import initialisers
from audioxai_jax.training.optimisers import adamw

with needed_by("experiments.audiomnist"):
    import optax

SPEEDS = {"digit": (0.75, 0.85, 0.95, 1.05, 1.2, 1.35), "sex": (0.97, 1.0, 1.03)}
"""By task: what would change the answer is left out, and pitch tells the sex."""
PAPER_STEPS = {"audionet": 50_000, "alexnet": 10_000}
MODERN_STEPS = {"audionet": 2_600, "alexnet": 1_800}
MODERN_RATES = {"audionet": 7e-4, "alexnet": 2e-4}
MODERN_DROPOUT = 0.2
"""With the paper's 0.5 AlexNet does not start learning within a few hundred steps."""
PEAK = 16_384
"""Peak of the speech, before noise is added, in 16-bit samples: networks set levels."""
FORMAT = 2
"""Raised when a recipe changes, so that no training goes on, or is counted, as another one."""
RECIPES = ("modern", "paper")
NETS = {"audionet": audionet, "alexnet": alexnet}
CONFIGS = {"audionet": audionet.AudioNetConfig, "alexnet": alexnet.AlexNetConfig}
USUAL = {("alexnet", "modern"): "from_silence"}
"""Variants that are meant where none is named."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Attributes:
      config: configuration of the network.
      init: `key -> params`.
      forward: `(params, features, key) -> logits`, with dropout.
      predict: `(params, features) -> logits`.
      features: function from a waveform to the network's input.
      copies: copies of int16 clips `[N, T]` what is learned from, `[N, S, T]`.
      prepare: `(key, copies int16 [S, T]) -> features`.
      optimiser, steps, batch, smoothing: options of the training.
    """

    config: Any
    init: Callable[[Array], Any]
    forward: Callable[..., Array]
    predict: Callable[..., Array]
    features: Callable[[Array], Array]
    copies: Callable[[np.ndarray], np.ndarray]
    prepare: Callable[[Array, Array], Array]
    optimiser: optax.GradientTransformation
    steps: int
    batch: int
    smoothing: float


def make_recipe(
    net: str, recipe: str, *, task: str = "digit", classes: int = 10, steps: int | None = None
) -> Recipe:
    """The recipe "modern" or "paper" of "audionet", "alexnet", "audionet:rectified" and so on.

    Args:
      net: network, and perhaps a variant of it, see VARIANTS in its file.
      task: "digit" or "sex".
      classes: number of logits.
      steps: instead of the recipe's own.

    Raises:
      ValueError: for an unknown network, variant or recipe.
    """
    name, _, variant = net.partition(":")
    if name not in NETS or recipe not in RECIPES:
        raise ValueError(
            f"unknown network or recipe {net!r}, {recipe!r}: known are {', '.join(NETS)}, and "
            f"{', '.join(RECIPES)}"
        )
    module = NETS[name]
    variant = variant or USUAL.get((name, recipe), "")
    if variant not in module.VARIANTS:
        known = ", ".join(filter(None, module.VARIANTS))
        raise ValueError(f"unknown variant {variant!r} of {name}: known are {known}")
    config = CONFIGS[name](classes=classes, **module.VARIANTS[variant])
    if recipe == "modern":
        config = dataclasses.replace(config, dropout=MODERN_DROPOUT)
    fresh = lambda key: jax.eval_shape(lambda: module.init(config, key))
    shared: dict[str, Any] = {
        "config": config,
        "forward": lambda params, x, key: module.apply(config, params, x, key),
        "predict": lambda params, x: module.apply(config, params, x),
        "features": lambda audio: module.features(config, audio),
    }
    if recipe == "paper":
        steps = steps or PAPER_STEPS[name]
        return Recipe(
            **shared,
            init=lambda key: _paper_start(name, fresh(key), key),
            copies=lambda clips: clips[:, None],
            prepare=lambda key, copies: module.features(
                config, copies[0].astype(jnp.float32) / 32768
            ),
            optimiser=_paper_optimiser(name),
            steps=steps,
            batch=100,
            smoothing=0.0,
        )
    steps = steps or MODERN_STEPS[name]
    return Recipe(
        **shared,
        init=lambda key: initialisers.he(fresh(key), key),
        copies=lambda clips: spoken_copies(clips, SPEEDS[task]),
        prepare=lambda key, copies: _augmented(module, config, key, copies),
        optimiser=adamw(steps, MODERN_RATES[name], 0.05),
        steps=steps,
        batch=16,
        smoothing=0.1,
    )


def spoken_copies(audio: np.ndarray, speeds: tuple[float, ...]) -> np.ndarray:
    """What is spoken in each clip, at each speed and at one level, from the first sample on.

    Args:
      audio: int16 `[N, T]`, zeros before and after what is spoken.
      speeds: factors, pitch moving along. What becomes longer than T loses as much at both ends.

    Returns:
      int16 `[N, len(speeds), T]`, the peak of each at PEAK; zeros stay zeros.
    """
    length = audio.shape[1]
    check_coded(audio)
    copies = np.zeros((len(audio), len(speeds), length), np.int16)
    for number, clip in enumerate(audio):
        sounding = np.flatnonzero(clip)
        if not len(sounding):
            continue
        spoken = clip[sounding[0] : sounding[-1] + 1].astype(np.float32)
        for place, speed in enumerate(speeds):
            sound = soxr.resample(spoken, 1000 * speed, 1000.0)  # int16 would be dithered
            surplus = max(0, len(sound) - length) // 2
            sound = sound[surplus : surplus + length]
            sound *= PEAK / max(float(np.abs(sound).max(initial=0)), 1e-9)
            copies[number, place, : len(sound)] = np.round(sound)
    return copies


def elsewhere(key: Array, clip: Array) -> Array:
    """A clip `[T]` with its sound, first to last sample that is not zero, somewhere else.

    Args:
      key: consumed; every place where the sound fits is as likely.
    """
    sounding = clip != 0
    first = jnp.argmax(sounding)
    length = len(clip) - jnp.argmax(sounding[::-1]) - first
    start = jax.random.randint(key, (), 0, len(clip) - length + 1)
    return jnp.roll(clip, start - first)


def _augmented(module, config, key: Array, copies: Array) -> Array:
    move_key, sound_key, recording_key, blank_key = jax.random.split(key, 4)
    places = jax.vmap(elsewhere, in_axes=(None, 0))(move_key, copies)
    quiet = jnp.zeros((1, copies.shape[1]), copies.dtype)
    sound = augment(sound_key, places, quiet, shift=0)
    found = module.features(config, other_recording(recording_key, sound))
    return spec_augment(blank_key, found, config.floor) if module is alexnet else found


def _paper_start(name: str, params: Any, key: Array) -> Any:
    if name == "audionet":
        return initialisers.gaussian(params, key, {"*": 0.1}, {})
    deviations = {"dense_*": 0.005, "*": 0.01}
    late = ("conv_1", "conv_3", "conv_4", "dense_0", "dense_1")
    return initialisers.gaussian(params, key, deviations, dict.fromkeys(late, 0.1))


def _paper_optimiser(name: str) -> optax.GradientTransformation:
    if name == "audionet":
        return optax.sgd(1e-4, momentum=0.9)
    rate = optax.exponential_decay(1e-3, 2_500, 0.5, staircase=True)
    return optax.chain(optax.clip_by_global_norm(5.0), optax.sgd(rate, momentum=0.9))
