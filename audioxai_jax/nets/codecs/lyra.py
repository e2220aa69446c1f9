"""Lyra V2's SoundStream: a causal speech codec at 16 kHz, 64 channels 50 times a second.

N. Zeghidour, A. Luebs, A. Omran, J. Skoglund, M. Tagliasacchi, "SoundStream: An End-to-End
Neural Audio Codec", IEEE/ACM TASLP 2022 (arXiv 2107.03312), in the form that google/lyra
released: a strided convolution enters, residual units of a depthwise and two pointwise
convolutions follow, LeakyReLU comes before every convolution but the entering ones and the
first pointwise ones. The decoder is the encoder in reverse.

Lyra runs it frame by frame and keeps what convolutions remember; here whole signals pass at
once. All memories start at zero, so zeros on the left give the same. The latent is the
continuous one, before the quantiser; the released file rounds parts of it to 8 bits, here all
is floating point.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.core.checks import as_samples, check_audio
from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.nets.codecs.assemble import assemble, with_quantiser
from audioxai_jax.nets.layers.quantiser import straight_through
from audioxai_jax.types import Codec

STAGES = {3_200: 16, 6_000: 30, 9_200: 46}
"""Quantiser stages of Lyra V2's bit rates, bit/s: 4 bits per stage, 50 frames per second."""


@dataclasses.dataclass(frozen=True)
class LyraConfig:
    """Sizes of the codec; level 0 is the outermost.

    Attributes:
      sample_rate: Hz.
      latent: channels of the latent.
      channels: channels of each level, and of what the innermost stride makes.
      strides: the first enters level 0, the others leave each level; their product is the hop.
      kernels: kernel lengths of the strided convolutions, no shorter than the strides.
      groups: groups of each level's second pointwise convolution and of the one that leaves it; the
        last one also of the convolutions to and from the latent.
      dilations: dilations of each level's residual units.
      kernel: kernel length of depthwise convolutions, and of those to and from the latent.
      slope: slope of LeakyReLU for negative values.
      stages, codewords: size of the quantiser.
    """

    sample_rate: int = 16_000
    latent: int = 64
    channels: tuple[int, ...] = (64, 128, 256, 512)
    strides: tuple[int, ...] = (16, 5, 2, 2)
    kernels: tuple[int, ...] = (64, 10, 4, 4)
    groups: tuple[int, ...] = (1, 2, 4)
    dilations: tuple[int, ...] = (1, 3, 9)
    kernel: int = 3
    slope: float = 0.3
    stages: int = 46
    codewords: int = 16

    def __post_init__(self):
        levels = len(self.groups)
        if not len(self.strides) == len(self.kernels) == len(self.channels) == levels + 1:
            raise ValueError(
                f"{levels} groups need {levels + 1} channels, strides and kernels, got "
                f"{len(self.channels)}, {len(self.strides)} and {len(self.kernels)}"
            )
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            if kernel < stride:
                raise ValueError(f"kernel {kernel} is shorter than its stride {stride}")

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.strides)


