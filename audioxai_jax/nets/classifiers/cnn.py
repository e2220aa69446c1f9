"""A convolutional network that classifies a codec's latents.

AudioXLM ("Improving Audio Explanations Using Audio Language Models", IEEE Signal Processing
Letters, 2025) reads latents with four convolutions along time, without padding, and two
dense layers. Its sizes are the defaults. Its authors' code ends in a softmax over 50 outputs
whatever the task; here the outputs are the task's logits.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class CnnConfig:
    """Sizes of the classifier.

    Attributes:
      frames, channels: shape of the latent.
      classes: number of logits.
      widths, kernels: channels and frames of each convolution.
      hidden: units of the dense layer.
      dropout: while training, before the logits.
    """

    frames: int = 50
    channels: int = 64
    classes: int = 12
    widths: tuple[int, ...] = (64, 32, 16, 16)
    kernels: tuple[int, ...] = (5, 3, 3, 3)
    hidden: int = 200
    dropout: float = 0.2


VARIANTS = {"": {}, "wide": {"widths": (128, 128, 96, 64)}}
"""Fields that differ; "wide" is ours."""


def init(config: CnnConfig, key: Array):
    """Fresh parameters."""
    latent = jnp.zeros((config.frames, config.channels))
    return Cnn(config).init(key, latent)["params"]


def apply(config: CnnConfig, params, latent: Array, dropout_key: Array | None = None) -> Array:
    """Latent `[frames, channels]` to logits `[classes]`; dropout only if a key is given."""
    latent = as_latent(latent, config.channels, config.frames)
    net = Cnn(config, deterministic=dropout_key is None)
    rngs = {} if dropout_key is None else {"dropout": dropout_key}
    return net.apply({"params": params}, latent, rngs=rngs)  # type: ignore[return-value]


def model(config: CnnConfig, params) -> Model:
    """The trained classifier as a pure function of a latent."""
    return bind(apply, config, params)


class Cnn(nn.Module):
    config: CnnConfig
    deterministic: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        for index, (width, kernel) in enumerate(zip(c.widths, c.kernels, strict=True)):
            x = nn.relu(nn.Conv(width, (kernel,), padding="VALID", name=f"conv_{index}")(x))
        x = nn.relu(nn.Dense(c.hidden, name="hidden")(x.ravel()))
        x = nn.Dropout(c.dropout, deterministic=self.deterministic)(x)
        return nn.Dense(c.classes, name="logits")(x)
