"""A small convolutional network on log-mel spectrograms, as pictures of time and frequency.

`model` has the front end in it and reads a waveform; `cells_model` reads the cells of the domain
`reads`, which are the same spectrogram. Batch norms fold into the convolutions before them, so
that LRP sees convolutions and rectifiers alone.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import bind
from audioxai_jax.domains.cells import cells
from audioxai_jax.domains.levels import logarithm
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.transforms.mel import log_mel
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class MelCnnConfig:
    """Sizes of the network.

    Attributes:
      sample_rate: rate of the waveforms, Hz.
      frames: frames of the spectrogram that it reads at once: those of the clips it is trained on.
      classes: number of logits.
      bands, window, hop: bands and window and hop of the log-mel spectrogram; see
        `transforms.mel.log_mel`.
      widths: channels of each convolution of 3 frames x 3 bands.
      frame_strides, band_strides: frame strides and band strides of each convolution.
      dropout: while training, after each convolution but the first.
    """

    sample_rate: int = 16_000
    frames: int = 100
    classes: int = 12
    bands: int = 64
    window: int = 512
    hop: int = 160
    widths: tuple[int, ...] = (16, 32, 64, 96, 96)
    frame_strides: tuple[int, ...] = (2, 1, 2, 1, 2)
    band_strides: tuple[int, ...] = (2, 2, 2, 2, 1)
    dropout: float = 0.1


def reads(config: MelCnnConfig) -> Domain:
    """The log-mel spectrogram `[F, bands]` that `features` scales, as a domain."""
    return cells(
        config.sample_rate,
        window=("hann", config.window),
        hop=config.hop,
        before=(config.window - config.hop) // 2,
        bands=config.bands,
        level=logarithm(),
    )


def features(config: MelCnnConfig, audio: Array) -> Array:
    """Waveform `[T]` to a log-mel spectrogram `[ceil(T / hop), bands]`, about unit scale."""
    return _scaled(
        log_mel(
            as_audio(audio),
            sample_rate=config.sample_rate,
            bands=config.bands,
            window=config.window,
            hop=config.hop,
        )
    )


def _scaled(spectrogram: Array) -> Array:
    return (spectrogram + 4) / 2


def init(config: MelCnnConfig, key: Array):
    """Fresh variables: parameters and running statistics."""
    return MelCnn(config).init(key, jnp.zeros((config.frames, config.bands)))


def apply_training(config: MelCnnConfig, variables, x: Array, key: Array):
    """Features to logits inside `vmap(axis_name="batch")`, with dropout; also returns the
    updated running statistics."""
    net = MelCnn(config, training=True)
    logits, updated = net.apply(variables, x, rngs={"dropout": key}, mutable=["batch_stats"])
    return logits, updated["batch_stats"]


def model(config: MelCnnConfig, variables) -> Model:
    """The trained network as a pure function, waveform `[T]` to logits `[classes]`."""
    return bind(apply, config, variables)


def cells_model(config: MelCnnConfig, variables) -> Model:
    """The trained network as a pure function of what `reads` gives, `[F, bands]`."""
    return bind(apply_to_cells, config, variables)


def apply(config: MelCnnConfig, variables, audio: Array) -> Array:
    """Waveform `[T]` to logits `[classes]`."""
    return MelCnn(config).apply(variables, features(config, audio))  # type: ignore[return-value]


def apply_to_cells(config: MelCnnConfig, variables, levels: Array) -> Array:
    """Log-mel spectrogram `[F, bands]` to logits `[classes]`."""
    return MelCnn(config).apply(variables, _scaled(levels))  # type: ignore[return-value]


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
