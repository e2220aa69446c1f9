"""Loudness of a piece of sound, and the channel of a latent that carries it.

Loudness is the root mean square of the mono mix. A latent carries it in each of its frames:
`gain = log(1 + loudness / FLOOR)`, so that zero is silence.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_samples

FLOOR = 1e-3
"""Loudness at which a gain begins to be logarithmic, re full scale: -60 dB."""

LEAST = 1e-8
"""Added to each loudness, which divides."""


def loudness(audio: Array) -> Array:
    """RMS of the mono mix `[T, ..]` plus LEAST; its gradient at silence is 0."""
    audio = as_samples(audio)
    mono = audio if audio.ndim == 1 else jnp.mean(audio, axis=1)
    power = jnp.mean(mono**2)
    heard = power > 0
    return jnp.where(heard, jnp.sqrt(jnp.where(heard, power, 1.0)), 0.0) + LEAST


def gain_of(level: Array) -> Array:
    """`log(1 + level / FLOOR)`."""
    return jnp.log1p(level / FLOOR)


def levels_of(gains: Array, hop: int) -> Array:
    """Loudness `[F * hop]` of the gains `[F]` of frames; negative gains count as zero.

    Gains are read at the frames' centres, and what they say is joined by straight lines.
    """
    frames, count = FLOOR * jnp.expm1(jnp.maximum(gains, 0.0)), gains.shape[0]
    place = np.clip((np.arange(count * hop) + 0.5) / hop - 0.5, 0, count - 1)
    before = place.astype(int)
    after = np.minimum(before + 1, count - 1)
    share = jnp.asarray(place - before, frames.dtype)
    return frames[before] + share * (frames[after] - frames[before])
