"""How close one sound is to another: waveforms `[T]`, floating point, of one length.

Samples that are not floating point are refused (TypeError, also a ValueError).
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.transforms.mel import log_mel
from audioxai_jax.transforms.stft import magnitude_spectrogram

ROUNDING = 1e-14
"""Energies in shares of a sound's own that single precision does not tell from none."""


def si_sdr(estimate: Array, reference: Array) -> Array:
    """Scale-invariant signal-to-distortion ratio, dB; higher is better.

    J. Le Roux, S. Wisdom, H. Erdogan, J. Hershey, "SDR - Half-Baked or Well Done?",
    ICASSP 2019, equation 3: the reference is scaled to fit the estimate best. Neither level
    matters, not even a very low one. ROUNDING bounds it, at 140 dB either way.

    Args:
      estimate, reference: waveforms `[T]`.

    Returns:
      A scalar; minus infinity for an estimate that is silence, which holds nothing of the
      reference, NaN if the reference is.

    Raises:
      ValueError: for shapes that differ.
    """
    estimate, reference = _pair(estimate, reference)
    (estimate, heard), (reference, wanted) = _unit(estimate), _unit(reference)
    scale = jnp.sum(estimate * reference)
    rest = jnp.sum((estimate - scale * reference) ** 2)
    ratio = 10 * jnp.log10((scale**2 + ROUNDING) / (rest + ROUNDING))
    return jnp.where(wanted, jnp.where(heard, ratio, -jnp.inf), jnp.nan)


def log_mel_distance(estimate: Array, reference: Array, *, sample_rate: int) -> Array:
    """Mean `|difference|` of log-mel spectrograms, nepers; lower is better, 0 at best.

    Both sounds `[T]` are first scaled by one factor that gives the reference a peak of
    0.7, so that the floor of the logarithm (1e-3, see `log_mel`) means the same for
    loud and soft clips. 64 bands, 512-sample Hann window, hop 128.

    Raises:
      ValueError: for shapes that differ.
    """
    found, wanted = (log_mel(s, sample_rate=sample_rate) for s in _scaled(estimate, reference))
    return jnp.mean(jnp.abs(found - wanted))


def log_spectral_distance(
    estimate: Array, reference: Array, *, window: int = 512, hop: int = 128
) -> Array:
    """Mean over frames of the rms difference of log spectra, dB; lower is better, 0 at best.

    A. Gray, J. Markel, "Distance Measures for Speech Processing", IEEE Trans. ASSP 1976:
    `sqrt(mean_k (20 log10(|X_k| / |Y_k|))^2)` of each frame. Both sounds `[T]` are scaled as for
    `log_mel_distance`, and 1e-3 is added to all magnitudes. Periodic Hann window.

    Raises:
      ValueError: for shapes that differ.
    """
    found, wanted = (
        20 * jnp.log10(magnitude_spectrogram(sound, window=window, hop=hop) + 1e-3)
        for sound in _scaled(estimate, reference)
    )
    return jnp.mean(_root(jnp.mean((found - wanted) ** 2, axis=1)))


def mel_cepstral_distortion(
    estimate: Array, reference: Array, *, sample_rate: int, coefficients: int = 24
) -> Array:
    """Mean over frames of the distance of mel cepstra, dB; lower is better, 0 at best.

    R. Kubichek, "Mel-cepstral Distance Measure for Objective Speech Quality Assessment", IEEE
    Pacific Rim 1993: `10 sqrt(2) / ln 10 * sqrt(sum_d (c_d - c'_d)^2)`, d = 1 to `coefficients`;
    c_0, the level, is left out. With B mel bands and c such that
    `log_mel_b = c_0 + sum_d c_d cos(pi d (b + 1/2) / B)`, all B - 1 coefficients together give
    the rms difference of the bands' levels in dB about its mean. Frames are compared one by one:
    there is no time alignment. Scaled, and in 64 bands, as for `log_mel_distance`.

    Raises:
      ValueError: for no coefficients, for as few bands, and for shapes that differ.
    """
    found, wanted = (log_mel(s, sample_rate=sample_rate) for s in _scaled(estimate, reference))
    bands = found.shape[1]
    if not 1 <= coefficients < bands:
        raise ValueError(f"coefficients must be 1 to {bands - 1}, got {coefficients}")
    angle = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(1, coefficients + 1))
    change = (found - wanted) @ jnp.asarray(2 / bands * np.cos(angle), found.dtype)
    return 10 * np.sqrt(2) / np.log(10) * jnp.mean(_root(jnp.sum(change**2, axis=1)))


def level_db(sound: Array, reference: Array) -> Array:
    """RMS level of a sound relative to a reference, both `[T]`, dB.

    Minus infinity for silence, infinity beside silence, NaN if both are.

    Raises:
      ValueError: for shapes that differ.
    """
    sound, reference = _pair(sound, reference)
    return 10 * jnp.log10(jnp.sum(sound**2) / jnp.sum(reference**2))


def _pair(estimate: Array, reference: Array) -> tuple[Array, Array]:
    """Both, checked. Batches and broadcasting would mix several sounds into one number."""
    estimate, reference = as_audio(estimate, "the estimate"), as_audio(reference, "the reference")
    if estimate.shape != reference.shape:
        raise ValueError(
            f"the sounds are {list(estimate.shape)} and {list(reference.shape)}, expected two "
            "waveforms [T] of one length: batches go through jax.vmap"
        )
    return estimate, reference


def _unit(sound: Array) -> tuple[Array, Array]:
    """A sound at an energy of 1, and whether it is more than silence, which stays as it is."""
    peak = jnp.max(jnp.abs(sound))  # first, so that squares do not vanish
    there = peak > 0
    sound = sound / jnp.where(there, peak, 1)
    return sound / jnp.where(there, jnp.sqrt(jnp.where(there, jnp.sum(sound**2), 1)), 1), there


def _scaled(estimate: Array, reference: Array) -> tuple[Array, Array]:
    estimate, reference = _pair(estimate, reference)
    scale = 0.7 / jnp.maximum(jnp.max(jnp.abs(reference)), 1e-10)
    return estimate * scale, reference * scale


def _root(square: Array) -> Array:
    """Its gradient at 0 is 0 rather than NaN."""
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
