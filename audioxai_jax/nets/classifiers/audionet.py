"""AudioNet: waveforms to classes by six convolutions and three dense layers.

S. Becker et al., "AudioMNIST: Exploring Explainable Artificial Intelligence for Audio
Analysis on a Simple Benchmark", arXiv 1807.03418, with the sizes of the authors' Caffe files:
no rectifier between the dense layers, and pooling that keeps a last, shorter window.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax import domains
from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import bind
from audioxai_jax.domains import Domain
from audioxai_jax.nets.layers.pooling import halve
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class AudioNetConfig:
    """Sizes of the network.

    Attributes:
      samples: samples of the waveform, 8 kHz in the paper.
      classes: number of logits.
      widths: channels of each convolution.
      hidden: units of the dense layers before the logits.
      rectify: whether the dense layers are followed by ReLUs; not so in the paper.
      dropout: while training, after the dense layers.
    """

    samples: int = 8000
    classes: int = 10
    widths: tuple[int, ...] = (100, 64, 128, 128, 128, 128)
    hidden: tuple[int, ...] = (1024, 512)
    rectify: bool = False
    dropout: float = 0.5


VARIANTS = {"": {}, "rectified": {"rectify": True}}
"""Fields that differ; "rectified" is how later work builds it."""


SAMPLE_RATE = 8000
"""Of the waveforms, Hz."""

LOUDEST = 40.0
"""Largest magnitude that `features` lets a sample have."""


def features(config: AudioNetConfig, audio: Array) -> Array:
    """What the network reads of a waveform `[samples]`, of the same shape: its level is set.

    `audio / (p + 0.001)`, where p is the 95th percentile of the samples, with their sign and
    the padding included, in units of 16-bit samples (authors' preprocessing). That is near zero
    for a short or coarsely coded clip, so p is at least the peak over LOUDEST.

    Args:
      audio: float32, full scale is 1.
    """
    del config
    coded = as_audio(audio) * 32768
    level = jnp.maximum(jnp.percentile(coded, 95), jnp.max(jnp.abs(coded)) / LOUDEST)
    return coded / (level + 0.001)


def reads(config: AudioNetConfig) -> Domain:
    """Waveforms at 8 kHz, full scale 1; their level is set inside, see `hearing_model`."""
    del config
    return domains.samples(SAMPLE_RATE)


def init(config: AudioNetConfig, key: Array):
    """Fresh parameters."""
    return AudioNet(config).init(key, jnp.zeros(config.samples))["params"]


def apply(config: AudioNetConfig, params, audio: Array, dropout_key: Array | None = None) -> Array:
    """Waveform `[samples]` to logits `[classes]`; dropout only if a key is given."""
    audio = as_audio(audio)
    if audio.shape != (config.samples,):
        raise ValueError(f"the network reads {config.samples} samples, got {audio.shape[0]}")
    net = AudioNet(config, deterministic=dropout_key is None)
    rngs = {} if dropout_key is None else {"dropout": dropout_key}
    return net.apply({"params": params}, audio, rngs=rngs)  # type: ignore[return-value]


def model(config: AudioNetConfig, params) -> Model:
    """The trained network as a pure function of a waveform."""
    return bind(apply, config, params)


def hearing_model(config: AudioNetConfig, params) -> Model:
    """The trained network as a pure function of a waveform of any level."""
    return bind(_hear, config, params)


def _hear(config: AudioNetConfig, params, audio: Array) -> Array:
    return apply(config, params, features(config, audio))


class AudioNet(nn.Module):
    config: AudioNetConfig
    deterministic: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        x = x[:, None]
        for index, width in enumerate(c.widths):
            x = nn.relu(nn.Conv(width, (3,), padding=1, name=f"conv_{index}")(x))
            x = halve(x, 2 if index else 3)
        x = x.ravel()
        for index, units in enumerate(c.hidden):
            x = nn.Dense(units, name=f"dense_{index}")(x)
            x = nn.relu(x) if c.rectify else x
            x = nn.Dropout(c.dropout, deterministic=self.deterministic)(x)
        return nn.Dense(c.classes, name="logits")(x)
