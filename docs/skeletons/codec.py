"""A new codec: audioxai_jax/nets/codecs/my_codec.py, and a row of CODECS in `nets/codecs`.

Frames of 20 ms times a matrix, and back by another one: replace both by networks.

    CODECS["my_codec"] = my_codec.ROW
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.nets.codecs.assemble import assemble
from audioxai_jax.nets.network import Network
from audioxai_jax.nets.stages import Local, Stage
from audioxai_jax.types import Codec


@dataclasses.dataclass(frozen=True)
class MyConfig:
    """What a manifest says of the codec.

    Attributes:
      sample_rate: rate of the sounds, Hz.
      hop: samples per frame.
      channels: number of values per frame.
    """

    sample_rate: int = 16_000
    hop: int = 320
    channels: int = 64


def init(config: MyConfig, key: Array) -> dict[str, Array]:
    """Fresh parameters: a matrix with orthonormal columns, and its transpose."""
    drawn = jax.random.normal(key, (config.hop, config.channels))
    columns = jnp.linalg.qr(drawn)[0]
    return {"encoder": columns, "decoder": columns.T}


def encode(config: MyConfig, params: dict[str, Array], audio: Array) -> Array:
    """Latent `[ceil(T / hop), channels]` of a sound `[T]`."""
    audio = as_audio(audio)
    padded = jnp.pad(audio, (0, -audio.shape[0] % config.hop))
    return padded.reshape(-1, config.hop) @ params["encoder"]


def decode(config: MyConfig, params: dict[str, Array], latent: Array) -> Array:
    """Sound `[F * hop]` of a latent `[F, channels]`."""
    return (as_latent(latent, config.channels) @ params["decoder"]).reshape(-1)


def my_codec(
    config: MyConfig, params: dict[str, Array], *, mean: Array | None = None, name: str
) -> Codec:
    """The functions above as a `Codec`."""
    return assemble(encode, decode, config, params, mean=mean, name=name)


def encoder_stages(config: MyConfig, params: dict[str, Array], frames: int) -> list[Stage]:
    """For sounds of any length: each frame sees its own samples, none to the left or right."""
    return [Local(bind(encode, config, params), takes=config.hop, units=frames)]


def decoder_stages(config: MyConfig, params: dict[str, Array], frames: int) -> list[Stage]:
    """The way back: a frame of the latent gives `hop` samples."""
    return [Local(bind(decode, config, params), gives=config.hop, units=frames)]


ROW = Network(
    "codec",
    MyConfig,
    init,
    my_codec,
    stages={encode: encoder_stages, decode: decoder_stages},
    small=(MyConfig(sample_rate=400, hop=8, channels=5),),
)
"""`small` is what the tests try the codec with."""
