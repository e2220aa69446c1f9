"""Networks of the trials: trained in seconds, the same for all sounds of one length."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.domains.samples import samples as waveforms
from audioxai_jax.explanation.composition import hearing, same_view
from audioxai_jax.nets.classifiers import mel_cnn, wave_cnn
from audioxai_jax.nets.classifiers.mel_cnn import MelCnnConfig
from audioxai_jax.nets.classifiers.wave_cnn import WaveCnnConfig
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.optimisers import adamw
from audioxai_jax.types import Classifier

RATE = 16_000
"""Of all sounds of the standard set, Hz."""
SAMPLES = 8_000
"""Length of the made-up ones: half a second."""
MOMENTUM = 0.98
"""Of the running statistics of both networks."""
SETTLING = 30
"""Batches that means and variances are taken from anew where kernels fade: they would lag."""
Config = WaveCnnConfig | MelCnnConfig


def wave_config(classes: int, *, samples: int = SAMPLES, pooled: bool = True) -> WaveCnnConfig:
    """The network of waveforms; `pooled` forgets when something was, see `WaveCnnConfig`."""
    return WaveCnnConfig(
        sample_rate=RATE,
        samples=samples,
        classes=classes,
        filters=48,
        window=128,
        hop=16,
        width=48,
        strides=(4, 2, 2),
        pooled=pooled,
    )


def mel_config(classes: int, *, samples: int = SAMPLES) -> MelCnnConfig:
    """The network of log-mel spectrograms."""
    return MelCnnConfig(
        sample_rate=RATE,
        frames=-(-samples // 160),
        classes=classes,
        widths=(16, 32, 48, 48),
        frame_strides=(2, 1, 2, 1),
        band_strides=(2, 2, 2, 2),
    )


def trained(
    config: Config,
    audio: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    steps: int = 200,
    batch: int = 32,
    rate: float = 3e-3,
    decay: float = 1e-2,
    names: tuple[str, ...] | None = None,
    fade: float = 0.0,
) -> Classifier:
    """A classifier of waveforms `[T]`, trained on clips.

    Args:
      config: network to train, see `wave_config` and `mel_config`.
      audio: clips `[P, T]`.
      labels: class of each, integers `[P]`, or probability of each class, `[P, K]`.
      seed: decides first weights, order and dropout.
      steps, batch, rate, decay: settings of AdamW; `decay` is the weight decay.
      names: labels of the classes.
      fade: share by which kernels of convolutions behind the filter bank shrink at the first step,
        and less at each until the last: what training does not ask for goes.
    """
    net = _net(config)
    step, optimiser = _step(config, steps, rate, decay)
    key = jax.random.key(seed)
    variables = net.init(config, jax.random.fold_in(key, 2**31))
    params = variables.pop("params")
    state = {"params": params, "other": variables, "optimiser": optimiser.init(params)}
    order = np.random.default_rng(seed)
    extra = SETTLING if fade else 0
    for number in range(steps + extra):
        rows = order.choice(len(audio), batch, replace=False)
        clips, wanted = jnp.asarray(audio[rows]), jnp.asarray(labels[rows])
        if number == steps:
            state["other"] = variables
        after, _ = step(state, clips, wanted, jax.random.fold_in(key, number))
        if number < steps:
            params = _faded(after["params"], fade * (1 - number / steps))
        state = {**after, "params": params}
    final = {"params": params, **_settled(state["other"], extra or steps)}
    return Classifier(net.model(config, final), reads=waveforms(RATE), labels=names)


def accuracy(classifier: Classifier, audio: np.ndarray, labels: np.ndarray) -> float:
    """Share of the clips `[N, T]` that are heard as their labels."""
    return float(np.mean(answers(classifier, audio) == labels))


def answers(classifier: Classifier, audio: np.ndarray) -> np.ndarray:
    """The class that is heard in each clip, `[N]`."""
    return np.argmax(logits(classifier, audio), axis=1)


def logits(classifier: Classifier, audio: np.ndarray) -> np.ndarray:
    """Logits of each clip, or of features that it reads, `[N, K]`."""
    key = jax.random.key(0)
    return np.asarray(map_examples(_logits, classifier, jnp.asarray(audio), key=key, chunk=16))


def check_outputs(
    classifier: Classifier, names: tuple[str, ...], *, samples: int = SAMPLES
) -> Classifier:
    """A classifier, perhaps from outside, as one of sounds at RATE with an output for each class.

    Args:
      classifier: classifier of sounds, at any rate and of any features.
      names: classes, in the order of the outputs.
      samples: length of the clips at RATE.

    Raises:
      ValueError: if it has another number of outputs.
    """
    clip = jax.ShapeDtypeStruct((samples,), jnp.float32)
    outputs = jax.eval_shape(hearing(classifier, RATE), clip).shape
    if outputs != (len(names),):
        raise ValueError(
            f"the classifier has outputs {list(outputs)}, this truth asks for {len(names)}, in "
            f"this order: {', '.join(names)}"
        )
    reads = waveforms(RATE)
    if same_view(classifier.reads, reads) and classifier.frames is None:
        return classifier
    return dataclasses.replace(
        classifier, model=hearing(classifier, RATE), reads=reads, frames=None
    )


def _logits(classifier: Any, clip: Array, key: Array) -> Array:
    del key
    return classifier(clip)


def _settled(other: Any, steps: int) -> Any:
    """Running means and variances without the 0 and the 1 that they began from: as those of Adam
    (D. Kingma, J. Ba, ICLR 2015, section 3). Of soft sounds that 1 is most of a variance."""
    left = MOMENTUM**steps

    def settle(path, value):
        start = 1.0 if path[-1].key == "var" else 0.0
        return (value - left * start) / (1 - left)

    return jax.tree_util.tree_map_with_path(settle, other)


def _net(config: Config) -> Any:
    return wave_cnn if isinstance(config, WaveCnnConfig) else mel_cnn


@functools.cache
def _step(config: Config, steps: int, rate: float, decay: float) -> Any:
    """The compiled step and its optimiser: one for all seeds and truths of a network."""
    net, optimiser = _net(config), adamw(steps, rate, decay)

    def forward(variables, features, key):
        held = {**variables, "params": _hold_biases(variables["params"])}
        logits, statistics = net.apply_training(config, held, features, key)
        return logits, {"batch_stats": statistics}

    prepare = functools.partial(_prepare, config)
    made = make_step(forward, prepare, optimiser, classes=config.classes, smoothing=0.0)
    return made, optimiser


def _hold_biases(params: Any) -> Any:
    """Biases of convolutions get no gradient. The norm behind takes them away; Adam would let them
    drift on errors of rounding, faster than running means follow."""
    hold = lambda path, leaf: (
        jax.lax.stop_gradient(leaf) if path[-1].key == "bias" and "conv" in path[0].key else leaf
    )
    return jax.tree_util.tree_map_with_path(hold, params)


def _faded(params: Any, fade: float) -> Any:
    """Kernels of convolutions a little smaller, those of the filter bank excepted."""
    if not fade:
        return params
    behind = lambda path: "conv" in path[0].key and path[0].key != "conv_0"
    fading = lambda path, leaf: (
        leaf * (1 - fade) if behind(path) and path[-1].key == "kernel" else leaf
    )
    return jax.tree_util.tree_map_with_path(fading, params)


def _prepare(config: Config, key: Array, clip: Array) -> Array:
    del key
    return mel_cnn.features(config, clip) if isinstance(config, MelCnnConfig) else clip
