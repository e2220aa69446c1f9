"""Audible heat maps: a waveform, made loud where relevance speaks for the class.

S. Becker, J. Vielhaben, M. Ackermann, K.-R. Mueller, S. Lapuschkin, W. Samek, "AudioMNIST:
Exploring Explainable Artificial Intelligence for Audio Analysis on a Simple Benchmark", arXiv
1807.03418v3, multiply the input by its relevance. Their demonstration writes `ReLU(x) * R`,
which as it stands rectifies the signal; `ReLU(R) * x` keeps the waveform and drops the relevance
that speaks against the class, and is what is meant here by a heat map that can be heard.

What spoke against the class is heard by giving `-relevance` to any function here.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats, whole
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.synthesis.masks import top_fraction
from audioxai_jax.types import Context

SMOOTH = 160
"""Samples; 20 ms at 8 kHz. Longer than a period of a voice from 100 Hz up, or the gain would
follow the waveform within its periods and distort it; short beside a phoneme."""


@relaxed()
def heat_map_sound(audio: Array, relevance: Array, *, smooth: int = SMOOTH) -> Array:
    """The waveform where relevance is positive: `g * x`, with `g = positive_gain(R)` in [0, 1].

    With `smooth=0` this is `ReLU(R) * x`, sample by sample. Relevance of waveforms jumps between
    samples, so that this sounds like noise that follows the waveform; the default lets the gain
    change no faster than a fade does, so that no join clicks. A recording that lies in zeros
    ends where they begin, for the gain too.

    Args:
      audio: waveform `[T]`.
      relevance: of each sample `[T]`, or of the scaled waveform that a network was given.
      smooth: samples between the zeros of the kernel that smooths relevance, see `smoothed`.

    Returns:
      `[T]`, never beyond the waveform; silence if no (smoothed) relevance is positive.

    Raises:
      ValueError: for shapes that differ, or a width below zero.
      TypeError (also a ValueError): for audio or relevance that is not floating point.
    """
    audio, relevance = _pair(audio, relevance)
    first, last = _ends(audio)
    place = jnp.arange(audio.shape[0])
    inside = ((place >= first) & (place <= last)).astype(audio.dtype)
    return audio * positive_gain(relevance, smooth=smooth, inside=inside)


@relaxed()
def rectified_signal_sound(audio: Array, relevance: Array) -> Array:
    """`ReLU(x) * R` as it is written: half of the waveform, relevance of either sign.

    Relevance is divided by its largest magnitude. For comparison: the waveform is rectified,
    which adds harmonics that the clip does not have. Arguments, zeros and errors are those of
    `heat_map_sound`.
    """
    audio, relevance = _pair(audio, relevance)
    return jax.nn.relu(audio) * _over(relevance, jnp.max(jnp.abs(relevance)))


@relaxed()
def positive_gain(relevance: Array, *, smooth: int = 0, inside: Array | None = None) -> Array:
    """Relevance as a gain in [0, 1]: smoothed, cut below zero, smoothed, the largest made 1.

    It is smoothed before it is cut, so that the gain is the evidence that is left around each
    place. The other way round, relevance that oscillates counts for the class and against it
    alike, and what spoke for it sounds like what spoke against it. It is smoothed again because
    the cut leaves corners, which can be heard in a low voice.

    Args:
      relevance: any shape; smoothed along the last axis.
      smooth, inside: see `smoothed`.

    Returns:
      Shape of `relevance`; zeros if nothing is positive.
    """
    relevance = as_floats(relevance, "relevance")
    positive = jax.nn.relu(smoothed(relevance, smooth, inside))
    gain = smoothed(positive, smooth, inside)
    return _over(gain, jnp.max(gain))


@relaxed()
def kept_gain(relevance: Array, keep: float | Array, *, smooth: int = 0) -> Array:
    """A mask of the most relevant fraction, with soft edges: a gain in [0, 1].

    Relevance is smoothed, the largest `round(keep * n)` of n are kept unless they are not
    positive, and the mask of zeros and ones is smoothed as well.

    Args:
      relevance: any shape; smoothed along the last axis.
      keep: fraction in [0, 1], may be traced; see `masks.top_fraction`.
      smooth: see `smoothed`.
    """
    evidence = smoothed(relevance, smooth)
    mask = top_fraction(keep)(evidence, Context()) * (evidence > 0)
    return jnp.clip(smoothed(mask, smooth), 0, 1)


@relaxed()
def smoothed(values: Array, width: int, inside: Array | None = None) -> Array:
    """Means of neighbours along the last axis, weighted by a Hann kernel; zero phase.

        y_n = sum_k w_k v_(n-k) / sum_k w_k,   w_k = cos(pi k / (2 h + 2))^2,   |k| <= h

    Sums go over the neighbours that there are: a constant stays what it is up to the ends.

    Args:
      values: `[..., n]`.
      width: about 2 h + 2, the distance of the kernel's zeros; h is half of it, less one,
        rounded down. Nothing is smoothed below 4.
      inside: ones for the places that there are, zeros elsewhere, `[n]`; all if None. The
        result is zero elsewhere.

    Raises:
      ValueError: for a width below zero.
    """
    values, width = as_floats(values, "relevance"), whole(width, "the width of a kernel", 0)
    half, length = max(0, width // 2 - 1), values.shape[-1]
    there = jnp.ones(length, values.dtype) if inside is None else inside
    if half == 0:
        return values * there
    kernel = np.cos(np.pi * np.arange(-half, half + 1) / (2 * half + 2)) ** 2
    weights = jnp.asarray(kernel, values.dtype)
    row = lambda one: jnp.convolve(one, weights, precision="highest")[half : half + length]
    sums = jax.vmap(row)((values * there).reshape(-1, length)).reshape(values.shape)
    return jnp.where(there > 0, sums / jnp.maximum(row(there), 1), 0)


@relaxed()
def fade_ends(sound: Array, length: int) -> Array:
    """Raised-cosine fades where a sound `[T]` begins and ends; zeros before and after it stay.

    A recording that lies in zeros begins at its first sample that is not zero.

    Args:
      length: samples of each fade.
    """
    sound, length = as_audio(sound, "sound"), whole(length, "length", 0)
    first, last = _ends(sound)
    place = jnp.arange(sound.shape[0])
    within = jnp.minimum(place - first, last - place) + 1
    way = jnp.clip(within / (length + 1), 0, 1).astype(sound.dtype)
    return sound * jnp.sin(jnp.pi / 2 * way) ** 2


def _ends(sound: Array) -> tuple[Array, Array]:
    """The first and the last sample that is not zero; all of the sound if there is none."""
    heard = sound != 0
    return jnp.argmax(heard), sound.shape[0] - 1 - jnp.argmax(heard[::-1])


def _over(values: Array, most: Array) -> Array:
    """`values / most`, zeros if `most` is zero."""
    return jnp.where(most > 0, values / jnp.where(most > 0, most, 1), 0)


def _pair(audio: Array, relevance: Array) -> tuple[Array, Array]:
    audio, relevance = as_audio(audio), as_floats(relevance, "relevance")
    if relevance.shape != audio.shape:
        raise ValueError(
            f"relevance {list(relevance.shape)} of a waveform {list(audio.shape)}: one value per "
            "sample is needed; for features over frequency see synthesis.filters"
        )
    return audio, relevance
