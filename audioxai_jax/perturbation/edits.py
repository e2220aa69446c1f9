"""Deleting what ranks highest: in samples, in spectrogram cells, in frequencies.

S. Becker et al., "AudioMNIST: Exploring Explainable Artificial Intelligence for Audio Analysis
on a Simple Benchmark", arXiv 1807.03418: if an explanation points at what a model uses,
the model must lose its answer when that is zeroed, and sooner than when as many samples are
zeroed that are loud, or drawn at random. T. Bruesch et al., "FreqRISE", NLDL 2025, do the same
with frequencies and with the cells of a short-time Fourier transform.

The fraction is of all coefficients, as in the paper. In a clip padded with zeros most of a
random selection then changes nothing; `among` counts and deletes among some only, such as
`audio != 0`.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio, as_floats, as_input
from audioxai_jax.perturbation.domains import Domain, samples
from audioxai_jax.synthesis.masks import kept_count


def delete(
    x: Array,
    score: Array,
    fraction: float | Array,
    *,
    domain: Domain | None = None,
    among: Array | None = None,
) -> Array:
    """The input without the highest-scoring fraction of its coefficients.

    Exactly `round(fraction * n)` of n coefficients, halves to even, get the domain's fill;
    ties go to the lowest index.

    Args:
      x: one input, floating point.
      score: of each coefficient, e.g. signed relevance; the largest is deleted first.
      fraction: in [0, 1]; may be traced: one compilation serves every fraction.
      domain: where; `samples()`, the input as it is, if None.
      among: True for the coefficients that may be deleted, and of which the fraction is;
        all if None.

    Returns:
      An array of the shape of `x`; NaN throughout if a score is NaN, or a traced fraction is
      outside [0, 1].

    Raises:
      ValueError: for a fraction outside [0, 1], shapes that do not fit, or whole numbers.
    """
    domain = samples() if domain is None else domain
    x, score = as_input(x), as_floats(score, "score")
    if not isinstance(fraction, Array) and not 0 <= fraction <= 1:
        raise ValueError(f"the fraction must be between 0 and 1, got {fraction}")
    coefficients = domain.analyse(x)
    for name, given in (("score", score), ("among", among)):
        if given is not None and given.shape != coefficients.shape:
            raise ValueError(
                f"{name} is {list(given.shape)}, but there are {list(coefficients.shape)} "
                "coefficients in this domain"
            )
    if among is None:
        count = kept_count(fraction, score.size)
    else:
        number = jnp.sum(among)
        count = kept_count(jnp.asarray(fraction, jnp.result_type(float)), number)  # type: ignore[arg-type]
    edited = domain.synthesise(without(coefficients, places(score, among), count, domain.fill), x)
    sound = (jnp.asarray(fraction) >= 0) & (jnp.asarray(fraction) <= 1)
    return jnp.where(sound & ~jnp.any(jnp.isnan(score)), edited, jnp.nan)


def delete_samples(
    audio: Array, score: Array, fraction: float | Array, among: Array | None = None
) -> Array:
    """A waveform `[T]` with the highest-scoring fraction of its samples zeroed, see `delete`."""
    return delete(as_audio(audio), score, fraction, among=among)


def places(score: Array, among: Array | None = None) -> Array:
    """The place of each coefficient in the order of deletion, from 0, int32 of score's shape.

    Largest first, ties by index; those that may not be deleted come last.
    """
    order = jnp.argsort(-score.ravel(), stable=True)
    if among is not None:
        order = order[jnp.argsort(~among.ravel()[order], stable=True)]
    numbers = jnp.arange(score.size, dtype=jnp.int32)
    return jnp.zeros_like(numbers).at[order].set(numbers).reshape(score.shape)


def without(coefficients: Array, places: Array, count: int | Array, fill: float | Array) -> Array:
    """The coefficients with the first `count` in the order of deletion replaced."""
    return jnp.where(places < count, jnp.asarray(fill, coefficients.dtype), coefficients)


def by_amplitude(x: Array, domain: Domain, key: Array | None = None) -> Array:
    """Score of each coefficient: how large it is; a control that knows nothing of the model."""
    del key
    return domain.size(domain.analyse(x))


def at_random(x: Array, domain: Domain, key: Array) -> Array:
    """Score of each coefficient: drawn, so that each is equally likely to rank highest."""
    return jax.random.uniform(key, domain.analyse(x).shape)


CONTROLS = {"amplitude": by_amplitude, "random": at_random}
"""`(x, domain, key) -> score`: what relevance is compared with."""
