"""A small network of spoofed stretches: frames have logits, and their evidence adds up to a clip's.

Convolutions read the levels of an STFT as a picture and give each frame a logit z_f; each sees
96 ms. The clip's logits are

    score = scale mean_f relu(z_f) - least,      logits = (0, score)

so frames that sound bona fide give nothing, and those that do not give what they are worth.
"""

import dataclasses
import math

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.transforms.stft import magnitude_spectrogram

FLOOR = 1e-3
"""Added to magnitudes before their logarithm."""


@dataclasses.dataclass(frozen=True)
class SpoofNetConfig:
    """Sizes of the network.

    Attributes:
      window, hop: samples of the STFT.
      widths: channels of each convolution of 3 frames x 3 bins.
      frame_strides: strides of each along frames; along bins all halve.
      hidden: channels between the last of them and a frame's logit.
      dropout: while training, after each but the first.
    """

    window: int = 512
    hop: int = 128
    widths: tuple[int, ...] = (12, 16, 24)
    frame_strides: tuple[int, ...] = (1, 2, 2)
    hidden: int = 48
    dropout: float = 0.1

    @property
    def step(self) -> int:
        """Samples from one frame that has a logit to the next."""
        return self.hop * math.prod(self.frame_strides)


class SpoofNet(nn.Module):
    """Levels `[F, bins]` to logits of the clip `[2]` and of its frames `[F / 4]`."""

    config: SpoofNetConfig
    training: bool = False

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, Array]:
        c = self.config
        x = x[:, :, None]
        for index, (width, stride) in enumerate(zip(c.widths, c.frame_strides, strict=True)):
            x = nn.Conv(width, (3, 3), strides=(stride, 2), name=f"conv_{index}")(x)
            x = self._regular(x, index, c.dropout if index else 0.0)
        x = nn.Conv(c.hidden, (1,), name="hidden")(x.reshape(len(x), -1))
        x = self._regular(x, len(c.widths), c.dropout)
        frames = nn.Dense(1, name="frames")(x)[:, 0]
        scale = self.param("scale", nn.initializers.constant(4.0), ())
        least = self.param("least", nn.initializers.constant(2.0), ())
        score = scale * jnp.mean(nn.relu(frames)) - least
        return jnp.stack([jnp.zeros_like(score), score]), frames

    def _regular(self, x: Array, index: int, dropout: float) -> Array:
        x = nn.BatchNorm(
            use_running_average=not self.training,
            momentum=0.98,
            axis_name="batch" if self.training else None,
            name=f"norm_{index}",
        )(x)
        return nn.Dropout(dropout, deterministic=not self.training)(nn.relu(x))


def features(config: SpoofNetConfig, audio: Array) -> Array:
    """A waveform `[T]` to logarithmic levels `[ceil(T / hop), bins]`, about unit scale."""
    audio = as_audio(audio)
    magnitude = magnitude_spectrogram(audio, window=config.window, hop=config.hop)
    return (jnp.log(magnitude + FLOOR) + 2) / 2


def apply(config: SpoofNetConfig, variables, audio: Array) -> Array:
    """Waveform `[T]` to logits `[2]`."""
    return SpoofNet(config).apply(variables, features(config, audio))[0]
