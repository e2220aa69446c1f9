"""Moves: content goes elsewhere in time or in frequency.

arXiv 1807.03418 scales the frequency axis of spectrograms, by 1.5 of men and by 0.66 of women,
so that a voice's fundamental and harmonics lie where the other sex has them, and its formants
with them. See `fundamental` for the one without the other.
"""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats


def scale_frequency(
    spectrogram: Array, factor: float | Array, fill: float | Array = -80.0
) -> Array:
    """A spectrogram whose content at frequency f moves to `factor * f`.

    Row k becomes row `k / factor` of the original, linearly interpolated.

    Args:
      spectrogram: `[K, ...]`, frequency first, from 0 Hz in equal steps.
      factor: above 0; may be traced.
      fill: value where the original has nothing, above `factor` times its last row: its floor, -80
        dB for a spectrogram in dB re its largest cell.

    Returns:
      The same shape. Above 1, the top of the original moves out of it and is lost. NaN
      throughout for a traced factor that is not above 0.

    Raises:
      ValueError: for a factor that is not finite and above 0.
    """
    if not isinstance(factor, Array) and not 0 < factor < math.inf:
        raise ValueError(f"the factor must be finite and above 0, got {factor}")
    spectrogram = as_floats(spectrogram, "the spectrogram")
    factor = jnp.asarray(factor, spectrogram.dtype)
    last = spectrogram.shape[0] - 1
    position = np.arange(last + 1) / factor
    low = jnp.clip(jnp.floor(position), 0, last).astype(jnp.int32)
    shape = (-1,) + (1,) * (spectrogram.ndim - 1)
    share = (position - low).reshape(shape)
    high = spectrogram[jnp.minimum(low + 1, last)]
    moved = jnp.where(share == 0, spectrogram[low], (1 - share) * spectrogram[low] + share * high)
    moved = jnp.where((position <= last).reshape(shape), moved, fill)
    return jnp.where((factor > 0) & jnp.isfinite(factor), moved, jnp.nan)


def shift_time(audio: Array, samples: int | Array) -> Array:
    """A waveform `[T]` moved by a number of samples, later if positive.

    Zeros move in, nothing wraps around: the samples that are moved out at the other end are
    lost, so move a clip only as far as it is silent there.

    Args:
      samples: integer, may be traced; beyond the length, a traced one leaves silence.

    Raises:
      ValueError: if nothing of the clip would be left, or `samples` is not an integer.
    """
    audio = as_audio(audio)
    length = audio.shape[0]
    if not isinstance(samples, Array):
        if samples != int(samples):
            raise ValueError(f"a clip moves by whole samples, got {samples}")
        if abs(samples) >= length:
            raise ValueError(f"moved by {samples}, nothing is left of a clip of {length} samples")
        samples = int(samples)
    elif not jnp.issubdtype(samples.dtype, jnp.integer):
        raise ValueError(f"a clip moves by whole samples, got {samples.dtype}")
    source = np.arange(length) - samples
    inside = (source >= 0) & (source < length)
    return jnp.where(inside, audio[jnp.clip(source, 0, length - 1)], 0)
