"""A small convolutional network that reads the waveform itself.

Its first layer is a bank of filters of 8 ms that starts from windowed sinusoids, evenly spaced on
the mel scale, and is learned like the rest (N. Zeghidour et al., "Learning Filterbanks from Raw
Speech for Phone Recognition", ICASSP 2018). Strided convolutions follow. Its batch norms fold into
the convolutions before them, so that LRP sees convolutions and rectifiers alone.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import bind
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.domains.samples import samples
from audioxai_jax.types import Model

LOWEST = 60.0
"""Centre of the lowest filter at the start, Hz."""


@dataclasses.dataclass(frozen=True)
class WaveCnnConfig:
    """Sizes of the network.

    Attributes:
      sample_rate: rate of the waveforms, Hz.
      samples: samples that it reads at once, those of the clips that it is trained on.
      classes: number of logits.
      filters, window, hop: channels, samples and stride of the first convolution.
      width, kernel: channels and frames of the others.
      strides: strides of the others.
      dropout: while training, after each but the first.
      pooled: whether the last layer reads mean and maximum over frames, or each frame at its place.
    """

    sample_rate: int = 16_000
    samples: int = 16_000
    classes: int = 12
    filters: int = 64
    window: int = 128
    hop: int = 20
    width: int = 96
    kernel: int = 5
    strides: tuple[int, ...] = (4, 2, 2, 1, 1)
    dropout: float = 0.1
    pooled: bool = True


def reads(config: WaveCnnConfig) -> Domain:
    """What it reads: the samples themselves."""
    return samples(config.sample_rate)


def init(config: WaveCnnConfig, key: Array):
    """Fresh variables: parameters and running statistics."""
    variables = WaveCnn(config).init(key, jnp.zeros(config.samples))
    phases = jax.random.uniform(key, (config.filters,), maxval=2 * np.pi)
    first = {**variables["params"]["conv_0"], "kernel": filter_bank(config, phases)}
    return {**variables, "params": {**variables["params"], "conv_0": first}}


def filter_bank(config: WaveCnnConfig, phases: Array) -> Array:
    """Hann-windowed sinusoids of unit energy, `[window, 1, filters]`, low to high.

    Args:
      phases: phases of each, radians, `[filters]`.
    """
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    mels = np.linspace(to_mel(LOWEST), to_mel(0.45 * config.sample_rate), config.filters)
    centres = 700 * (10 ** (mels / 2595) - 1)
    time = (np.arange(config.window) - (config.window - 1) / 2) / config.sample_rate
    hann = 0.5 + 0.5 * np.cos(2 * np.pi * time * config.sample_rate / config.window)
    waves = jnp.asarray(hann)[:, None] * jnp.cos(2 * np.pi * time[:, None] * centres + phases)
    return (waves / jnp.sqrt(jnp.sum(waves**2, axis=0)))[:, None, :]


def apply_training(config: WaveCnnConfig, variables, audio: Array, key: Array):
    """Waveform to logits inside `vmap(axis_name="batch")`, with dropout; also returns the
    updated running statistics."""
    net = WaveCnn(config, training=True)
    rngs = {"dropout": key}
    logits, updated = net.apply(variables, as_audio(audio), rngs=rngs, mutable=["batch_stats"])
    return logits, updated["batch_stats"]


def model(config: WaveCnnConfig, variables) -> Model:
    """The trained network as a pure function, waveform `[T]` to logits `[classes]`."""
    return bind(apply, config, variables)


def apply(config: WaveCnnConfig, variables, audio: Array) -> Array:
    """Waveform `[T]` to logits `[classes]`."""
    return WaveCnn(config).apply(variables, as_audio(audio))  # type: ignore[return-value]


class WaveCnn(nn.Module):
    config: WaveCnnConfig
    training: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        layers = [(c.filters, c.window, c.hop)]
        layers += [(c.width, c.kernel, stride) for stride in c.strides]
        x = x[:, None]
        for index, (width, kernel, stride) in enumerate(layers):
            x = nn.Conv(width, (kernel,), strides=stride, name=f"conv_{index}")(x)
            x = nn.BatchNorm(
                use_running_average=not self.training,
                momentum=0.98,
                axis_name="batch" if self.training else None,
                name=f"norm_{index}",
            )(x)
            rate = c.dropout if index else 0.0
            x = nn.Dropout(rate, deterministic=not self.training)(nn.relu(x))
        pooled = jnp.concatenate([jnp.mean(x, 0), jnp.max(x, 0)]) if c.pooled else x.ravel()
        pooled = nn.Dropout(0.3, deterministic=not self.training)(pooled)
        return nn.Dense(c.classes, name="logits")(pooled)
