"""How far two explanations agree on their k most important features.

S. Krishna, T. Han, A. Gu, S. Wu, S. Jabbari, H. Lakkaraju, "The Disagreement Problem in
Explainable Machine Learning: A Practitioner's Perspective", TMLR 2024.
Importance is the absolute value of relevance, as there; `top_overlap` and `top_jaccard` can
also rank by its sign. Rank correlation of whole maps is in `metrics.correlation`.

All are NaN where a map does not decide: NaN among its relevance, or equal values on either side
of the k-th place (for agreement of ranks, anywhere in the first k + 1). A constant map agrees
with nothing.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.perturbation.rank import check_sign


@checked
def top_overlap(a: Array, b: Array, *, k: int = 10, rank: str = "signed") -> Array:
    """Share of the k most relevant features that are so in both; higher is better, in [0, 1].

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.
      rank: "signed" or "absolute".

    Raises:
      ValueError: for shapes that differ, k that does not fit, or an unknown rank.
    """
    top_a, top_b, defined = _tops(a, b, k, rank, ordered=False)
    return _share(_member(top_a, top_b), k, defined)


@checked
def top_jaccard(a: Array, b: Array, *, k: int = 10, rank: str = "signed") -> Array:
    """P. Jaccard's index of the two sets, intersection over union; higher is better, in [0, 1].

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.
      rank: "signed" or "absolute".

    Raises:
      ValueError: as `top_overlap`.
    """
    overlap = top_overlap(a, b, k=k, rank=rank)
    return overlap / (2 - overlap)


@checked
def feature_agreement(a: Array, b: Array, *, k: int = 10) -> Array:
    """`top_overlap` by absolute value: Krishna's feature agreement.

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.

    Raises:
      ValueError: for shapes that differ, or k that does not fit.
    """
    return top_overlap(a, b, k=k, rank="absolute")


@checked
def sign_agreement(a: Array, b: Array, *, k: int = 10) -> Array:
    """Share of the k that are in both with the same sign; higher is better, in [0, 1].

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.

    Raises:
      ValueError: for shapes that differ, or k that does not fit.
    """
    top_a, top_b, defined = _tops(a, b, k, "absolute", ordered=False)
    same = jnp.sign(jnp.ravel(a)[top_a]) == jnp.sign(jnp.ravel(b)[top_a])
    return _share(_member(top_a, top_b) & same, k, defined)


@checked
def rank_agreement(a: Array, b: Array, *, k: int = 10) -> Array:
    """Share of the k places that the same feature has in both; higher is better, in [0, 1].

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.

    Raises:
      ValueError: for shapes that differ, or k that does not fit.
    """
    top_a, top_b, defined = _tops(a, b, k, "absolute", ordered=True)
    return _share(top_a == top_b, k, defined)


@checked
def signed_rank_agreement(a: Array, b: Array, *, k: int = 10) -> Array:
    """`rank_agreement` of features with the same sign in both; higher is better, in [0, 1].

    Args:
      a, b: relevance of the same features, of one shape.
      k: how many, 1 to all.

    Raises:
      ValueError: for shapes that differ, or k that does not fit.
    """
    top_a, top_b, defined = _tops(a, b, k, "absolute", ordered=True)
    same = jnp.sign(jnp.ravel(a)[top_a]) == jnp.sign(jnp.ravel(b)[top_a])
    return _share((top_a == top_b) & same, k, defined)


def _member(top_a: Array, top_b: Array) -> Array:
    return jnp.isin(top_a, top_b)


def _share(hits: Array, k: int, defined: Array) -> Array:
    return jnp.where(defined, jnp.sum(hits) / k, jnp.nan)


def _tops(a: Array, b: Array, k: int, rank: str, ordered: bool):
    """Each map's first k features, best first, and whether both maps decide which they are."""
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"the maps are {list(a.shape)} and {list(b.shape)}, expected one shape")
    if not 1 <= k <= a.size:
        raise ValueError(f"k must be between 1 and {a.size}, got {k}")
    check_sign(rank)
    if rank == "absolute":
        a, b = jnp.abs(a), jnp.abs(b)
    (top_a, sure_a), (top_b, sure_b) = (_top(scores.ravel(), k, ordered) for scores in (a, b))
    return top_a, top_b, sure_a & sure_b


def _top(scores: Array, k: int, ordered: bool) -> tuple[Array, Array]:
    order = jnp.argsort(-scores, stable=True)
    first = scores[order[: k + 1]]
    start = 0 if ordered else k - 1
    tied = jnp.any(first[start:-1] == first[start + 1 :]) if len(first) > start + 1 else False
    return order[:k], ~(tied | jnp.any(jnp.isnan(scores)))
