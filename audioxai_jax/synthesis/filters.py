"""Filters that keep what is relevant over frequency, or over time and frequency.

Relevance of Fourier coefficients, as J. Vielhaben, S. Lapuschkin, G. Montavon, W. Samek,
"Explainable AI for Time Series via Virtual Inspection Layers", arXiv 2303.06365, have it,
becomes a gain in [0, 1] for each of them, and the filter has zero phase: what is kept stays where
it was in time. As elsewhere, only relevance that speaks for the class is kept, and
`-relevance` gives what speaks against it.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats
from audioxai_jax.synthesis.heat_maps import kept_gain, positive_gain
from audioxai_jax.transforms import istft

SMOOTH = 40
"""Bins; 40 Hz for a clip of one second. The filter's response is then within 50 ms."""


def filter_by_frequency(
    audio: Array, relevance: Array, keep: float | Array, *, smooth: int = SMOOTH
) -> Array:
    """The waveform's most relevant frequencies: `filter_frequencies` by `kept_gain`.

    Args:
      audio: waveform `[T]`.
      relevance: relevance of each bin of its DFT `[T // 2 + 1]`.
      keep: fraction of the bins that are kept; none are whose smoothed relevance is not
        positive, so that the sound is silent without positive ones.
      smooth: bins between the zeros of the kernel that smooths relevance and mask, see
        `audible.smoothed`. It keeps the filter from ringing: its response is shorter than
        2 T / smooth samples to either side, but for the side lobes of the kernel, which
        fall by 18 dB per octave from -31 dB. With 0 each bin is kept or not by itself.

    Raises:
      ValueError: for shapes that do not fit, a fraction outside [0, 1], a width below zero.
    """
    audio = as_audio(audio)
    return filter_frequencies(audio, kept_gain(relevance, keep, smooth=smooth))


def weigh_frequencies(audio: Array, relevance: Array, *, smooth: int = SMOOTH) -> Array:
    """The waveform, each frequency as loud as it is relevant: by `positive_gain`, no fraction.

    Arguments, silence and errors are those of `filter_by_frequency`.
    """
    return filter_frequencies(audio, positive_gain(relevance, smooth=smooth))


def filter_frequencies(audio: Array, gain: Array) -> Array:
    """A waveform `[T]` through the zero-phase filter with real gains of its bins `[T // 2 + 1]`.

    The signal counts as zero outside: nothing that leaves at one end comes back at the other.

    Raises:
      ValueError: for shapes that do not fit.
    """
    audio, gain = as_audio(audio), as_floats(gain, "gain")
    length = audio.shape[0]
    if gain.shape != (length // 2 + 1,):
        raise ValueError(
            f"{list(gain.shape)} values for the DFT of {length} samples: it has "
            f"{length // 2 + 1} bins, from 0 to half the sample rate"
        )
    response = jnp.fft.irfft(gain.astype(audio.dtype), n=length)
    middle = length // 2  # of even lengths it is both the last after zero and the first before
    sides = response.at[middle].multiply(0.5) if length % 2 == 0 else response
    zeros = jnp.zeros(2 * length - 2 * middle - 1, audio.dtype)
    response = jnp.concatenate([sides[: middle + 1], zeros, sides[length - middle :]])
    spectrum = jnp.fft.rfft(audio, n=2 * length) * jnp.fft.rfft(response)
    return jnp.fft.irfft(spectrum, n=2 * length)[:length]


def filter_by_cell(
    audio: Array, relevance: Array, keep: float | Array, *, hop: int, smooth: int = 0
) -> Array:
    """The most relevant cells of a waveform's spectrogram: `filter_cells` by `kept_gain`.

    Args:
      audio: waveform `[T]`.
      relevance: `[F, K]`, laid out as `filter_cells` says.
      keep: fraction of the cells that are kept, and none whose relevance is not positive.
      hop: samples between frames.
      smooth: bins, over frequency; over time, blocks fade into each other.

    Raises:
      ValueError: for shapes that do not fit, a fraction outside [0, 1], a width below zero.
    """
    audio = as_audio(audio)
    return filter_cells(audio, kept_gain(relevance, keep, smooth=smooth), hop=hop)


def weigh_cells(audio: Array, relevance: Array, *, hop: int, smooth: int = 0) -> Array:
    """The waveform, each cell of its spectrogram as loud as it is relevant: by `positive_gain`.

    Arguments, silence and errors are those of `filter_by_cell`.
    """
    return filter_cells(audio, positive_gain(relevance, smooth=smooth), hop=hop)


def filter_cells(audio: Array, gain: Array, *, hop: int) -> Array:
    """A waveform `[T]` with real gains `[F, K]` of its short-time Fourier transform.

    K bins say that windows are 2 (K - 1) long. F = ceil(T / hop) frames, frame i centred on
    sample (i + 1/2) * hop, as in `transforms.stft`; half-sine windows before and after fade one
    frame into the next.

    Raises:
      ValueError: for shapes that do not fit, or windows shorter than two hops.
    """
    audio, gain = as_audio(audio), as_floats(gain, "gain")
    if gain.ndim != 2:
        raise ValueError(f"expected values [F, K], got {gain.shape}")
    window = 2 * (gain.shape[1] - 1)
    if window < 2 * hop:
        raise ValueError(
            f"windows of {window} samples do not fade into each other at a hop of {hop}: they must "
            "be two hops long or longer"
        )
    frames = {"window": ("half_sine", window), "hop": hop, "before": (window - hop) // 2}
    spectra = istft.analyse(audio, **frames)
    if gain.shape != spectra.shape:
        raise ValueError(
            f"{list(gain.shape)} values for {audio.shape[0]} samples: with a hop of {hop} there "
            f"are {spectra.shape[0]} frames"
        )
    return istft.synthesise(gain * spectra, audio.shape[0], **frames)
