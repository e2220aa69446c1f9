"""Replacement: the base values that stand in for the latent features left out.

arXiv 2410.07530 replaces "less relevant parts of an embedding vector with a base
value": its text speaks of zeros, its code takes the latent of a noise recording.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.records import record
from audioxai_jax.types import Base, Codec


def zero() -> Base:
    """Zeros."""
    return Zero()


def mean() -> Base:
    """The codec's mean latent over its training data, the same in each frame."""
    return Mean()


def noise(level_db: float = -60.0) -> Base:
    """The latent of white noise: `encode(normal(key))`.

    Args:
      level_db: RMS of the noise in dB re full scale. The sound published with
        arXiv 2410.07530 decodes to near silence where features are replaced, so its
        noise was quiet.
    """
    return Noise(level_db=level_db)


@record()
class Zero:
    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        del codec, key
        return jnp.zeros_like(latent)


@record()
class Mean:
    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        del key
        if codec.mean is None:
            raise ValueError(
                f"base 'mean': the codec {codec.name!r} has no mean latent. Give it one, "
                "Codec(..., mean=array of one value per channel), or choose base 'zero'"
            )
        return jnp.broadcast_to(jnp.asarray(codec.mean, latent.dtype), latent.shape)


@record()
class Noise:
    level_db: float

    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        sound = jax.random.normal(key, (latent.shape[0] * codec.hop,), latent.dtype)
        base = codec.encode(10 ** (self.level_db / 20) * sound)
        return base[: latent.shape[0]]


BASES: dict[str, Callable[..., Base]] = {"mean": mean, "noise": noise, "zero": zero}


def mix(latent: Array, mask: Array, base: Array) -> Array:
    """`mask * latent + (1 - mask) * base`: the latent where the mask is 1, else the base."""
    return mask * latent + (1 - mask) * base
