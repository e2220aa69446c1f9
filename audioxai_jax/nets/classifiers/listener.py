"""The independent listener: a keyword network on log-mel spectrograms.

It is trained on original recordings and never sees the codec, so what it hears in an
explanation is evidence that the codec's own encoder cannot give: a decoder could learn
to please its encoder alone.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax import domains
from audioxai_jax.core.records import bind
from audioxai_jax.domains import Domain
from audioxai_jax.transforms.mel import log_mel
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class ListenerConfig:
    """Sizes of the network.

    Attributes:
      sample_rate: rate of the waveforms, Hz.
      bands, window, hop: options of the log-mel spectrogram; see `transforms.mel.log_mel`.
      classes: number of logits.
      width: channels of each convolution.
      strides: strides of the convolutions along time.
      dropout: while training.
    """

    sample_rate: int = 16_000
    bands: int = 64
    window: int = 512
    hop: int = 160
    classes: int = 12
    width: int = 96
    strides: tuple[int, ...] = (1, 2, 1, 2, 1)
    dropout: float = 0.2


def features(config: ListenerConfig, audio: Array) -> Array:
    """Waveform `[T]` to a log-mel spectrogram `[ceil(T / hop), bands]`, about unit scale."""
    spectrogram = log_mel(
        audio,
        sample_rate=config.sample_rate,
        bands=config.bands,
        window=config.window,
        hop=config.hop,
    )
    return (spectrogram + 4) / 2


def reads(config: ListenerConfig) -> Domain:
    """Waveforms; the spectrogram is made inside."""
    return domains.samples(config.sample_rate)


def init(config: ListenerConfig, key: Array):
    """Fresh variables: parameters and running statistics."""
    return Listener(config).init(key, jnp.zeros((config.sample_rate // config.hop, config.bands)))


def apply_training(config: ListenerConfig, variables, x: Array, key: Array):
    """Features to logits inside `vmap(axis_name="batch")`, with dropout; also returns the
    updated running statistics."""
    net = Listener(config, training=True)
    logits, updated = net.apply(variables, x, rngs={"dropout": key}, mutable=["batch_stats"])
    return logits, updated["batch_stats"]


def model(config: ListenerConfig, variables) -> Model:
    """The trained listener as a pure function, waveform `[T]` to logits `[classes]`."""
    return bind(apply, config, variables)


def apply(config: ListenerConfig, variables, audio: Array) -> Array:
    """Waveform `[T]` to logits `[classes]`."""
    return Listener(config).apply(variables, features(config, audio))  # type: ignore[return-value]


class Listener(nn.Module):
    config: ListenerConfig
    training: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        for index, stride in enumerate(c.strides):
            x = nn.Conv(c.width, (5,), strides=stride, name=f"conv_{index}")(x)
            x = nn.BatchNorm(
                use_running_average=not self.training,
                momentum=0.98,
                axis_name="batch" if self.training else None,
                name=f"norm_{index}",
            )(x)
            x = nn.Dropout(c.dropout, deterministic=not self.training)(nn.relu(x))
        pooled = jnp.concatenate([jnp.mean(x, 0), jnp.max(x, 0)])
        pooled = nn.Dropout(0.3, deterministic=not self.training)(pooled)
        return nn.Dense(c.classes, name="logits")(pooled)
