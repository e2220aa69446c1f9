"""A gain-shape codec: 20 ms frames, cheap enough to train and run on a CPU.

Speech is written as `band gain x normalised shape`, as transform codecs do (J.-M. Valin et
al., "A High-Quality Speech and Audio Codec With Less Than 10 ms Delay", IEEE TASLP 2010),
with networks where they use bit allocation and noise filling:

    latent  = [ gains , shape ]
    gains   = log(1 + A / floor) / scale      A: amplitude in mel bands, from MDCT and MDST
    shape   = the lowest MDCT coefficients / A, plus what a network adds
    decoded = inverse MDCT of  A x (shape, continued upwards by a network)

Three properties make it a codec for explanations. A zero latent is silence, exactly.
Gains gate their band, so a feature that is removed is gone from the sound, and cannot be
guessed back from its neighbours. And the gains are a coarse log-mel spectrogram, which
classifiers can read, while most codecs' latents are hard to classify.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array

from audioxai_jax.core.contracts import as_latent, check_unit
from audioxai_jax.nets.codecs.assemble import assemble
from audioxai_jax.transforms.mdct import analyse, synthesise
from audioxai_jax.transforms.mel import mel_bands
from audioxai_jax.types import Codec

REACH = 2
"""Frames to either side that a block of the networks sees."""

PERIOD = 64
"""Frames after which the carrier repeats."""


@dataclasses.dataclass(frozen=True)
class GainShapeConfig:
    """Sizes of the codec.

    Attributes:
      sample_rate: Hz.
      hop: samples per frame; also the number of MDCT coefficients.
      gains: mel bands; the first channels of the latent.
      shape: coefficients that carry the waveform; the other channels.
      width: channels inside the networks.
      encoder_blocks, decoder_blocks: residual blocks of each network.
      floor: band amplitude below which a gain counts as silent.
      scale: natural-log units per unit of gain.
      unit: default unit of ranking and editing: "feature", or "cell", a band of a frame.

    Raises:
      ValueError: for another unit.
    """

    sample_rate: int = 16_000
    hop: int = 320
    gains: int = 16
    shape: int = 48
    width: int = 256
    encoder_blocks: int = 2
    decoder_blocks: int = 4
    floor: float = 1e-3
    scale: float = 2.0
    unit: str = "feature"

    def __post_init__(self):
        check_unit(self.unit)

    @property
    def channels(self) -> int:
        """Channels of the latent."""
        return self.gains + self.shape


def init(config: GainShapeConfig, key: Array):
    """Fresh parameters. Both networks start at zero: an untrained codec is the linear
    transform that keeps the lowest `config.shape` MDCT coefficients."""
    audio_key, latent_key = jax.random.split(key)
    frames = jnp.zeros((2, config.hop + config.gains))
    latent = jnp.zeros((2, config.channels))
    return {
        "encoder": _encoder(config).init(audio_key, frames)["params"],
        "decoder": _decoder(config).init(latent_key, latent)["params"],
    }


def encode(config: GainShapeConfig, params, audio: Array) -> Array:
    """Waveform `[T]` to latent `[ceil(T / hop), gains + shape]`.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point.
      ValueError: for audio that is no `[T]`, or without samples.
    """
    cosine, sine = analyse(audio, config.hop)
    amplitude = jnp.sqrt((cosine**2 + sine**2) @ _bands(config) + 1e-12) - 1e-6
    gains = jnp.log1p(amplitude / config.floor) / config.scale
    shape = jnp.tanh(cosine / (3 * (_per_bin(config, amplitude) + config.floor))) * 3
    learned: Array = _encoder(config).apply(  # type: ignore[assignment]
        {"params": params["encoder"]}, jnp.concatenate([gains, shape], axis=1)
    )
    return jnp.concatenate([gains, shape[:, : config.shape] + learned], axis=1)


def decode(config: GainShapeConfig, params, latent: Array) -> Array:
    """Latent `[F, gains + shape]` to waveform `[F * hop]`. Negative gains count as zero.

    Raises:
      TypeError (also a ValueError): for a latent that is not floating point.
      ValueError: for one of another shape.
    """
    latent = as_latent(latent, config.channels)
    return decode_with(config, params, latent, carrier(config, len(latent)))


def decode_with(config: GainShapeConfig, params, latent: Array, signs: Array | np.ndarray) -> Array:
    """As `decode`, with the `carrier` of the frames given, `[F, hop]`."""
    gains = nn.relu(latent[:, : config.gains])
    amplitude = config.floor * jnp.expm1(config.scale * jnp.minimum(gains, 8.0))
    learned: Array = _decoder(config).apply(  # type: ignore[assignment]
        {"params": params["decoder"]}, latent
    )
    shape = learned[:, : config.hop] + learned[:, config.hop :] * signs
    shape = shape.at[:, : config.shape].add(latent[:, config.gains :])
    return synthesise(shape * _per_bin(config, amplitude))


def cells(config: GainShapeConfig) -> np.ndarray:
    """The band of each channel, `[gains + shape]`: that of a gain, and the one that contributes
    most to a coefficient. With a band's gain, what its coefficients say is gone as well."""
    return np.concatenate([np.arange(config.gains), _bands(config)[: config.shape].argmax(1)])


