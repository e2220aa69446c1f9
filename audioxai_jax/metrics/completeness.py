"""Completeness: does relevance sum to what the model's output gained over a baseline?

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
proposition 1: `sum_i R_i = f(x) - f(baseline)`.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.types import Model, score


@checked
def completeness_error(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    *,
    baseline: Array | float = 0.0,
) -> Array:
    """How far relevance is from summing to the change of the target's logit; lower is better.

    `|sum(R) - (f(x) - f(b))|`, in [0, inf), in the logit's unit.

    Args:
      model: one example to logits `[K]`. For probabilities, see `audioxai_jax.models.outputs`.
      x: the input.
      relevance: relevance of any shape: also that of frames, channels or frequencies.
      baseline: baseline that relevance compares with, of the input's shape or a number.

    Returns:
      A scalar; NaN if relevance or a logit is.

    Raises:
      ValueError: for a target that is not a class.
    """
    return gap(relevance, *_values(model, x, target, baseline))


@checked
def relative_completeness_error(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    *,
    baseline: Array | float = 0.0,
) -> Array:
    """The same as a share of that change; lower is better.

    `|sum(R) - (f(x) - f(b))| / |f(x) - f(b)|`, in [0, inf). Arguments and errors as for
    `completeness_error`; NaN where the logit does not change, too.
    """
    return relative_gap(relevance, *_values(model, x, target, baseline))


@checked
def gap(relevance: Array, value: Array, baseline_value: Array) -> Array:
    """`completeness_error` of outputs that are known: at the input and the baseline, scalars.

    Raises:
      ValueError: if an output is not a scalar: it would be broadcast.
    """
    return jnp.abs(jnp.sum(relevance) - _change(value, baseline_value))


@checked
def relative_gap(relevance: Array, value: Array, baseline_value: Array) -> Array:
    """`relative_completeness_error` of outputs that are known; otherwise as `gap`."""
    change = _change(value, baseline_value)
    error = jnp.abs(jnp.sum(relevance) - change)
    return jnp.where(change == 0, jnp.nan, error / jnp.where(change == 0, 1, jnp.abs(change)))


def _values(model: Model, x: Array, target: Array | int, baseline: Array | float):
    base = jnp.broadcast_to(jnp.asarray(baseline, x.dtype), x.shape)
    return score(model, x, target), score(model, base, target)


def _change(value: Array, baseline_value: Array) -> Array:
    if jnp.ndim(value) or jnp.ndim(baseline_value):
        raise ValueError(
            f"the outputs are {list(jnp.shape(value))} and {list(jnp.shape(baseline_value))}, "
            "expected scalars: choose the target's, model(x)[target]"
        )
    return jnp.asarray(value) - jnp.asarray(baseline_value)
