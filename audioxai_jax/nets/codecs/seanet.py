"""SEANet, the convolutional encoder and decoder of EnCodec and SoundStream.

A. Defossez, J. Copet, G. Synnaeve, Y. Adi, "High Fidelity Neural Audio Compression",
TMLR 2023 (arXiv 2210.13438), section 3.1. Members of the family differ by configuration;
the default one is EnCodec's 24 kHz model. The latent is the continuous one, before any
quantiser.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.checks import as_samples
from audioxai_jax.core.contracts import as_latent
from audioxai_jax.nets.codecs.assemble import assemble
from audioxai_jax.nets.layers.convolutions import NORMS, Conv, ConvTranspose, Padding, elu, folded
from audioxai_jax.nets.layers.lstm import Lstm
from audioxai_jax.types import Codec

SHORTCUTS = ("conv", "identity")


@dataclasses.dataclass(frozen=True)
class SeanetConfig:
    """A member of the family.

    Attributes:
      sample_rate: Hz.
      latent: channels of the latent.
      filters: channels of the first layer; they double at each stride.
      strides: strides of the decoder, outermost last; their product is the hop.
      kernel, last_kernel, residual_kernel: sizes of the convolutions.
      residual_layers: residual units per stride.
      dilation_growth: dilation of unit j is this to the power j.
      compress: a residual unit's inner channels are this many times fewer.
      lstm: layers; 0 for none.
      causal: pad on the left only, so that no output looks ahead.
      audio_channels: 1 for waveforms `[T]`, else of waveforms `[T, audio_channels]`.
      norm: norm of the convolutions, "weight", "group" or "none"; see `convolutions.NORMS`.
      pad: "reflect" or "constant"; see `convolutions.Padding`.
      shortcut: around a residual unit, "conv" or "identity".

    Raises:
      ValueError: for another norm, pad or shortcut.
    """

    sample_rate: int = 24_000
    latent: int = 128
    filters: int = 32
    strides: tuple[int, ...] = (8, 5, 4, 2)
    kernel: int = 7
    last_kernel: int = 7
    residual_kernel: int = 3
    residual_layers: int = 1
    dilation_growth: int = 2
    compress: int = 2
    lstm: int = 2
    causal: bool = True
    audio_channels: int = 1
    norm: str = "weight"
    pad: str = "reflect"
    shortcut: str = "conv"

    def __post_init__(self):
        for name, known in (("norm", NORMS), ("shortcut", SHORTCUTS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r}: choose one of {known}")
        Padding(self.causal, self.pad)

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.strides)


def init(config: SeanetConfig, key: Array):
    """Fresh parameters, `{"encoder": .., "decoder": ..}`."""
    encoder_key, decoder_key = jax.random.split(key)
    several = (config.audio_channels,) if config.audio_channels > 1 else ()
    audio, latent = jnp.zeros((2 * config.hop, *several)), jnp.zeros((2, config.latent))
    return {
        "encoder": Encoder(config).init(encoder_key, audio)["params"],
        "decoder": Decoder(config).init(decoder_key, latent)["params"],
    }


def encode(config: SeanetConfig, params, audio: Array) -> Array:
    """Waveform `[T]`, or `[T, audio_channels]`, to latent `[ceil(T / hop), latent]`.

    Raises:
      ValueError: for audio of another shape, or without samples.
    """
    return Encoder(config).apply({"params": params["encoder"]}, audio)  # type: ignore[return-value]


def decode(config: SeanetConfig, params, latent: Array) -> Array:
    """Latent `[F, latent]` to waveform `[F * hop]`, or `[F * hop, audio_channels]`."""
    return Decoder(config).apply({"params": params["decoder"]}, latent)  # type: ignore[return-value]


def fold(config: SeanetConfig, params) -> tuple[SeanetConfig, Any]:
    """The same network without weight norm: for inference, which then computes no weights.

    Values stay the same; other norms stay as they are.
    """
    if config.norm != "weight":
        return config, params
    return dataclasses.replace(config, norm="none"), folded(params)


def codec(config: SeanetConfig, params, *, mean: Array | None = None, name: str) -> Codec:
    """The pure functions above as a `Codec`, with the weight norm folded.

    Raises:
      ValueError: if the configuration is not mono, as a `Codec` is.
    """
    if config.audio_channels != 1:
        raise ValueError(f"a Codec is mono, this network has {config.audio_channels} channels")
    return assemble(encode, decode, *fold(config, params), mean=mean, name=name)


class Encoder(nn.Module):
    config: SeanetConfig

    @nn.compact
    def __call__(self, audio: Array) -> Array:
        c = self.config
        x = analyse(c, audio)
        if c.lstm:
            x = Lstm(c.lstm, name="lstm")(x)
        return leave_encoder(c, x)


class Decoder(nn.Module):
    config: SeanetConfig

    @nn.compact
    def __call__(self, latent: Array) -> Array:
        c = self.config
        x = enter_decoder(c, latent)
        if c.lstm:
            x = Lstm(c.lstm, name="lstm")(x)
        return synthesise(c, x)


class Part(nn.Module):
    """One of the four functions below on its own, with the parameters of the network."""

    config: SeanetConfig
    function: Callable[[SeanetConfig, Array], Array]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.function(self.config, x)


def analyse(c: SeanetConfig, audio: Array) -> Array:
    """The encoder up to its recurrence: waveform to `[ceil(T / hop), channels]`."""
    conv, channels = _conv(c), c.filters
    x = conv(channels, c.kernel, name="enter")(_channels_last(c, audio))
    for block, stride in enumerate(reversed(c.strides)):
        for unit in range(c.residual_layers):
            x = Residual(c, c.dilation_growth**unit, name=f"residual_{block}_{unit}")(x)
        channels *= 2
        x = conv(channels, 2 * stride, stride=stride, name=f"down_{block}")(elu(x))
    return x


def leave_encoder(c: SeanetConfig, x: Array) -> Array:
    """The encoder behind its recurrence, `[F, channels]` to the latent."""
    return _conv(c)(c.latent, c.last_kernel, name="leave")(elu(x))


def enter_decoder(c: SeanetConfig, latent: Array) -> Array:
    """The decoder up to its recurrence: latent to `[F, channels]`."""
    latent = as_latent(latent, c.latent)
    return _conv(c)(c.filters * 2 ** len(c.strides), c.kernel, name="enter")(latent)


def synthesise(c: SeanetConfig, x: Array) -> Array:
    """The decoder behind its recurrence, `[F, channels]` to waveform `[F * hop]`."""
    channels = x.shape[1]
    for block, stride in enumerate(c.strides):
        channels //= 2
        x = ConvTranspose(channels, stride, padding(c), c.norm, name=f"up_{block}")(elu(x))
        for unit in range(c.residual_layers):
            x = Residual(c, c.dilation_growth**unit, name=f"residual_{block}_{unit}")(x)
    y = _conv(c)(c.audio_channels, c.last_kernel, name="leave")(elu(x))
    return y[:, 0] if c.audio_channels == 1 else y


class Residual(nn.Module):
    """`shortcut(x) + conv1x1(elu(conv(elu(x))))`."""

    config: SeanetConfig
    dilation: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c, channels = self.config, x.shape[1]
        conv = _conv(c)
        y = conv(channels // c.compress, c.residual_kernel, dilation=self.dilation, name="first")(
            elu(x)
        )
        y = conv(channels, 1, name="second")(elu(y))
        return (x if c.shortcut == "identity" else conv(channels, 1, name="shortcut")(x)) + y


def padding(config: SeanetConfig) -> Padding:
    """How all layers of a member pad."""
    return Padding(config.causal, config.pad)


def _conv(config: SeanetConfig):
    """The convolution that all layers of a member share."""
    return functools.partial(Conv, padding=padding(config), norm=config.norm)


def _channels_last(config: SeanetConfig, audio: Array) -> Array:
    """Audio as `[T, audio_channels]`, if it has the right shape."""
    audio = jnp.asarray(as_samples(audio))
    several = (config.audio_channels,) if config.audio_channels > 1 else ()
    if audio.ndim != 1 + len(several) or audio.shape[1:] != several or not audio.shape[0]:
        wanted = ", ".join(["T", *map(str, several)])
        raise ValueError(f"audio must be [{wanted}] with T > 0, got {list(audio.shape)}")
    return audio[:, None] if audio.ndim == 1 else audio
