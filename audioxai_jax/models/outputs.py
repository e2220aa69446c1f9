"""What is explained, if not a logit: models made of models.

Each wrapper returns a model of the same input with other outputs, one of which is then the
target. Wrappers of equal models with equal settings share one compilation, and the model's
parameters stay its leaves.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.logits import as_targets, check_logits
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.types import Model, select


def probability(model: Model) -> Model:
    """The softmax of the logits: probabilities of classes that exclude each other.

    >>> probability(lambda x: x)(jnp.zeros(2)).tolist()
    [0.5, 0.5]
    """
    return Partial(_pointwise, as_model(model), Static(jax.nn.softmax))


def log_probability(model: Model) -> Model:
    """The logarithm of `probability`, as exact where that is next to nothing.

    >>> log_probability(lambda x: x)(jnp.array([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """
    return Partial(_pointwise, as_model(model), Static(jax.nn.log_softmax))


def label_probability(model: Model) -> Model:
    """The sigmoid of each logit: probabilities of labels of which several may hold.

    >>> label_probability(lambda x: x)(jnp.zeros(2)).tolist()
    [0.5, 0.5]
    """
    return Partial(_pointwise, as_model(model), Static(jax.nn.sigmoid))


def one_label(model: Model, label: int | Array, *, least: float = 0.0) -> Model:
    """One output alone, as a single logit `[1]` that is above 0 where the label holds.

    Args:
      model: one example to outputs `[K]`.
      label: position of the label; may be traced.
      least: threshold of the output: 0 of a logit, 0.5 of a probability.

    Raises:
      ValueError: when called, if there is no such output.

    >>> one_label(lambda x: x, 1, least=0.5)(jnp.array([1.0, 4.0])).tolist()
    [3.5]
    """
    label = label if isinstance(label, Array) else jnp.asarray(as_targets(label))
    return Partial(_one_label, as_model(model), label, Static(float(least)))


def margin(model: Model, against: int | None = None) -> Model:
    """By how much each logit is above that of another class: why this one and not that one.

    Args:
      model: one example to logits `[K]`.
      against: the other class, itself compared with the best of the others; if None, every
        class is compared so.

    Raises:
      ValueError: when called, if there is no such class, or only one.

    >>> margin(lambda x: x)(jnp.array([1.0, 4.0, 2.0])).tolist()
    [-3.0, 2.0, -2.0]
    """
    return Partial(_margin, as_model(model), Static(against))


def combination(model: Model, weights: Any) -> Model:
    """Weighted sums of logits: of several labels, of one label less another.

    Args:
      model: one example to logits `[K]`.
      weights: `[M, K]`; target m is then the sum of logits with weights `[m]`.

    Raises:
      ValueError: if the weights are no matrix; when called, if they do not fit the logits.

    >>> combination(lambda x: x, [[1.0, 1.0, 0.0]])(jnp.array([1.0, 4.0, 2.0])).tolist()
    [5.0]
    """
    weights = jnp.asarray(weights, jnp.result_type(float))
    if weights.ndim != 2:
        raise ValueError(f"combination: the weights must be [M, K], got {list(weights.shape)}")
    return Partial(_combination, as_model(model), weights)


def scalar(model: Model, function: Callable[[Array], Array]) -> Model:
    """Any number that can be computed from the output; target 0 explains it.

    Args:
      model: one example to anything that `function` takes.
      function: the model's output to one number. Pass a function of a module, or a `Partial` of
        one, not a fresh lambda: its identity is part of the compilation's key.

    Raises:
      ValueError: when called, if it returns more than one number.

    >>> scalar(lambda x: x, jnp.max)(jnp.array([1.0, 4.0, 2.0])).tolist()
    [4.0]
    """
    return Partial(_scalar, as_model(model), as_model(function))


def _pointwise(model: Model, function: Static, x: Array) -> Array:
    return function.value(_logits(model, x, function.value.__name__))  # type: ignore[operator]


def _one_label(model: Model, label: Array, least: Static, x: Array) -> Array:
    return select(model(x), label)[None] - least.value  # type: ignore[operator]


def _margin(model: Model, against: Static, x: Array) -> Array:
    logits = _logits(model, x, "margin")
    classes, other = len(logits), against.value
    if classes < 2:
        raise ValueError("margin: the model has one class, and no other to compare it with")
    own = jnp.eye(classes, dtype=bool)
    others = jnp.max(jnp.where(own, -jnp.inf, logits), axis=1)
    if other is None:
        return logits - others
    if not 0 <= other < classes:  # type: ignore[operator]
        raise ValueError(f"margin: {other} is not a class: the model has {classes}")
    compared = jnp.where(jnp.arange(classes) == other, others, logits[other])  # type: ignore[index]
    return logits - compared


def _combination(model: Model, weights: Array, x: Array) -> Array:
    logits = _logits(model, x, "combination")
    if weights.shape[1] != len(logits):
        raise ValueError(
            f"combination: weights {list(weights.shape)} do not fit {len(logits)} logits"
        )
    return weights.astype(logits.dtype) @ logits


def _scalar(model: Model, function: Callable[[Array], Array], x: Array) -> Array:
    found = jnp.asarray(function(model(x)))
    if found.size != 1:
        raise ValueError(f"scalar: the function must return one number, got {list(found.shape)}")
    return found.reshape(1)


def _logits(model: Model, x: Array, name: str) -> Array:
    logits = model(x)
    check_logits(logits, f"{name}: the model")
    return logits
