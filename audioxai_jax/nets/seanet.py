"""SEANet, the convolutional encoder and decoder of EnCodec and SoundStream.

A. Defossez, J. Copet, G. Synnaeve, Y. Adi, "High Fidelity Neural Audio Compression",
TMLR 2023 (arXiv 2210.13438), section 3.1. Members of the family differ by configuration;
the default one is EnCodec's 24 kHz model. The latent is the continuous one, before any
quantiser.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from audioxai_jax.records import bind
from audioxai_jax.types import Codec


@dataclasses.dataclass(frozen=True)
class SeanetConfig:
    """A member of the family.

    Attributes:
      sample_rate: Hz.
      latent: channels of the latent.
      filters: channels of the first layer; they double at each stride.
      strides: of the decoder, outermost last; their product is the hop.
      kernel, last_kernel, residual_kernel: sizes of the convolutions.
      residual_layers: residual units per stride.
      dilation_growth: dilation of unit j is this to the power j.
      compress: a residual unit's inner channels are this many times fewer.
      lstm: layers; 0 for none.
      causal: pad on the left only, so that no output looks ahead.
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

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.strides)


def init(config: SeanetConfig, key: Array):
    """Fresh parameters, `{"encoder": .., "decoder": ..}`."""
    encoder_key, decoder_key = jax.random.split(key)
    audio, latent = jnp.zeros((2 * config.hop,)), jnp.zeros((2, config.latent))
    return {
        "encoder": Encoder(config).init(encoder_key, audio)["params"],
        "decoder": Decoder(config).init(decoder_key, latent)["params"],
    }


def encode(config: SeanetConfig, params, audio: Array) -> Array:
    """Waveform `[T]` to latent `[ceil(T / hop), latent]`."""
    return Encoder(config).apply({"params": params["encoder"]}, audio)  # type: ignore[return-value]


def decode(config: SeanetConfig, params, latent: Array) -> Array:
    """Latent `[F, latent]` to waveform `[F * hop]`."""
    return Decoder(config).apply({"params": params["decoder"]}, latent)  # type: ignore[return-value]


def codec(config: SeanetConfig, params, *, mean: Array | None = None, name: str) -> Codec:
    """The pure functions above as a `Codec`."""
    return Codec(
        encode=bind(encode, config, params),
        decode=bind(decode, config, params),
        sample_rate=config.sample_rate,
        hop=config.hop,
        mean=mean,
        name=name,
    )


class Encoder(nn.Module):
    config: SeanetConfig

    @nn.compact
    def __call__(self, audio: Array) -> Array:
        c, channels = self.config, self.config.filters
        conv = functools.partial(Conv, causal=c.causal)
        x = conv(channels, c.kernel, name="enter")(audio[:, None])
        for block, stride in enumerate(reversed(c.strides)):
            for unit in range(c.residual_layers):
                x = Residual(c, c.dilation_growth**unit, name=f"residual_{block}_{unit}")(x)
            channels *= 2
            x = conv(channels, 2 * stride, stride=stride, name=f"down_{block}")(elu(x))
        if c.lstm:
            x = Lstm(c.lstm, name="lstm")(x)
        return conv(c.latent, c.last_kernel, name="leave")(elu(x))


class Decoder(nn.Module):
    config: SeanetConfig

    @nn.compact
    def __call__(self, latent: Array) -> Array:
        c = self.config
        channels = c.filters * 2 ** len(c.strides)
        conv = functools.partial(Conv, causal=c.causal)
        x = conv(channels, c.kernel, name="enter")(latent)
        if c.lstm:
            x = Lstm(c.lstm, name="lstm")(x)
        for block, stride in enumerate(c.strides):
            channels //= 2
            x = ConvTranspose(channels, stride, c.causal, name=f"up_{block}")(elu(x))
            for unit in range(c.residual_layers):
                x = Residual(c, c.dilation_growth**unit, name=f"residual_{block}_{unit}")(x)
        return conv(1, c.last_kernel, name="leave")(elu(x))[:, 0]


class Residual(nn.Module):
    """`conv1x1(x) + conv1x1(elu(conv(elu(x))))`."""

    config: SeanetConfig
    dilation: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c, channels = self.config, x.shape[1]
        conv = functools.partial(Conv, causal=c.causal)
        y = conv(channels // c.compress, c.residual_kernel, dilation=self.dilation, name="first")(
            elu(x)
        )
        y = conv(channels, 1, name="second")(elu(y))
        return conv(channels, 1, name="shortcut")(x) + y


