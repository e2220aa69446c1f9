"""Localisation in time: does relevance per segment tell segments with the event from others?

As in the benchmark of arXiv 2506.04391: relevance is pooled over segments of 100 ms, and
compared with the events by the area under the ROC curve; labels of -1 are left out.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked


@checked
def segment_auc(relevance: Array, labels: Array, *, length: int) -> Array:
    """ROC AUC of relevance per segment; higher is better, in [0, 1], chance is 0.5.

    Args:
      relevance: time first, `[F, ...]`; other axes are summed over.
      labels: per segment, 1 for the event, 0 for none, -1 to leave it out,
        `[ceil(F / length)]`.
      length: rows of a segment, such as frames in 100 ms.

    Returns:
      A scalar; NaN if there is no segment with, or none without the event, or relevance is NaN.

    Raises:
      ValueError: for labels that do not fit, or a length below 1.
    """
    sums = segment_sums(relevance, length=length)
    if labels.shape != sums.shape:
        raise ValueError(
            f"labels are {list(labels.shape)}, relevance makes {len(sums)} segments of {length}"
        )
    return roc_auc(sums, labels)


@checked
def segment_sums(relevance: Array, *, length: int) -> Array:
    """Relevance `[F, ...]` summed over segments of rows, `[ceil(F / length)]`.

    The last may have fewer rows.

    Raises:
      ValueError: for a length below 1, or relevance without an axis of time.
    """
    if relevance.ndim == 0 or length < 1:
        raise ValueError(
            f"segments of {length} rows of relevance {list(relevance.shape)}: expected [F, ...] "
            "and 1 or more"
        )
    rows = jnp.sum(relevance.reshape(relevance.shape[0], -1), axis=1)
    return jnp.sum(jnp.pad(rows, (0, -len(rows) % length)).reshape(-1, length), axis=1)


def roc_auc(scores: Array, labels: Array) -> Array:
    """How likely a positive has a higher score than a negative, of all pairs; equals count half.

    Args:
      scores: `[n]`.
      labels: 1, 0, or -1 for scores to leave out, `[n]`.

    Returns:
      A scalar in [0, 1]; NaN without a positive or a negative, or if a score that counts is NaN.
    """
    positive, negative = labels == 1, labels == 0
    inf = jnp.asarray(jnp.inf, scores.dtype)
    ordered = jnp.sort(jnp.where(negative, scores, inf))
    count = jnp.sum(negative)
    below = jnp.minimum(jnp.searchsorted(ordered, scores, side="left"), count)
    upto = jnp.minimum(jnp.searchsorted(ordered, scores, side="right"), count)
    # Each positive's share, as a whole number of pairs soon is beyond int32
    won = jnp.where(positive, (below + upto) / (2 * jnp.maximum(count, 1)), 0)
    share = jnp.sum(won) / jnp.maximum(jnp.sum(positive), 1)
    bad = jnp.any(jnp.isnan(scores) & (positive | negative))
    return jnp.where(jnp.any(positive) & (count > 0) & ~bad, share, jnp.nan)
