"""Replacement: the base values that stand in for the latent features left out.

arXiv 2410.07530 replaces "less relevant parts of an embedding vector with a base
value": its text speaks of zeros, its code takes the latent of a noise recording. None of them
is neutral for every classifier, so results are best given for several.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats
from audioxai_jax.core.contracts import check_latent
from audioxai_jax.core.records import record
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


def silence() -> Base:
    """The codec's latent of silence as long as the clip: `encode(zeros)`."""
    return Silence()


def level_matched() -> Base:
    """The latent of white noise as loud as the clip: at the RMS level of the decoded latent.

    The noise of a silent clip is silence.
    """
    return LevelMatched()


def neighbour(other: Array) -> Base:
    """The latent of another clip, cut to the length of this one, or repeated until it fills it.

    The caller chooses the clip, such as by `next_of_another_class`; in a batch each has its
    own, `jax.vmap(lambda audio, other: explain(.., audio, base=neighbour(other)))`.

    Args:
      other: latent `[F', C]` of the same codec.

    Raises:
      ValueError: for a latent without frames, or, when used, of other channels.
    """
    other = as_floats(other, "base 'neighbour': other")
    if other.ndim != 2 or other.shape[0] == 0:
        raise ValueError(
            f"base 'neighbour': other must be a latent [F, C] of another clip, got shape "
            f"{jnp.shape(other)}"
        )
    return Neighbour(other=other)


def next_of_another_class(targets: Array | np.ndarray | list[int]) -> np.ndarray:
    """For each clip of a batch, the index of the next one, around the end, of another class.

    Args:
      targets: classes, integers `[N]`.

    Returns:
      Indices `[N]`, on the host.

    Raises:
      ValueError: for no clips, or clips that are all of one class.
    """
    targets = np.asarray(targets)
    if targets.ndim != 1 or len(np.unique(targets)) < 2:
        raise ValueError("neighbours of another class need clips [N] of two classes at least")
    following = (np.arange(len(targets))[:, None] + np.arange(1, len(targets))) % len(targets)
    first = np.argmax(targets[following] != targets[:, None], axis=1)
    return following[np.arange(len(targets)), first]


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
        if jnp.shape(codec.mean) != latent.shape[1:]:
            raise ValueError(
                f"base 'mean': the codec {codec.name!r} has a mean latent of "
                f"{list(jnp.shape(codec.mean))}, its latents have {latent.shape[1]} channels"
            )
        return jnp.broadcast_to(jnp.asarray(codec.mean, latent.dtype), latent.shape)


@record()
class Noise:
    level_db: float

    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        sound = jax.random.normal(key, (latent.shape[0] * codec.hop,), latent.dtype)
        return _encoded(codec, latent, 10 ** (self.level_db / 20) * sound)


@record()
class Silence:
    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        del key
        return _encoded(codec, latent, jnp.zeros((latent.shape[0] * codec.hop,), latent.dtype))


@record()
class LevelMatched:
    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        sound = jax.random.normal(key, (latent.shape[0] * codec.hop,), latent.dtype)
        sound /= jnp.sqrt(jnp.mean(sound**2))
        return _encoded(codec, latent, jnp.sqrt(jnp.mean(codec.decode(latent) ** 2)) * sound)


@record()
class Neighbour:
    other: Array

    def __call__(self, codec: Codec, latent: Array, key: Array) -> Array:
        del key
        if self.other.shape[1] != latent.shape[1]:
            raise ValueError(
                f"base 'neighbour': the other latent has {self.other.shape[1]} channels, the "
                f"codec {codec.name!r} {latent.shape[1]}: encode both clips by one codec"
            )
        frames = np.arange(latent.shape[0]) % self.other.shape[0]
        return self.other[frames].astype(latent.dtype)


def _encoded(codec: Codec, latent: Array, sound: Array) -> Array:
    """The latent of a sound, as long as another latent."""
    found = codec.encode(sound)
    check_latent(found)
    return found[: latent.shape[0]]


BASES: dict[str, Callable[..., Base]] = {
    "level_matched": level_matched,
    "mean": mean,
    "noise": noise,
    "silence": silence,
    "zero": zero,
}
"""Those that need no more than the clip and its codec; `neighbour` needs another clip."""


def mix(latent: Array, mask: Array, base: Array) -> Array:
    """`mask * latent + (1 - mask) * base`: the latent where the mask is 1, else the base."""
    return mask * latent + (1 - mask) * base
