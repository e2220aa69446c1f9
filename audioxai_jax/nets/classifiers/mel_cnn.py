"""A small convolutional network on log-mel spectrograms, as pictures of time and frequency.

The front end is part of the model, which reads the waveform; `features` and `apply_to_features`
are its two halves: the second explains the cells of the spectrogram. Batch norms fold into the
convolutions before them, so that LRP sees convolutions and rectifiers alone.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import bind
from audioxai_jax.transforms.mel import log_mel
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class MelCnnConfig:
    """Sizes of the network.

    Attributes:
      sample_rate: rate of the waveforms, Hz.
      classes: number of logits.
      bands, window, hop: bands and window and hop of the log-mel spectrogram; see
        `transforms.mel.log_mel`.
      widths: channels of each convolution of 3 frames x 3 bands.
      frame_strides, band_strides: frame strides and band strides of each convolution.
      dropout: while training, after each convolution but the first.
    """

    sample_rate: int = 16_000
    classes: int = 12
    bands: int = 64
    window: int = 512
    hop: int = 160
    widths: tuple[int, ...] = (16, 32, 64, 96, 96)
    frame_strides: tuple[int, ...] = (2, 1, 2, 1, 2)
    band_strides: tuple[int, ...] = (2, 2, 2, 2, 1)
    dropout: float = 0.1


def features(config: MelCnnConfig, audio: Array) -> Array:
    """Waveform `[T]` to a log-mel spectrogram `[ceil(T / hop), bands]`, about unit scale."""
    spectrogram = log_mel(
        as_audio(audio),
        sample_rate=config.sample_rate,
        bands=config.bands,
        window=config.window,
        hop=config.hop,
    )
    return (spectrogram + 4) / 2


def init(config: MelCnnConfig, key: Array):
    """Fresh variables: parameters and running statistics."""
    return MelCnn(config).init(key, jnp.zeros((config.sample_rate // config.hop, config.bands)))


def apply_training(config: MelCnnConfig, variables, x: Array, key: Array):
    """Features to logits inside `vmap(axis_name="batch")`, with dropout; also returns the
    updated running statistics."""
    net = MelCnn(config, training=True)
    logits, updated = net.apply(variables, x, rngs={"dropout": key}, mutable=["batch_stats"])
    return logits, updated["batch_stats"]


def model(config: MelCnnConfig, variables) -> Model:
    """The trained network as a pure function, waveform `[T]` to logits `[classes]`."""
    return bind(apply, config, variables)


def apply(config: MelCnnConfig, variables, audio: Array) -> Array:
    """Waveform `[T]` to logits `[classes]`."""
    return apply_to_features(config, variables, features(config, audio))


def apply_to_features(config: MelCnnConfig, variables, x: Array) -> Array:
    """Log-mel spectrogram `[frames, bands]`, as `features` scales it, to logits `[classes]`."""
    return MelCnn(config).apply(variables, x)  # type: ignore[return-value]


class MelCnn(nn.Module):
    config: MelCnnConfig
    training: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        x = x[:, :, None]
        layers = zip(c.widths, c.frame_strides, c.band_strides, strict=True)
        for index, (width, *strides) in enumerate(layers):
            x = nn.Conv(width, (3, 3), strides=tuple(strides), name=f"conv_{index}")(x)
            x = nn.BatchNorm(
                use_running_average=not self.training,
                momentum=0.98,
                axis_name="batch" if self.training else None,
                name=f"norm_{index}",
            )(x)
            rate = c.dropout if index else 0.0
            x = nn.Dropout(rate, deterministic=not self.training)(nn.relu(x))
        x = x.reshape(x.shape[0], -1)
        pooled = jnp.concatenate([jnp.mean(x, 0), jnp.max(x, 0)])
        pooled = nn.Dropout(0.3, deterministic=not self.training)(pooled)
        return nn.Dense(c.classes, name="logits")(pooled)
