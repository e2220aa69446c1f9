"""What domains have in common: pairs of real and imaginary part, labels of units, one refusal."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.domains.protocol import Axis
from audioxai_jax.transforms.stft import safe_magnitude

PARTS = Axis("part", "", np.arange(2.0))
"""The axis of a pair: 0 is the real part, 1 the imaginary one."""


def as_pairs(spectrum: Array) -> Array:
    """Complex `[..]` as real `[.., 2]`."""
    return jnp.stack([spectrum.real, spectrum.imag], axis=-1)


def as_complex(pairs: Array) -> Array:
    """Real `[.., 2]` as complex `[..]`; inverts `as_pairs`."""
    return pairs[..., 0] + 1j * pairs[..., 1]


def pair_size(pairs: Array) -> Array:
    """The modulus of each pair, in both of its places; the gradient at 0 is 0."""
    modulus = safe_magnitude(as_complex(pairs))
    return jnp.broadcast_to(modulus[..., None], pairs.shape)


def labels(*shape: int) -> np.ndarray:
    """0, 1, .. in the order of the last axis first, int32 of a shape."""
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


def stretches(samples: int, seconds: float, sample_rate: int) -> np.ndarray:
    """Stretches of time, each sample's by number, int32 `[samples]`; the last may be shorter."""
    length = max(1, round(seconds * sample_rate))
    return np.arange(samples, dtype=np.int32) // np.int32(length)


def frame_middles(frames: int, hop: int, first: float, sample_rate: int) -> Axis:
    """The time of frames, of which the first has its middle at sample `first`."""
    return Axis("time", "s", (np.arange(frames) * hop + first) / sample_rate)


def check_shape(features: Array, wanted: tuple[int, ...], domain: str, samples: int) -> None:
    """Raises ValueError for features that are not those of a sound of `samples` samples."""
    if tuple(features.shape) != wanted:
        raise ValueError(
            f"domain {domain}: features of {samples} samples are {list(wanted)}, got "
            f"{list(features.shape)}: give the audio that was analysed"
        )
