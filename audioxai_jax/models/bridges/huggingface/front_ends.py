"""What `transformers` does to a waveform in front of its models, as JAX functions of one clip.

Each is differentiable, with finite derivatives at silence, and has the numbers of its NumPy code.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.huggingface.mel_banks import kaldi_bank, slaney_bank

LEAST_VARIANCE = 1e-7
KALDI_WINDOW_S, KALDI_HOP_S = 25e-3, 10e-3
PREEMPHASIS, KALDI_FLOOR = 0.97, 1.192092955078125e-07
WHISPER_FLOOR, WHISPER_RANGE = 1e-10, 8.0


@record(static=("normalise",))
class Waveform:
    """`[T] -> [T]`: the samples, with mean 0 and variance 1 over the clip if `normalise`.

    y = (x - mean x) / sqrt(var x + 1e-7), as of wav2vec 2.0 (Baevski et al., 2020).
    """

    normalise: bool = True

    def __call__(self, audio: Array) -> Array:
        if not self.normalise:
            return audio
        centred = audio - jnp.mean(audio)
        return centred / jnp.sqrt(jnp.mean(centred * centred) + LEAST_VARIANCE)


@record(static=("sample_rate", "bands", "frames", "mean", "std"))
class KaldiBands:
    """`[T] -> [frames, bands]`: logarithms of mel bands as Kaldi has them, and zeros behind.

    Frames of 25 ms every 10 ms: without their mean, pre-emphasised by 0.97, under a symmetric Hann
    window; power in triangles of the mel scale 1127 ln(1 + f / 700) from 20 Hz; (log - mean) /
    (2 std), as of the Audio Spectrogram Transformer (Gong et al., 2021).

    Raises:
      BridgeError: for a clip with less than one frame, or more than `frames`.
    """

    sample_rate: int
    bands: int
    frames: int
    mean: float
    std: float

    def __call__(self, audio: Array) -> Array:
        width, hop = (round(s * self.sample_rate) for s in (KALDI_WINDOW_S, KALDI_HOP_S))
        length = 1 << (width - 1).bit_length()
        count = 1 + (audio.shape[0] - width) // hop
        if not 1 <= count <= self.frames:
            most = (self.frames * hop + width - 1) / self.sample_rate
            raise BridgeError(
                f"the front end reads clips of {width / self.sample_rate:.3f} s to {most:.2f} s, "
                f"got {audio.shape[0] / self.sample_rate:.2f} s: cut the clip"
            )
        pieces = audio[np.arange(count)[:, None] * hop + np.arange(width)]
        pieces = pieces - jnp.mean(pieces, axis=1, keepdims=True)
        before = jnp.concatenate([pieces[:, :1], pieces[:, :-1]], axis=1)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / (width - 1))
        pieces = (pieces - PREEMPHASIS * before) * jnp.asarray(window, audio.dtype)
        power = _power(jnp.pad(pieces, ((0, 0), (0, length - width))))
        bank = kaldi_bank(self.sample_rate, length // 2 + 1, self.bands)
        mel = jnp.matmul(power, jnp.asarray(bank, audio.dtype), precision="highest")
        log = jnp.log(jnp.maximum(mel, KALDI_FLOOR))
        return (jnp.pad(log, ((0, self.frames - count), (0, 0))) - self.mean) / (2 * self.std)


@record(static=("sample_rate", "bands", "window", "hop", "samples"))
class WhisperBands:
    """`[T] -> [bands, frames]`: log10 of Slaney's mel bands, of the clip filled up with zeros.

    The loudest 8 decades, (log10 + 4) / 4, as of Whisper (Radford et al., 2023).

    Raises:
      BridgeError: for a clip with more than `samples`.
    """

    sample_rate: int
    bands: int
    window: int
    hop: int
    samples: int

    def __call__(self, audio: Array) -> Array:
        if audio.shape[0] > self.samples:
            raise BridgeError(
                f"the front end reads {self.samples / self.sample_rate:.0f} s at most, got "
                f"{audio.shape[0] / self.sample_rate:.2f} s: cut the clip"
            )
        half = self.window // 2
        padded = jnp.pad(audio, (0, self.samples - audio.shape[0]))
        padded = jnp.pad(padded, half, mode="reflect")
        frames = self.samples // self.hop
        pieces = padded[np.arange(frames)[:, None] * self.hop + np.arange(self.window)]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)
        power = _power(pieces * jnp.asarray(hann, audio.dtype))
        bank = slaney_bank(self.sample_rate, half + 1, self.bands)
        mel = jnp.matmul(power, jnp.asarray(bank, audio.dtype), precision="highest")
        log = jnp.log10(jnp.maximum(mel, WHISPER_FLOOR))
        return (jnp.maximum(log, jnp.max(log) - WHISPER_RANGE) + 4).T / 4


def _power(pieces: Array) -> Array:
    """|DFT|^2 of pieces `[F, n]`: `[F, n // 2 + 1]`."""
    spectrum = jnp.fft.rfft(pieces, axis=-1)
    return spectrum.real**2 + spectrum.imag**2


FrontEnd = Waveform | KaldiBands | WhisperBands


def front_end(config: Mapping[str, Any], place: str = "preprocessor_config.json") -> FrontEnd:
    """The front end of a preprocessor's configuration.

    Args:
      config: fields of preprocessor_config.json.
      place: file, for messages.

    Raises:
      BridgeError: for a kind that is not known, naming it.
    """
    kind = config.get("feature_extractor_type")
    rate = int(config.get("sampling_rate", 16_000))
    if config.get("dither"):
        raise BridgeError(f"{place}: adds noise (dither {config['dither']}): set it to 0")
    if kind == "Wav2Vec2FeatureExtractor":
        return Waveform(bool(config.get("do_normalize", True)))
    if kind == "ASTFeatureExtractor":
        mean, std = config.get("mean", -4.2677393), config.get("std", 4.5689974)
        if not config.get("do_normalize", True):
            mean, std = 0.0, 0.5
        bands, frames = config.get("num_mel_bins", 128), config.get("max_length", 1024)
        return KaldiBands(rate, int(bands), int(frames), float(mean), float(std))
    if kind == "WhisperFeatureExtractor":
        return WhisperBands(
            rate,
            int(config.get("feature_size", 80)),
            int(config.get("n_fft", 400)),
            int(config.get("hop_length", 160)),
            int(config.get("chunk_length", 30)) * rate,
        )
    raise BridgeError(
        f"{place}: the front end {kind!r} is not known: read are Wav2Vec2FeatureExtractor, "
        "ASTFeatureExtractor and WhisperFeatureExtractor"
    )
