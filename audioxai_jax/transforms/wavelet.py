"""Orthonormal wavelet transforms of a waveform of any length.

I. Daubechies, "Orthonormal Bases of Compactly Supported Wavelets", Communications on Pure and
Applied Mathematics, 1988. One level splits an even number of samples, taken as periodic, into
halves: smooth a_k = sum_n h_n x_(2k+n) and detail d_k = sum_n g_n x_(2k+n), with
g_n = (-1)^n h_(N-1-n). The next level splits the smooth half. The last sample of an odd number
passes a level as it is, at the end of the smooth half. So the whole is a rotation: its inverse is
its transpose.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio

_ROOT = np.sqrt(3.0)
FILTERS = {
    "haar": np.array([1.0, 1.0]) / np.sqrt(2),
    "daubechies_4": np.array([1 + _ROOT, 3 + _ROOT, 3 - _ROOT, 1 - _ROOT]) / (4 * np.sqrt(2)),
}
"""Low-pass taps h by name, `[N]`; the second has four taps and two vanishing moments."""


def analyse(audio: Array, *, wavelet: str, levels: int) -> Array:
    """Coefficients `[T]` of a waveform `[T]`, smooth ones first, then details from coarse to fine.

    Args:
      wavelet: a name in `FILTERS`.
      levels: number of splits, or what the length allows if that is fewer.

    Raises:
      ValueError: for audio that is no `[T]`, or an unknown wavelet.
    """
    smooth, details = as_audio(audio), []
    matrix = _matrix(wavelet)
    for _ in range(depth(smooth.shape[0], levels)):
        smooth, detail = _split(smooth, matrix)
        details.append(detail)
    return jnp.concatenate([smooth, *details[::-1]])


def synthesise(coefficients: Array, *, wavelet: str, levels: int) -> Array:
    """The waveform `[T]` of coefficients `[T]`; inverts `analyse`."""
    matrix = _matrix(wavelet)
    sizes = band_sizes(coefficients.shape[0], levels)
    smooth, *details = jnp.split(coefficients, np.cumsum(sizes)[:-1])
    for detail in details:
        smooth = _join(smooth, detail, matrix)
    return smooth


def depth(samples: int, levels: int) -> int:
    """Splits of this number of samples, at most `levels`; each needs at least two samples."""
    count = 0
    while count < levels and samples > 1:
        samples, count = samples - samples // 2, count + 1
    return count


def band_sizes(samples: int, levels: int) -> list[int]:
    """Coefficients of the smooth band and of each level of details, coarse to fine."""
    details = []
    for _ in range(depth(samples, levels)):
        details.append(samples // 2)
        samples -= samples // 2
    return [samples, *details[::-1]]


def _matrix(wavelet: str) -> np.ndarray:
    """What makes smooth and detail `[2]` of the samples `[N]` under the filter, `[N, 2]`."""
    if wavelet not in FILTERS:
        raise ValueError(f"no wavelet {wavelet!r}: there are {', '.join(FILTERS)}")
    low = FILTERS[wavelet]
    return np.stack([low, low[::-1] * (-1.0) ** np.arange(low.size)], axis=1)


def _split(x: Array, matrix: np.ndarray) -> tuple[Array, Array]:
    """Smooth and detail of one level."""
    half = x.shape[0] // 2
    pairs, rest = x[: 2 * half].reshape(half, 2), x[2 * half :]
    under = [jnp.roll(pairs, -j, axis=0) for j in range(len(matrix) // 2)]
    both = _product(jnp.concatenate(under, axis=1), matrix)
    return jnp.concatenate([both[:, 0], rest]), both[:, 1]


def _join(smooth: Array, detail: Array, matrix: np.ndarray) -> Array:
    """The transpose of `_split`."""
    half = detail.shape[0]
    both = jnp.stack([smooth[:half], detail], axis=1)
    over = [jnp.roll(both, j, axis=0) for j in range(len(matrix) // 2)]
    transposed = matrix.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(-1, 2)
    pairs = _product(jnp.concatenate(over, axis=1), transposed)
    return jnp.concatenate([pairs.ravel(), smooth[half:]])


def _product(x: Array, matrix: np.ndarray) -> Array:
    return jnp.matmul(x, jnp.asarray(matrix, x.dtype), precision="highest")
