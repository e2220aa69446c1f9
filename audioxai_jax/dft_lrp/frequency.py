"""Relevance of frequencies: LRP through the discrete Fourier transform.

J. Vielhaben, S. Lapuschkin, G. Montavon, W. Samek, "Explainable AI for Time Series via Virtual
Inspection Layers", arXiv 2303.06365. Transform and inverse, put before a model of waveforms,
change nothing of what it computes; relevance is taken through the inverse by LRP-0, with real
and imaginary parts as inputs of their own, which are then added for each frequency. In closed
form, so that O(T log T) is all it takes.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.strictness import relaxed
from audioxai_jax.dft_lrp.redistribute import check, largest, quotient, settle


def frequency_relevance(audio: Array, relevance: Array, *, epsilon: float = 1e-8) -> Array:
    """Relevance of each frequency of a waveform, from that of its samples.

        R_k = c_k Re(X_k conj(Q_k)),   X = rfft(x), Q = rfft(R / x), both orthonormal

    with c_k = 1 at zero and at half the sample rate, and 2 elsewhere. Sums are kept, see
    `transport.settle`. What a sample cannot carry, its value being zero or below `epsilon`, is
    shared out by the weights alone (the w^2 rule): as of an impulse there, c_k / T to each
    frequency.

    Meant for relevance that is the sample times something bounded, such as that of LRP-epsilon
    or z+, of gradient x input, and of Integrated Gradients from a baseline of zeros. Zeros, as
    clips are padded with, have none then, and R / x counts as 0 there. Other relevance
    (saliency, a flat first layer, another baseline) has R / x without bound where the waveform
    crosses zero. Its sum is kept too, but single frequencies become large and cancel; a larger
    `epsilon`, such as 0.1, shares out more of it evenly instead.

    Args:
      audio: waveform `[T]`.
      relevance: relevance of its samples, `[T]`.
      epsilon: samples that are so small, in units of the largest, carry half of their
        relevance; 0 is LRP-0, where only zeros carry none.

    Returns:
      `[T // 2 + 1]`; entry k is at k / T of the sample rate.

    Raises:
      ValueError: if shapes or types are wrong, or epsilon is negative.
    """
    audio, relevance = check(audio, relevance, audio.shape)
    scaled = audio / largest(audio)
    carried, left = quotient(scaled, relevance, epsilon)
    count = jnp.asarray(multiplicity(audio.size), audio.dtype)
    spectrum, of_quotient = (jnp.fft.rfft(v, norm="ortho") for v in (scaled, carried))
    found = product(spectrum, of_quotient) + jnp.sum(left) / audio.size
    return settle(count * found, relevance)


def time_relevance(audio: Array, relevance: Array, *, epsilon: float = 1e-6) -> Array:
    """Relevance of each sample of a waveform, from that of its frequencies.

        R_n = x_n irfft(R_k X_k / (c_k |X_k|^2))_n,   X = rfft(x), orthonormal

    LRP-0 through the forward transform, where the relevance of a frequency belongs to its real
    and imaginary part in proportion to their squares. Sums are kept, as by
    `frequency_relevance`; what a frequency without magnitude cannot carry is shared out evenly.

    It does not undo `frequency_relevance`: R_k says how much, no longer when. Sums alone are
    the same afterwards.

    Args:
      audio: waveform `[T]`.
      relevance: relevance of its frequencies, `[T // 2 + 1]`.
      epsilon: stabiliser, see `frequency_relevance`, in units of the largest |X_k|; by default
        above what single precision leaves of a spectrum's zeros.

    Returns:
      `[T]`.

    Raises:
      ValueError: if shapes or types are wrong, or epsilon is negative.
    """
    audio, relevance = check(audio, relevance, (audio.size // 2 + 1,))
    spectrum = jnp.fft.rfft(audio, norm="ortho")
    scale = largest(spectrum)
    carried, left = quotient(spectrum / scale, relevance, epsilon)
    count = jnp.asarray(multiplicity(audio.size), audio.dtype)
    slope = jnp.fft.irfft(carried / count, n=audio.size, norm="ortho")
    return settle(audio / scale * slope + jnp.sum(left) / audio.size, relevance)


def multiplicity(samples: int) -> np.ndarray:
    """How often a frequency of `rfft` is met in the full transform, `[samples // 2 + 1]`."""
    count = np.full(samples // 2 + 1, 2)
    count[0] = 1
    if samples % 2 == 0:
        count[-1] = 1
    return count


@relaxed()
def product(a: Array, b: Array) -> Array:
    """Re(a conj(b))."""
    return a.real * b.real + a.imag * b.imag
