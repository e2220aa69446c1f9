"""Localisation: does relevance lie where the truth is?

`truth` marks, per feature, what should be relevant. Relevance is taken as it is: whether
evidence against the target counts is said by `abs`, squares or the positive part beforehand,
except where a metric has its own rule.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked


@checked
def pointing_game(relevance: Array, truth: Array) -> Array:
    """Whether the most relevant feature is in the truth; higher is better, in [0, 1].

    J. Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016. Without
    their tolerance about objects. Of several most relevant features the share in the truth,
    so that a constant map gets what chance would.

    Args:
      relevance, truth: maps of one shape; the truth is bool, or 0 and 1.

    Returns:
      A scalar; NaN if the truth is empty, or relevance holds NaN.

    Raises:
      ValueError: for shapes that differ.
    """
    relevance, inside = _flat(relevance, truth)
    most = relevance == jnp.max(relevance)
    return _unless_empty(jnp.sum(most & inside) / jnp.maximum(jnp.sum(most), 1), relevance, inside)


@checked
def relevance_rank_accuracy(relevance: Array, truth: Array) -> Array:
    """Share of the K most relevant features in a truth of K; higher is better, in [0, 1].

    L. Arras, A. Osman, W. Samek, "CLEVR-XAI: A Benchmark Dataset for the Ground Truth
    Evaluation of Neural Network Explanations", Information Fusion 2022. Of equals, the first
    come first. Arguments, result and errors as for `pointing_game`.
    """
    relevance, inside = _flat(relevance, truth)
    count = jnp.sum(inside)
    hits = inside[jnp.argsort(-relevance, stable=True)] & (jnp.arange(inside.size) < count)
    return _unless_empty(jnp.sum(hits) / jnp.maximum(count, 1), relevance, inside)


@checked
def relevance_mass_accuracy(relevance: Array, truth: Array) -> Array:
    """Share of all relevance that lies in the truth; higher is better, in [0, 1].

    The measure of the same paper, for relevance without negative values. Arguments and
    errors as for `pointing_game`.

    Returns:
      A scalar; NaN if any relevance is negative or all is zero, too.
    """
    relevance, inside = _flat(relevance, truth)
    share = _mass(relevance, inside)
    return jnp.where(jnp.any(relevance < 0), jnp.nan, share)


@checked
def attribution_localisation(relevance: Array, truth: Array) -> Array:
    """Share of the positive relevance that lies in the truth; higher is better, in [0, 1].

    M. Kohlbrenner et al., "Towards Best Practice in Explaining Neural Network Decisions with
    LRP", IJCNN 2020. Arguments and errors as for `pointing_game`.

    Returns:
      A scalar; NaN if nothing is positive, too.
    """
    relevance, inside = _flat(relevance, truth)
    return _mass(jnp.maximum(relevance, 0), inside)


@checked
def weighted_attribution_localisation(relevance: Array, truth: Array) -> Array:
    """That share over the truth's share of all features; higher is better, 1 is chance.

    From the same paper, in [0, inf). Everything else as for `attribution_localisation`.
    """
    _, inside = _flat(relevance, truth)
    return attribution_localisation(relevance, truth) / jnp.mean(inside)


def _mass(relevance: Array, inside: Array) -> Array:
    total = jnp.sum(relevance)
    share = jnp.sum(relevance * inside) / jnp.where(total > 0, total, 1)
    return _unless_empty(jnp.where(total > 0, share, jnp.nan), relevance, inside)


def _flat(relevance: Array, truth: Array) -> tuple[Array, Array]:
    relevance, truth = jnp.asarray(relevance), jnp.asarray(truth)
    if relevance.shape != truth.shape:
        raise ValueError(
            f"relevance is {list(relevance.shape)}, the truth {list(truth.shape)}: broadcast "
            "the truth to every feature that it holds for"
        )
    return relevance.ravel(), truth.ravel() != 0


def _unless_empty(value: Array, relevance: Array, inside: Array) -> Array:
    defined = jnp.any(inside) & ~jnp.any(jnp.isnan(relevance))
    return jnp.where(defined, value, jnp.nan)
