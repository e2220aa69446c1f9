"""EnCodec: SEANet, a residual vector quantiser and, at 48 kHz, loudness and chunks.

A. Defossez, J. Copet, G. Synnaeve, Y. Adi, "High Fidelity Neural Audio Compression",
TMLR 2023 (arXiv 2210.13438). `nets.codecs.encodec_members` has the published models.

The latent is the continuous one, before the quantiser. `quantised` makes of it what a decoder
gets that was sent codes of some bitrate.

A member that normalises divides each chunk by its loudness. The latent carries it as its last
channel, in each frame of the chunk, so that it holds all that its decoder needs.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio, as_samples
from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.nets.codecs import seanet
from audioxai_jax.nets.codecs.assemble import assemble, with_quantiser
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.nets.layers.chunks import Chunks, cut, each, overlap_add, runs
from audioxai_jax.nets.layers.loudness import gain_of, levels_of, loudness
from audioxai_jax.nets.layers.quantiser import quantise, straight_through
from audioxai_jax.types import Codec


@dataclasses.dataclass(frozen=True)
class EncodecConfig:
    """A member of the family; the default one is the published 24 kHz model.

    Attributes:
      seanet: encoder and decoder.
      codebooks: stages of the quantiser.
      codebook_size: codewords per stage.
      bandwidths: kbit/s that the quantiser was trained for, ascending.
      normalise: divide each chunk by its loudness.
      chunk_seconds: length of the chunks; 0 for the whole sound at once.
      overlap: fraction of a chunk that the next one covers too, below 1.
    """

    seanet: SeanetConfig = SeanetConfig()
    codebooks: int = 32
    codebook_size: int = 1024
    bandwidths: tuple[float, ...] = (1.5, 3.0, 6.0, 12.0, 24.0)
    normalise: bool = False
    chunk_seconds: float = 0.0
    overlap: float = 0.0

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.seanet.sample_rate

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return self.seanet.hop

    @property
    def channels(self) -> int:
        """Channels of the latent, the gain included."""
        return self.seanet.latent + self.normalise

    @property
    def chunks(self) -> Chunks | None:
        """How sounds are cut, or None."""
        length = int(self.chunk_seconds * self.sample_rate)
        return Chunks(length, int((1.0 - self.overlap) * length), self.hop) if length else None


def init(config: EncodecConfig, key: Array):
    """Fresh parameters, `{"encoder": .., "decoder": .., "codebooks": [K, N, latent]}`."""
    nets_key, key = jax.random.split(key)
    shape = (config.codebooks, config.codebook_size, config.seanet.latent)
    return {**seanet.init(config.seanet, nets_key), "codebooks": jax.random.normal(key, shape)}


def encode(config: EncodecConfig, params, audio: Array) -> Array:
    """Waveform `[T]`, or `[T, audio_channels]`, to latent `[F, channels]`.

    F = ceil(T / hop) without chunks, else the sum of the chunks' frames.

    Raises:
      ValueError: for audio of another shape, or without samples.
    """
    audio = jnp.asarray(as_samples(audio))
    if config.chunks is None or not audio.shape[0]:
        return _encode_chunk(config, params, audio)
    return encode_chunks(config, params, audio, config.chunks.samples(audio.shape[0]))


def encode_chunks(
    config: EncodecConfig, params, audio: Array, layout: list[tuple[int, int]]
) -> Array:
    """Latents, one after the other, of the chunks (start, samples) of a waveform."""
    one = lambda chunk: _encode_chunk(config, params, chunk)
    latents = [each(one, cut(audio, starts, samples)) for starts, samples in runs(layout)]
    return jnp.concatenate([latent.reshape(-1, latent.shape[-1]) for latent in latents])


def decode(config: EncodecConfig, params, latent: Array) -> Array:
    """Latent `[F, channels]` to waveform `[T]`, or `[T, audio_channels]`.

    T = F * hop without chunks; else to the end of the last frame. Either is up to a frame more
    than was encoded.

    Raises:
      ValueError: for a latent of other channels, or of frames that no sound makes.
    """
    latent = as_latent(latent, config.channels)
    if config.chunks is None:
        return _decode_chunk(config, params, latent)
    return decode_chunks(config, params, latent, config.chunks.of_frames(latent.shape[0]))


def decode_chunks(
    config: EncodecConfig, params, latent: Array, layout: list[tuple[int, int]]
) -> Array:
    """The waveform of chunks (start, samples), whose latents are one after the other."""
    one = lambda chunk: _decode_chunk(config, params, chunk)
    parts, begin = [], 0
    for starts, samples in runs(layout):
        frames = samples // config.hop
        end = begin + len(starts) * frames
        chunks = latent[begin:end].reshape(len(starts), frames, -1)
        parts.append((starts, each(one, chunks)))
        begin = end
    return overlap_add(parts)


def codes(config: EncodecConfig, params, latent: Array, codebooks: int) -> Array:
    """Codes `[F, codebooks]` of a latent `[F, channels]`, int32; a gain has none.

    Raises:
      ValueError: for more codebooks than there are, or a latent of other channels.
    """
    return quantise(_stages(config, params, codebooks), latent[:, : config.seanet.latent])


def quantised(config: EncodecConfig, params, latent: Array, codebooks: int) -> Array:
    """The latent of those codes, with the gradient of the latent itself; a gain stays as it is.

    Raises:
      ValueError: as `codes`.
    """
    width = config.seanet.latent
    words = straight_through(_stages(config, params, codebooks), latent[:, :width])
    return jnp.concatenate([words, latent[:, width:]], axis=1)


def quantised_at(
    config: EncodecConfig, codebooks: Array, latent: Array, bandwidth_kbps: float
) -> Array:
    """`quantised` for a bandwidth, by codebooks `[K, N, latent]`."""
    number = codebooks_for(bandwidth_kbps, config)
    return quantised(config, {"codebooks": codebooks}, latent, number)


def codebooks_for(bandwidth_kbps: float, config: EncodecConfig) -> int:
    """Codebooks that a bandwidth pays for: `floor(1000 b / (log2(N) * frames per second))`.

    Raises:
      ValueError: for a bandwidth that is not among the configuration's.
    """
    if bandwidth_kbps not in config.bandwidths:
        known = ", ".join(f"{b:g}" for b in config.bandwidths)
        raise ValueError(f"bandwidth {bandwidth_kbps:g} kbit/s: choose one of {known}")
    rate = math.log2(config.codebook_size) * -(-config.sample_rate // config.hop)
    return max(1, math.floor(bandwidth_kbps * 1000 / rate))


def codec(config: EncodecConfig, params, *, mean: Array | None = None, name: str) -> Codec:
    """The continuous latent as a `Codec` of mono sound.

    A member of several channels gets the sound in each, and the mean of what it decodes. It
    quantises for each of the configuration's bandwidths.
    """
    config, params = fold(config, params)
    continuous = assemble(encode_mono, decode_mono, config, params, mean=mean, name=name)
    books, rates = params["codebooks"], config.bandwidths
    return with_quantiser(continuous, quantised_at, config, books, rates)


def quantised_codec(
    config: EncodecConfig, params, bandwidth_kbps: float, *, mean: Array | None = None, name: str
) -> Codec:
    """A `Codec` whose latent is `quantised` for a bandwidth.

    Raises:
      ValueError: for a bandwidth that is not among the configuration's.
    """
    codebooks = codebooks_for(bandwidth_kbps, config)
    config, params = fold(config, params)
    whole = codec(config, params, mean=mean, name=name)
    return dataclasses.replace(whole, encode=bind(encode_quantised, (config, codebooks), params))


def fold(config: EncodecConfig, params) -> tuple[EncodecConfig, Any]:
    """See `seanet.fold`."""
    network, params = seanet.fold(config.seanet, params)
    return dataclasses.replace(config, seanet=network), params


def encode_mono(config: EncodecConfig, params, audio: Array) -> Array:
    """As `encode`, of a waveform `[T]` that is in each channel."""
    audio = as_audio(audio)
    return encode(config, params, in_each_channel(config, audio))


def decode_mono(config: EncodecConfig, params, latent: Array) -> Array:
    """The mean of the channels that `decode` gives, `[T]`."""
    return mean_channel(decode(config, params, latent))


def encode_quantised(settings: tuple[EncodecConfig, int], params, audio: Array) -> Array:
    """`quantised` of `encode_mono`; the settings are the configuration and the codebooks."""
    config, codebooks = settings
    return quantised(config, params, encode_mono(config, params, audio), codebooks)


def in_each_channel(config: EncodecConfig, audio: Array) -> Array:
    """A waveform `[T]` as the network's audio."""
    several = config.seanet.audio_channels
    return audio if several == 1 else jnp.stack([audio] * several, axis=1)


def mean_channel(sound: Array) -> Array:
    """The network's audio as a waveform `[T]`."""
    return sound if sound.ndim == 1 else jnp.mean(sound, axis=1)


def _encode_chunk(config: EncodecConfig, params, audio: Array) -> Array:
    if not config.normalise:
        return seanet.encode(config.seanet, params, audio)
    level = loudness(audio)
    latent = seanet.encode(config.seanet, params, audio / level)
    gain = jnp.broadcast_to(gain_of(level), (latent.shape[0], 1))
    return jnp.concatenate([latent, gain.astype(latent.dtype)], axis=1)


def _decode_chunk(config: EncodecConfig, params, latent: Array) -> Array:
    sound = seanet.decode(config.seanet, params, latent[:, : config.seanet.latent])
    if not config.normalise:
        return sound
    levels = levels_of(latent[:, -1], config.hop)
    return sound * (levels if sound.ndim == 1 else levels[:, None])


def _stages(config: EncodecConfig, params, codebooks: int) -> Array:
    if not 1 <= codebooks <= config.codebooks:
        raise ValueError(f"{codebooks} codebooks: choose 1 to {config.codebooks}")
    return params["codebooks"][:codebooks]