def filtered(config: GainShapeConfig, audio: Array, kept: Array) -> Array:
    """The part of a waveform in some bands and frames, as an exact codec would decode it.

    Args:
      audio: waveform `[T]`.
      kept: weights of the band gains, in [0, 1], `[F, gains]`.

    Returns:
      `[F * hop]`.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point.
      ValueError: for audio that is not `[T]`, or weights that do not fit it.
    """
    cosine, sine = analyse(audio, config.hop)
    if kept.shape != (len(cosine), config.gains):
        raise ValueError(f"kept is {list(kept.shape)}, expected {[len(cosine), config.gains]}")
    amplitude = jnp.sqrt((cosine**2 + sine**2) @ _bands(config) + 1e-12)
    share = _per_bin(config, kept * amplitude) / _per_bin(config, amplitude)
    return synthesise(share * cosine)


def codec(config: GainShapeConfig, params, *, mean: Array | None = None, name: str) -> Codec:
    """The pure functions above as a `Codec`."""
    bands = tuple(cells(config).tolist())
    made = assemble(encode, decode, config, params, mean=mean, name=name)
    return dataclasses.replace(made, cells=bands, unit=config.unit)


class Mixer(nn.Module):
    """Residual blocks over frames `[F, ..]`: shifts along time, then a small perceptron."""

    width: int
    blocks: int
    outputs: int
    reach: int = REACH

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = nn.Dense(self.width, name="enter")(x)
        for index in range(self.blocks):
            weights = self.param(
                f"time_{index}", nn.initializers.normal(0.3), (2 * self.reach + 1, self.width)
            )
            padded = jnp.pad(x, ((self.reach, self.reach), (0, 0)))
            y = sum(padded[i : i + x.shape[0]] * w[None] for i, w in enumerate(weights))
            y = nn.LayerNorm(name=f"norm_{index}")(y)
            y = nn.gelu(nn.Dense(2 * self.width, name=f"up_{index}")(y))
            x = x + nn.Dense(self.width, name=f"down_{index}")(y)
        zeros = nn.initializers.zeros
        return nn.Dense(self.outputs, kernel_init=zeros, name="leave")(nn.LayerNorm(name="norm")(x))


def _encoder(config: GainShapeConfig) -> Mixer:
    return Mixer(config.width, config.encoder_blocks, config.shape)


def _decoder(config: GainShapeConfig) -> Mixer:
    return Mixer(config.width, config.decoder_blocks, 2 * config.hop)


def _bands(config: GainShapeConfig) -> np.ndarray:
    """Weights of the coefficients' powers in each band, `[hop, gains]`; each bin's sum is 1."""
    centres = (np.arange(config.hop) + 0.5) * config.sample_rate / (2 * config.hop)
    highest = config.sample_rate / 2
    weights = mel_bands(centres, config.gains, lowest=0.0, highest=highest)
    weights[centres < centres[weights[:, 0].argmax()], 0] = 1.0
    weights[centres > centres[weights[:, -1].argmax()], -1] = 1.0
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _per_bin(config: GainShapeConfig, amplitude: Array) -> Array:
    """Band amplitudes `[F, gains]` to the amplitude of one coefficient, `[F, hop]`."""
    bands = _bands(config)
    density = bands / (2 * bands.sum(0))
    return jnp.sqrt(amplitude**2 @ density.T + 1e-20) - 1e-10


def carrier(config: GainShapeConfig, frames: int) -> np.ndarray:
    """A fixed pattern of signs `[frames, hop]`, which repeats every 64 frames: the raw
    material of noise, where the latent says nothing of the waveform."""
    signs = np.random.RandomState(0).choice([-1.0, 1.0], (PERIOD, config.hop)).astype(np.float32)
    return signs[np.arange(frames) % PERIOD]
