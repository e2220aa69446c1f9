"""A new codec: audioxai_jax/nets/codecs/my_codec.py, and a row of NETWORKS or CODECS.

Frames of 20 ms on 16 orthonormal cosines; a trained codec keeps its arrays in `params`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.types import Codec

HOP = 320
"""Samples per frame."""
CHANNELS = 16


def my_params() -> dict[str, Array]:
    """Parameters of the codec, by name: orthonormal cosines `[HOP, CHANNELS]`."""
    phase = np.pi / HOP * (np.arange(HOP) + 0.5)[:, None] * np.arange(CHANNELS)
    cosines = np.sqrt(2 / HOP) * np.cos(phase)
    cosines[:, 0] /= np.sqrt(2)
    return {"cosines": jnp.asarray(cosines, jnp.float32)}


def encode(params: dict[str, Array], audio: Array) -> Array:
    """Latent `[ceil(T / HOP), CHANNELS]` of a sound `[T]`."""
    frames = jnp.pad(audio, (0, -audio.shape[0] % HOP)).reshape(-1, HOP)
    return frames @ params["cosines"]


def decode(params: dict[str, Array], latent: Array) -> Array:
    """Sound `[F * HOP]` of a latent `[F, CHANNELS]`."""
    return (latent @ params["cosines"].T).reshape(-1)


def my_codec(params: dict[str, Array]) -> Codec:
    """A codec of these parameters; every length of sound works, and gradients flow."""
    parts = jax.tree.map(jnp.asarray, params)
    return Codec(
        Partial(encode, parts), Partial(decode, parts), sample_rate=16_000, hop=HOP, name="my_codec"
    )
