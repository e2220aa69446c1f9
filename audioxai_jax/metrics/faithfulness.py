"""Faithfulness by correlation: the more relevance is taken away, the more should the output drop.

Features are set to a base, some at a time; Pearson's correlation of the relevance taken
with the drop of the target's logit. Which features go together is what tells the two apart:

  faithfulness_correlation  random subsets of one size: U. Bhatt, A. Weller, J. Moura,
                            "Evaluating and Aggregating Feature-based Model Explanations",
                            IJCAI 2020;
  faithfulness_estimate     each feature once, alone or in groups of similar relevance:
                            D. Alvarez-Melis, T. Jaakkola, "Towards Robust Interpretability
                            with Self-Explaining Neural Networks", NeurIPS 2018.
"""

import math

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.perturbation.edit import delete
from audioxai_jax.perturbation.noise import drawn_subset
from audioxai_jax.perturbation.rank import rank_positions
from audioxai_jax.types import Model, score


@relaxed()
@checked
def faithfulness_correlation(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    *,
    key: Array,
    base: Array | float = 0.0,
    size: int | None = None,
    subsets: int = 100,
    chunk: int = 16,
) -> Array:
    """Correlation over random subsets; higher is better, in [-1, 1].

    Args:
      model: one example to logits `[K]`, of audio or of the features of any domain. For
        probabilities, see `audioxai_jax.models.outputs`.
      x: input of the model, floating point.
      relevance: relevance of the input's shape.
      key: consumed.
      base: values that stand for features that are taken away: of the input's shape, or a number.
      size: features of a subset, drawn without replacement; a tenth of all, rounded up, if None.
      subsets: how many.
      chunk: changed inputs at once.

    Returns:
      A scalar; NaN if all subsets have the same relevance, or change nothing.

    Raises:
      ValueError: for a size that is not between 1 and all features but one, fewer than two
        subsets, or relevance of another shape.
    """
    _check(relevance, x)
    size = -(-x.size // 10) if size is None else size
    if not 1 <= size < x.size or subsets < 2:
        raise ValueError(
            f"{subsets} subsets of {size} of {x.size} features: give two subsets or more, of 1 "
            f"to {x.size - 1} features"
        )
    keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(subsets))
    chosen = jax.vmap(lambda one: drawn_subset(one, x.size, size))(keys)
    return faithfulness_of(
        model, x, relevance, target, chosen.reshape(-1, *x.shape), base=base, chunk=chunk
    )


@relaxed()
@checked
def faithfulness_estimate(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    *,
    base: Array | float = 0.0,
    step: int = 1,
    chunk: int = 16,
) -> Array:
    """Correlation over single features, or groups; higher is better, in [-1, 1].

    Args:
      model: one example to logits `[K]`, of audio or of the features of any domain.
      x: input of the model, floating point.
      relevance: relevance of the input's shape.
      target: class whose logit drops.
      base: values that stand for features that are taken away: of the input's shape, or a number.
      step: features of a group, from the most relevant on; the last may be smaller. The paper
        takes 1, which is an evaluation for each feature. Sums over groups of equal size grow
        with relevance, so groups of many features correlate more.
      chunk: changed inputs at once.

    Returns:
      A scalar; NaN if all groups have the same relevance, or change nothing.

    Raises:
      ValueError: for a step that leaves less than two groups, or relevance of another shape.
    """
    _check(relevance, x)
    if not 1 <= step < x.size:
        raise ValueError(f"steps of {step} of {x.size} features leave less than two groups")
    group = rank_positions(relevance.ravel()) // step
    chosen = group == jnp.arange(math.ceil(x.size / step))[:, None]
    return faithfulness_of(
        model, x, relevance, target, chosen.reshape(-1, *x.shape), base=base, chunk=chunk
    )


@relaxed()
@checked
def faithfulness_of(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    chosen: Array,
    *,
    base: Array | float = 0.0,
    chunk: int = 16,
) -> Array:
    """The correlation over given sets of features, bool `[S, ...]`."""
    _check(relevance, x)
    if chosen.shape[1:] != x.shape:
        raise ValueError(f"sets {list(chosen.shape)} do not fit the input {list(x.shape)}")
    drops = score(model, x, target) - jax.lax.map(
        lambda one: score(model, delete(x, one, base), target), chosen, batch_size=chunk
    )
    taken = jnp.sum((chosen * relevance).reshape(len(chosen), -1), axis=1)
    return pearson(taken, drops)


@checked
def pearson(a: Array, b: Array) -> Array:
    """K. Pearson's correlation (1895) of `[n]` values; NaN if either is constant."""
    constant = jnp.all(a == a[0]) | jnp.all(b == b[0])
    a, b = a - jnp.mean(a), b - jnp.mean(b)
    spread = jnp.sqrt(jnp.sum(a**2)) * jnp.sqrt(jnp.sum(b**2))
    found = jnp.sum(a * b) / jnp.where(spread > 0, spread, 1)
    return jnp.where(~constant & (spread > 0), jnp.clip(found, -1, 1), jnp.nan)


def _check(relevance: Array, x: Array) -> None:
    if relevance.shape != x.shape:
        raise ValueError(
            f"relevance {list(relevance.shape)} does not fit the input {list(x.shape)}"
        )