def init(config: LyraConfig, key: Array):
    """Fresh parameters, `{"encoder": .., "decoder": .., "codebooks": [stages, codewords, latent]}`.

    Weights are `[kernel, in / groups, out]`, uniform within `1 / sqrt(kernel in / groups)`.
    """
    c, keys = config, iter(jax.random.split(key, 200))

    def layer(kernel: int, inputs: int, outputs: int, groups: int = 1):
        bound = 1 / math.sqrt(kernel * inputs // groups)
        shape = (kernel, inputs // groups, outputs)
        weight = jax.random.uniform(next(keys), shape, minval=-bound, maxval=bound)
        return {"weight": weight, "bias": jnp.zeros(outputs)}

    def level(index: int):
        width = c.channels[index]
        return {
            f"unit_{index}_{unit}": {
                "depthwise": {"weight": layer(c.kernel, width, width, width)["weight"][:, 0]},
                "first": layer(1, width, width),
                "second": layer(1, width, width, c.groups[index]),
            }
            for unit in range(len(c.dilations))
        }

    inner, outer = c.channels[-1], c.channels[0]
    encoder = {"enter": layer(c.kernels[0], 1, outer)}
    decoder = {"enter": layer(c.kernel, c.latent, inner, c.groups[-1])}
    for index, groups in enumerate(c.groups):
        kernel, (above, below) = c.kernels[index + 1], c.channels[index : index + 2]
        encoder |= level(index) | {f"down_{index}": layer(kernel, above, below, groups)}
        decoder |= level(index) | {f"up_{index}": layer(kernel, below, above, groups)}
    encoder["leave"] = layer(c.kernel, inner, c.latent, c.groups[-1])
    decoder["leave"] = layer(c.kernels[0], outer, 1)
    codebooks = jax.random.normal(next(keys), (c.stages, c.codewords, c.latent))
    return {"encoder": encoder, "decoder": decoder, "codebooks": codebooks}


def encode(config: LyraConfig, params, audio: Array) -> Array:
    """Waveform `[T]` to latent `[ceil(T / hop), latent]`; the last frame is filled with zeros.

    Raises:
      ValueError: if the audio is not one waveform.
    """
    audio = jnp.asarray(as_samples(audio))
    check_audio(audio, empty=True)
    c, layers = config, params["encoder"]
    audio = jnp.pad(audio, (0, -audio.shape[0] % c.hop))
    x = convolve(layers["enter"], audio[:, None], stride=c.strides[0])
    for level, groups in enumerate(c.groups):
        x = residual_units(c, layers, level, x)
        x = jax.nn.leaky_relu(x, c.slope)
        x = convolve(layers[f"down_{level}"], x, stride=c.strides[level + 1], groups=groups)
    return convolve(layers["leave"], jax.nn.leaky_relu(x, c.slope), groups=c.groups[-1])


def decode(config: LyraConfig, params, latent: Array) -> Array:
    """Latent `[F, latent]` to waveform `[F * hop]`, not clipped.

    Raises:
      ValueError: if the latent is not one example of this codec.
    """
    latent = as_latent(latent, config.latent)
    c, layers = config, params["decoder"]
    x = convolve(layers["enter"], latent, groups=c.groups[-1])
    for level in reversed(range(len(c.groups))):
        x = jax.nn.leaky_relu(x, c.slope)
        x = spread(layers[f"up_{level}"], x, c.strides[level + 1], c.groups[level])
        x = residual_units(c, layers, level, x)
    return spread(layers["leave"], jax.nn.leaky_relu(x, c.slope), c.strides[0])[:, 0]


def codec(config: LyraConfig, params, *, mean: Array | None = None, name: str) -> Codec:
    """The pure functions above as a `Codec`; it quantises at those of `STAGES` that it has."""
    continuous = assemble(encode, decode, config, params, mean=mean, name=name)
    rates = tuple(rate / 1000 for rate, stages in STAGES.items() if stages <= config.stages)
    if not rates:
        return continuous
    return with_quantiser(continuous, quantised_at, config, params["codebooks"], rates)


def quantised_at(config: LyraConfig, codebooks: Array, latent: Array, kbps: float) -> Array:
    """The latent through the stages of a bit rate, with its own gradient; 3.2, 6 or 9.2 kbit/s."""
    del config
    return straight_through(codebooks[: STAGES[round(1000 * kbps)]], latent)


def quantised_codec(
    config: LyraConfig, params, *, stages: int, mean: Array | None = None, name: str
) -> Codec:
    """As `codec`, with a latent that went through the first stages of the quantiser.

    Its gradient passes straight through; `STAGES` has the number of stages by bit rate.

    Raises:
      ValueError: if there are not that many stages.
    """
    if not 1 <= stages <= config.stages:
        raise ValueError(f"stages is {stages}, expected 1 to {config.stages}")
    whole = codec(config, params, mean=mean, name=name)
    return dataclasses.replace(whole, encode=bind(encode_quantised, (config, stages), params))


def encode_quantised(settings: tuple[LyraConfig, int], params, audio: Array) -> Array:
    """`encode`, through the first stages; the settings are the configuration and their number."""
    config, stages = settings
    return straight_through(params["codebooks"][:stages], encode(config, params, audio))


def residual_units(config: LyraConfig, layers, level: int, x: Array) -> Array:
    """Per unit `x + second(leaky(first(depthwise(leaky(x)))))`, `[T, C]` to the same."""
    for unit, dilation in enumerate(config.dilations):
        of = layers[f"unit_{level}_{unit}"]
        y = depthwise(of["depthwise"], jax.nn.leaky_relu(x, config.slope), dilation)
        y = jax.nn.leaky_relu(convolve(of["first"], y), config.slope)
        x = x + convolve(of["second"], y, groups=config.groups[level])
    return x


def convolve(layer, x: Array, *, stride: int = 1, groups: int = 1) -> Array:
    """Causal convolution `[T, in] -> [T / stride, out]`, zeros on the left."""
    weight = layer["weight"]
    y = lax.conv_general_dilated(
        x[None],
        weight,
        (stride,),
        [(weight.shape[0] - stride, 0)],
        dimension_numbers=("NWC", "WIO", "NWC"),
        feature_group_count=groups,
        precision="highest",
    )
    return y[0] + layer["bias"]


def depthwise(layer, x: Array, dilation: int) -> Array:
    """Causal convolution of each channel with its own kernel, `[T, C]`; weights `[kernel, C]`.

    A sum of shifted products: XLA's grouped convolution is six times slower for it on a CPU.
    """
    weight = layer["weight"]
    length, reach = x.shape[0], (weight.shape[0] - 1) * dilation
    padded = jnp.pad(x, ((reach, 0), (0, 0)))
    taps = (padded[tap * dilation :][:length] * row for tap, row in enumerate(weight))
    return sum(taps, jnp.zeros((), x.dtype))


def spread(layer, x: Array, stride: int, groups: int = 1) -> Array:
    """Transposed convolution `[T, in] -> [T stride, out]`, `y[t stride + j] += x[t] weight[j]`.

    What reaches beyond the end is cut. It is an ordinary convolution over frames with
    `stride * out` channels, which is faster than one of frames with zeros between them.
    """
    kernel, channels, outputs = layer["weight"].shape
    frames = -(-kernel // stride)
    weight = jnp.pad(layer["weight"], ((0, frames * stride - kernel), (0, 0), (0, 0)))
    weight = weight.reshape(frames, stride, channels, groups, -1)[::-1]
    weight = jnp.transpose(weight, (0, 2, 3, 1, 4)).reshape(frames, channels, stride * outputs)
    y = lax.conv_general_dilated(
        x[None],
        weight,
        (1,),
        [(frames - 1, 0)],
        dimension_numbers=("NWC", "WIO", "NWC"),
        feature_group_count=groups,
        precision="highest",
    )
    phases = y[0].reshape(x.shape[0], groups, stride, outputs // groups).swapaxes(1, 2)
    return phases.reshape(x.shape[0] * stride, outputs) + layer["bias"]
