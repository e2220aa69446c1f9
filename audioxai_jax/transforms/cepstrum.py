"""Spectral envelopes: what a voice's formants do to its harmonics.

The true envelope of S. Imai, Y. Abe, "Spectral Envelope Extraction by Improved Cepstral
Method", 1979, as in A. Roebel, X. Rodet, "Efficient Spectral Envelope Estimation and its
Application to Pitch Shifting and Envelope Preservation", DAFx 2005:

    V_0 = lifter(log|X|),  V_i = lifter(max(log|X|, V_{i-1}))

A lifter keeps the low quefrencies. Without the maximum, the valleys between harmonics count
as much as the harmonics, and the envelope of a voice is drawn down by them.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats
from audioxai_jax.core.strictness import relaxed

QUEFRENCY = 0.0025
"""Seconds. Half the period of a voice of 200 Hz, which is the best order by the paper."""

LOWEST = 250.0
"""Hz. Below, the first harmonic may be missing, and the envelope is held flat."""


@relaxed()
def true_envelope(
    log_spectrum: Array, *, bin_hz: float, quefrency: float = QUEFRENCY, iterations: int = 20
) -> Array:
    """Cepstral coefficients of the envelope of a logarithmic spectrum.

    Args:
      log_spectrum: `[..., K]` from 0 Hz in equal steps, in any logarithmic unit.
      bin_hz: the step, Hz.
      quefrency: quefrency of the lifter, seconds.
      iterations: the more, the nearer the envelope is to the tops of the harmonics.

    Returns:
      `[..., Q]`, with Q = round(2 (K - 1) bin_hz quefrency), see `envelope_at`. Bins below
      `LOWEST` count as the largest of them.

    Raises:
      ValueError: if the lifter would keep nothing, or everything.
    """
    log_spectrum = as_floats(log_spectrum, "the spectrum")
    bins = log_spectrum.shape[-1]
    keep = round(2 * (bins - 1) * bin_hz * quefrency)
    if not 1 <= keep < bins:
        raise ValueError(
            f"a lifter of {quefrency:g} s keeps {keep} of {bins} quefrencies: it must keep at "
            "least one, and not all"
        )
    low = min(int(LOWEST / bin_hz), bins - 1)
    lowest = jnp.max(log_spectrum[..., : low + 1], axis=-1, keepdims=True)
    given = jnp.where(np.arange(bins) <= low, lowest, log_spectrum)

    def lifter(values: Array) -> Array:
        both = np.where(np.arange(keep) == 0, 1.0, 2.0)
        return jnp.fft.irfft(values)[..., :keep] * jnp.asarray(both, values.dtype)

    def refine(_, coefficients: Array) -> Array:
        return lifter(jnp.maximum(given, envelope_at(coefficients, np.arange(bins) / (bins - 1))))

    return jax.lax.fori_loop(0, iterations, refine, lifter(given))


@relaxed()
def envelope_at(coefficients: Array, position: Array | np.ndarray) -> Array:
    """The envelope `[..., P]` at positions `[P]`, 0 at 0 Hz and 1 at the last bin.

    `sum_q c_q cos(pi q position)`, even about both ends.
    """
    step = jnp.asarray(np.pi * np.arange(coefficients.shape[-1])[:, None], coefficients.dtype)
    angle = step * jnp.asarray(position, coefficients.dtype)
    return jnp.matmul(coefficients, jnp.cos(angle), precision="highest")
