"""AlexNet for spectrograms: images of sound to classes by five convolutions.

S. Becker et al., "AudioMNIST: Exploring Explainable Artificial Intelligence for Audio
Analysis on a Simple Benchmark", arXiv 1807.03418, with the sizes of the authors' Caffe files:
two groups in three of the convolutions, no response normalisation, 1024 units in the dense
layers, and pooling that keeps a last, shorter window.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax import domains
from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import bind
from audioxai_jax.domains import Domain, levels
from audioxai_jax.nets.layers.pooling import halve
from audioxai_jax.transforms.stft import decibels, padded_spectrogram
from audioxai_jax.types import Model

SAMPLE_RATE, WINDOW, HOP, RANGE = 8000, 455, 35, 80.0
"""Of the spectrogram: Hz, samples, samples, dB."""


@dataclasses.dataclass(frozen=True)
class AlexNetConfig:
    """Sizes of the network.

    Attributes:
      side: rows (frequency) and columns (time) of the spectrogram.
      classes: number of logits.
      widths: channels of each convolution; the second, fourth and fifth have two groups.
      hidden: units of the dense layers before the logits.
      silence, scale: `features` are `(decibels - silence) / scale`. The paper reads decibels as
        they are, from -80 to 0: silence has the largest magnitude, the loudest cell none. With a
        silence of -80 dB silence is zero, as methods of attribution take it to be.
      dropout: while training, after the dense layers.
    """

    side: int = 227
    classes: int = 10
    widths: tuple[int, ...] = (96, 256, 384, 384, 256)
    hidden: tuple[int, ...] = (1024, 1024)
    silence: float = 0.0
    scale: float = 1.0
    dropout: float = 0.5

    @property
    def floor(self) -> float:
        """Value of `features` in silence, that of -80 dB."""
        return (-RANGE - self.silence) / self.scale


VARIANTS = {"": {}, "from_silence": {"silence": -80.0, "scale": 20.0}}
"""Fields that differ; "from_silence" is ours."""


def features(config: AlexNetConfig, audio: Array) -> Array:
    """Waveform `[8000]` at 8 kHz to levels `[227, 227]`, frequency first.

    STFT of 455 samples (Hann) every 35, without the highest of its 228 frequencies and three
    of its 230 frames, in dB relative to the loudest cell, not below -80 (authors' preprocessing);
    then `(decibels - silence) / scale`. Rows are 17.6 Hz apart, columns 4.4 ms.

    Args:
      audio: float32, full scale is 1; decibels are those of 16-bit samples.
    """
    spectrum = padded_spectrogram(as_audio(audio) * 32768, window=WINDOW, hop=HOP)
    cells = decibels(spectrum[2:-1, :227].T, range_db=RANGE)
    return (cells - config.silence) / config.scale


def reads(config: AlexNetConfig) -> Domain:
    """The same levels, as a domain that one can come back from."""
    level = levels.decibels(
        range_db=RANGE, gain=32768.0, silence=config.silence, scale=config.scale
    )
    return domains.cells(
        SAMPLE_RATE,
        window=("hann", WINDOW),
        hop=HOP,
        before=WINDOW // 2,
        bands=None,
        level=level,
        cut=((2, 1), (0, 1)),
        frequency_first=True,
    )


def in_whole_frames(cells: Array) -> Array:
    """Values of the cells that the network reads `[227, 227]` in the whole STFT `[230, 228]`.

    Time first, zeros where `features` cuts: the frames are those of `transforms.frames.place` with
    a window ("hann", 455), a hop of 35 and 227 zeros before.
    """
    return jnp.pad(cells.T, ((2, 1), (0, 1)))


def init(config: AlexNetConfig, key: Array):
    """Fresh parameters."""
    return AlexNet(config).init(key, jnp.zeros((config.side, config.side)))["params"]


def apply(config: AlexNetConfig, params, x: Array, dropout_key: Array | None = None) -> Array:
    """Levels `[side, side]` to logits `[classes]`; dropout only if a key is given."""
    net = AlexNet(config, deterministic=dropout_key is None)
    rngs = {} if dropout_key is None else {"dropout": dropout_key}
    return net.apply({"params": params}, x, rngs=rngs)  # type: ignore[return-value]


def model(config: AlexNetConfig, params) -> Model:
    """The trained network as a pure function of a spectrogram."""
    return bind(apply, config, params)


class AlexNet(nn.Module):
    config: AlexNetConfig
    deterministic: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        x = nn.relu(nn.Conv(c.widths[0], (11, 11), 4, "VALID", name="conv_0")(x[..., None]))
        x = _pooled(x)
        x = _pooled(nn.relu(Conv(c.widths[1], 5, groups=2, name="conv_1")(x)))
        x = nn.relu(Conv(c.widths[2], 3, name="conv_2")(x))
        x = nn.relu(Conv(c.widths[3], 3, groups=2, name="conv_3")(x))
        x = _pooled(nn.relu(Conv(c.widths[4], 3, groups=2, name="conv_4")(x)))
        x = x.ravel()
        for index, units in enumerate(c.hidden):
            x = nn.relu(nn.Dense(units, name=f"dense_{index}")(x))
            x = nn.Dropout(c.dropout, deterministic=self.deterministic)(x)
        return nn.Dense(c.classes, name="logits")(x)


class Conv(nn.Module):
    """A convolution that keeps the size, in groups: each reads and makes its own channels.

    Groups are convolutions side by side, with slices of one kernel: on CPU, XLA takes
    four times as long for `feature_group_count`.
    """

    width: int
    window: int
    groups: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        inputs = x.shape[-1] // self.groups
        shape = (self.window, self.window, inputs, self.width)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.width,))
        parts = [
            _convolved(part, weights) + offset[None, None]
            for part, weights, offset in zip(
                jnp.split(x, self.groups, -1),
                jnp.split(kernel, self.groups, -1),
                jnp.split(bias, self.groups),
                strict=True,
            )
        ]
        return jnp.concatenate(parts, -1) if self.groups > 1 else parts[0]


def _convolved(x: Array, kernel: Array) -> Array:
    """`[H, W, C]` with a kernel `[h, w, C, D]` to `[H, W, D]`."""
    out = jax.lax.conv_general_dilated(
        x[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return out[0]


def _pooled(x: Array) -> Array:
    """Maxima of 3 x 3 at every second place of `[H, W, C]`."""
    return halve(halve(x, 3, axis=1), 3, axis=0)