class Conv(nn.Module):
    """Weight-normalised convolution `[T, in] -> [ceil(T / stride), out]`."""

    features: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    causal: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel, x.shape[1], self.features)
        weight = _weight_norm(self, shape, norm_axis=2)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x = _pad(x, self.kernel, self.stride, self.dilation, self.causal)
        y = lax.conv_general_dilated(
            x[None],
            weight,
            (self.stride,),
            "VALID",
            rhs_dilation=(self.dilation,),
            dimension_numbers=("NWC", "WIO", "NWC"),
        )
        return y[0] + bias


class ConvTranspose(nn.Module):
    """Weight-normalised transposed convolution, kernel twice the stride: `[T, in] ->
    [T * stride, out]`, as one matrix product.

    Output sample t * s + r sees only input frames t and t - 1:
    `y[t s + r] = x[t] W[r] + x[t - 1] W[r + s]`.
    """

    features: int
    stride: int
    causal: bool

    @nn.compact
    def __call__(self, x: Array) -> Array:
        frames, channels = x.shape
        weight = _weight_norm(self, (2 * self.stride, channels, self.features), norm_axis=1)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        now, before = jnp.split(weight, 2)
        phases = jnp.concatenate([now, before], axis=1)  # [stride, 2 in, out]
        zero = jnp.zeros((1, channels), x.dtype)
        pairs = jnp.concatenate([jnp.concatenate([x, zero]), jnp.concatenate([zero, x])], axis=1)
        y = jnp.einsum("ti,rio->tro", pairs, phases).reshape(-1, self.features)
        start = 0 if self.causal else self.stride - self.stride // 2
        return y[start : start + frames * self.stride] + bias


class Lstm(nn.Module):
    """Stacked LSTM over frames `[F, C]` with one residual connection around it."""

    layers: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        channels, y = x.shape[1], x
        init = nn.initializers.uniform(2 / math.sqrt(channels))
        centred = lambda *args: init(*args) - 1 / math.sqrt(channels)
        for layer in range(self.layers):
            enter = self.param(f"enter_{layer}", centred, (channels, 4 * channels))
            recur = self.param(f"recur_{layer}", centred, (channels, 4 * channels))
            bias = self.param(f"bias_{layer}", nn.initializers.zeros, (4 * channels,))
            y = _lstm_layer(y @ enter + bias, recur)
        return x + y


def _lstm_layer(driven: Array, recur: Array) -> Array:
    """Gates in the order input, forget, cell, output; `driven` is `[F, 4 C]`.

    The state is kept as columns: `W^T h` is faster on CPU than `h W`.
    """
    transposed = recur.T

    def step(state, gates_in):
        hidden, cell = state
        i, f, g, o = jnp.split(gates_in + transposed @ hidden, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    zero = jnp.zeros((recur.shape[0],), driven.dtype)
    return lax.scan(step, (zero, zero), driven)[1]


def elu(x: Array) -> Array:
    """ELU by `exp`: `expm1` takes twice as long on CPU and the inputs are of order one."""
    return jnp.where(x > 0, x, jnp.exp(jnp.minimum(x, 0)) - 1)


def _weight_norm(module: nn.Module, shape: tuple[int, int, int], norm_axis: int) -> Array:
    """`scale * direction / |direction|`, one scale per index of `norm_axis`.

    T. Salimans, D. Kingma, "Weight Normalization", NeurIPS 2016. As in PyTorch, the axis
    is the output's for convolutions and the input's for transposed ones.
    """
    others = tuple(axis for axis in range(3) if axis != norm_axis)
    norm = lambda v: jnp.sqrt(jnp.sum(v**2, axis=others, keepdims=True))
    initial = nn.initializers.variance_scaling(1.0, "fan_in", "uniform")
    direction = module.param("direction", initial, shape)
    scale = module.param("scale", lambda _: norm(direction))
    return scale * direction / norm(direction)


def _pad(x: Array, kernel: int, stride: int, dilation: int, causal: bool) -> Array:
    """Reflection padding that makes the last frame full."""
    total = (kernel - 1) * dilation + 1 - stride
    frames = -(-x.shape[0] // stride)
    extra = (frames - 1) * stride + (kernel - 1) * dilation + 1 - total - x.shape[0]
    right = 0 if causal else total // 2
    left, right = total - right, right + extra
    short = max(left, right) - x.shape[0] + 1
    if short > 0:  # a reflection needs more samples than there are: zeros first
        x = jnp.pad(x, ((0, short), (0, 0)))
        padded = jnp.pad(x, ((left, right), (0, 0)), mode="reflect")
        return padded[: padded.shape[0] - short]
    return jnp.pad(x, ((left, right), (0, 0)), mode="reflect")
