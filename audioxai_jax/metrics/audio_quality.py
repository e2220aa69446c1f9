"""How close one sound is to another."""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.spaces.mel import log_mel

SILENT = 1e-12
"""Energy (sum of squares) below which a sound counts as silent."""


def si_sdr(estimate: Array, reference: Array) -> Array:
    """Scale-invariant signal-to-distortion ratio, dB; higher is better, no upper limit.

    J. Le Roux, S. Wisdom, H. Erdogan, J. Hershey, "SDR - Half-Baked or Well Done?",
    ICASSP 2019, equation 3: the reference is scaled to fit the estimate best. A silent
    reference gives a very low value, not an error.

    Args:
      estimate, reference: waveforms `[T]`.
    """
    scale = jnp.sum(estimate * reference) / (jnp.sum(reference**2) + SILENT)
    target = scale * reference
    return 10 * jnp.log10(
        (jnp.sum(target**2) + SILENT) / (jnp.sum((estimate - target) ** 2) + SILENT)
    )


def log_mel_distance(estimate: Array, reference: Array, *, sample_rate: int) -> Array:
    """Mean `|difference|` of log-mel spectrograms, nepers; lower is better, 0 at best.

    Both sounds `[T]` are first scaled by one factor that gives the reference a peak of
    0.7, so that the floor of the logarithm (1e-3, see `log_mel`) means the same for
    loud and soft clips. 64 bands, 512-sample Hann window, hop 128.
    """
    scale = 0.7 / jnp.maximum(jnp.max(jnp.abs(reference)), 1e-10)
    found = log_mel(estimate * scale, sample_rate=sample_rate)
    wanted = log_mel(reference * scale, sample_rate=sample_rate)
    return jnp.mean(jnp.abs(found - wanted))


def level_db(sound: Array, reference: Array) -> Array:
    """RMS level of a sound relative to a reference `[T]`, dB; -inf for silence."""
    return 10 * jnp.log10(jnp.sum(sound**2) / jnp.sum(reference**2))
