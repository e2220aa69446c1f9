"""DFT-LRP as its authors' code computes it, for comparison; `dft` and `short_time` are right.

github.com/jvielhaben/DFT-LRP with `leverage_symmetry=True`, as in its tutorial, in closed form.
What differs:

- R / (x + epsilon), the number added as it is: samples just below zero lose or gain a large
  part of their relevance, or turn its sign, and quiet clips lose much of it.
- The inverse's row for half the sample rate is all ones instead of 1, -1, 1, ...: it does not
  invert, and the relevance there is Re(X_k Q_0). At odd lengths this is the last frequency,
  half of which is in its imaginary part.
- Frames are not padded: at both ends few windows overlap, and relevance is divided by their sum.

Its short-time weights are rounded to half precision besides, entry by entry of the matrix. No
closed form can follow that.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.strictness import relaxed
from audioxai_jax.dft_lrp.frequency import multiplicity, product
from audioxai_jax.dft_lrp.redistribute import check


@relaxed()
def released_frequency_relevance(audio: Array, relevance: Array, *, epsilon: float = 1e-6) -> Array:
    """Relevance of each frequency, `[T // 2 + 1]`; does not keep the sum.

    Args:
      audio, relevance: waveform `[T]` and relevance of its samples `[T]`.
      epsilon: added to each sample. A sample of -epsilon makes everything infinite.

    Raises:
      ValueError: if shapes or types are wrong.
    """
    audio, relevance = check(audio, relevance, audio.shape)
    return _through_inverse(audio, relevance / (audio + epsilon))


@relaxed()
def released_short_time_relevance(
    audio: Array,
    relevance: Array,
    *,
    window: np.ndarray,
    hop: int,
    epsilon: float = 1e-6,
) -> Array:
    """Relevance of each frequency in each frame, `[F, T // 2 + 1]`; does not keep the sum.

    Args:
      audio, relevance, epsilon: waveform `[T]`, its relevance `[T]` and the stabiliser, see
        `released_frequency_relevance`.
      window: `[L]`. "rectangle" there is `np.ones(L)`, whose height does not matter, and
        "halfsine" is `frames.WINDOWS["half_sine"]`.
      hop: samples between frames, in their code `width // shift`. Frames start at 0, hop, ..., as
        long as they fit.

    Raises:
      ValueError: if shapes or types are wrong, or a sample is in no frame: there the code
        divides by zero.
    """
    audio, relevance = check(audio, relevance, audio.shape)
    starts = np.arange(0, audio.size - window.size + 1, hop)
    placed = np.zeros((starts.size, audio.size))
    for row, start in zip(placed, starts, strict=True):
        row[start : start + window.size] = window
    cover = placed.sum(0)
    if not cover.all():
        raise ValueError(f"sample {cover.argmin()} is in no frame: cut the audio, or change hop")
    over_each = jnp.asarray(placed, audio.dtype) * audio
    quotient = relevance / (audio + epsilon) / jnp.asarray(cover, audio.dtype)
    return _through_inverse(over_each, quotient)


def _through_inverse(values: Array, quotient: Array) -> Array:
    spectrum, other = (jnp.fft.rfft(v, norm="ortho") for v in (values, quotient))
    found = jnp.asarray(multiplicity(values.shape[-1]), values.dtype) * product(spectrum, other)
    return found.at[..., -1].set(spectrum[..., -1].real * other[0].real)
