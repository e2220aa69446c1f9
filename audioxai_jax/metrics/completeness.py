"""Completeness: does relevance sum to what the model's output gained over a baseline?

M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
proposition 1: `sum_i R_i = f(x) - f(baseline)`.
"""

import jax.numpy as jnp
from jax import Array


def completeness_error(relevance: Array, value: Array, baseline_value: Array) -> Array:
    """How far relevance is from summing to the change of the output; lower is better.

    `|sum(R) - (f(x) - f(b))|`, in [0, inf), in the output's unit.

    Args:
      relevance: of any shape, floating point.
      value, baseline_value: the explained output at the input and at the baseline, scalars.

    Returns:
      A scalar; NaN if any of them is.

    Raises:
      ValueError: if an output is no scalar: it would be broadcast.
    """
    change = _change(value, baseline_value)
    return jnp.abs(jnp.sum(relevance) - change)


def relative_completeness_error(relevance: Array, value: Array, baseline_value: Array) -> Array:
    """The same as a share of that change; lower is better.

    `|sum(R) - (f(x) - f(b))| / |f(x) - f(b)|`, in [0, inf). Arguments and errors as for
    `completeness_error`; NaN where the output does not change, too.
    """
    change = _change(value, baseline_value)
    error = jnp.abs(jnp.sum(relevance) - change)
    return jnp.where(change == 0, jnp.nan, error / jnp.where(change == 0, 1, jnp.abs(change)))


def _change(value: Array, baseline_value: Array) -> Array:
    if jnp.ndim(value) or jnp.ndim(baseline_value):
        raise ValueError(
            f"the outputs are {list(jnp.shape(value))} and {list(jnp.shape(baseline_value))}, "
            "expected scalars: choose the target's, model(x)[target]"
        )
    return jnp.asarray(value) - baseline_value
