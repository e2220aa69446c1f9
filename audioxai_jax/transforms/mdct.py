"""The lapped cosine and sine transforms (MDCT, MDST) of a waveform.

J. Princen, A. Johnson, A. Bradley, "Subband/Transform Coding Using Filter Bank Designs
Based on Time Domain Aliasing Cancellation", ICASSP 1987. One block of 2H samples, moved
by the hop H, gives H coefficients, so the transform is critically sampled. With the sine
window it is orthogonal. H. Malvar, "A Modulated Complex Lapped Transform and its
Applications to Audio Processing", ICASSP 1999, pairs it with its sine counterpart:
cosine^2 + sine^2 is a spectrogram that does not flutter with the phase.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats


def analyse(audio: Array, hop: int) -> tuple[Array, Array]:
    """MDCT and MDST of a waveform `[T]`, both `[F, hop]` with F = ceil(T / hop).

    Block f is centred on samples [f * hop, (f + 1) * hop); the signal counts as zero
    outside. Coefficient k lies at (k + 1/2) / (2 hop) cycles per sample.

    Raises:
      TypeError (also a ValueError): for samples that are not floating point.
      ValueError: for audio that is no `[T]`, or without samples.
    """
    audio = as_audio(audio)
    frames = -(-audio.shape[0] // hop)
    padded = jnp.pad(audio, (hop // 2, frames * hop - audio.shape[0] + hop - hop // 2))
    pieces = padded.reshape(frames + 1, hop)
    blocks = jnp.concatenate([pieces[:-1], pieces[1:]], axis=1)
    cosine, sine = _bases(hop)
    both = blocks @ jnp.asarray(np.concatenate([cosine, sine], axis=1), audio.dtype)
    return both[:, :hop], both[:, hop:]


def synthesise(coefficients: Array) -> Array:
    """The waveform `[F * hop]` of MDCT coefficients `[F, hop]`; inverts `analyse`."""
    coefficients = as_floats(coefficients, "coefficients")
    frames, hop = coefficients.shape
    cosine, _ = _bases(hop)
    blocks = coefficients @ jnp.asarray(cosine.T, coefficients.dtype)
    zero = jnp.zeros((1, hop), coefficients.dtype)
    added = jnp.concatenate([blocks[:, :hop], zero]) + jnp.concatenate([zero, blocks[:, hop:]])
    audio = added.ravel()[hop // 2 : hop // 2 + frames * hop]
    return audio / jnp.asarray(_overlap(frames, hop), audio.dtype)


def _window(hop: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))


def _bases(hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Windowed cosine and sine atoms, `[2 hop, hop]` each."""
    time = np.arange(2 * hop)[:, None] + 0.5 + hop / 2
    phase = np.pi / hop * time * (np.arange(hop) + 0.5)
    scale = np.sqrt(2 / hop) * _window(hop)[:, None]
    return scale * np.cos(phase), scale * np.sin(phase)


def _overlap(frames: int, hop: int) -> np.ndarray:
    """Sum of the squared windows: 1, but at both ends, where a neighbour is missing."""
    square = _window(hop) ** 2
    total = np.zeros((frames + 1) * hop)
    for frame in range(frames):
        total[frame * hop : (frame + 2) * hop] += square
    return total[hop // 2 : hop // 2 + frames * hop]
