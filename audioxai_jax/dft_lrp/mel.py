"""Relevance of mel bands from that of frequencies, and back.

Both ways are for one frame `[K]` or many `[F, K]`, and leave the logarithm alone: it is a
function of single values, and the relevance of log(mel + floor) is that of mel (so LRP treats
all such functions). From a log-mel classifier to sound: `bin_relevance`, then
`short_time.time_relevance_of_frames` with the frames of `stft.magnitude_spectrogram`, since
the magnitude of a spectrum's entry has the relevance of the entry. The floor is not sound, and
gets no relevance.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.dft_lrp.redistribute import largest

SILENT = 1e-20
"""Bands below that, in units of the largest magnitude, have nothing to share out."""


def band_relevance(relevance: Array, weights: np.ndarray) -> tuple[Array, Array]:
    """Relevance of each band, from that of frequencies.

        R_b = sum over k of  R_k W_kb / sum_b' W_kb'

    Args:
      relevance: relevance of frequencies `[..., K]`.
      weights: weights of each frequency in each band `[K, B]`, as from `mel.mel_bands`.

    Returns:
      Relevance of bands `[..., B]`, and of all frequencies that are in no band, `[...]`; both
      together have the sum of what was given.

    Raises:
      ValueError: if shapes or types do not fit, or a weight is negative.
    """
    _check(weights, relevance, axis=0)
    total = weights.sum(axis=1, keepdims=True)
    shares = weights / np.where(total == 0, 1, total)
    return _matmul(relevance, shares), _matmul(relevance, total[:, 0] == 0)


def bin_relevance(relevance: Array, magnitude: Array, weights: np.ndarray) -> tuple[Array, Array]:
    """Relevance of each frequency, from that of bands `magnitude @ weights`, by LRP-0.

        R_k = sum over b of  R_b m_k W_kb / sum_k' m_k' W_k'b

    Args:
      relevance: relevance of bands `[..., B]`.
      magnitude: magnitude of frequencies, not negative, `[..., K]`.
      weights: `[K, B]`.

    Returns:
      Relevance of frequencies `[..., K]`, and of all bands that are silent or empty, `[...]`;
      both together have the sum of what was given.

    Raises:
      ValueError: if shapes or types do not fit, or a weight is negative.
    """
    _check(weights, relevance, axis=1)
    _check(weights, magnitude, axis=0)
    if relevance.shape[:-1] != magnitude.shape[:-1]:
        raise ValueError(
            f"relevance is {list(relevance.shape)} and magnitude {list(magnitude.shape)}: both "
            "must have the same frames"
        )
    scaled = magnitude / largest(magnitude)
    mel = _matmul(scaled, weights)
    silent = mel < SILENT
    spread = jnp.where(silent, 0, relevance / jnp.where(silent, 1, mel))
    left = jnp.sum(jnp.where(silent, relevance, 0), axis=-1)
    return scaled * _matmul(spread, weights.T), left


def _matmul(values: Array, matrix: np.ndarray) -> Array:
    return jnp.matmul(values, jnp.asarray(matrix, values.dtype), precision="highest")


def _check(weights: np.ndarray, values: Array, axis: int) -> None:
    if weights.ndim != 2 or values.shape[-1:] != weights.shape[axis : axis + 1]:
        raise ValueError(
            f"values are {list(values.shape)} and weights {list(weights.shape)}: expected "
            f"[K, B], and the last axis to be that of its {('frequencies', 'bands')[axis]}"
        )
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(f"values are {values.dtype}, expected floating point: convert them first")
    if np.any(np.asarray(weights) < 0):
        raise ValueError("a weight is negative, expected bands as of mel.mel_bands")
