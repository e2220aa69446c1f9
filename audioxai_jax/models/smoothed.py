"""A model with soft corners: its gradient changes smoothly, so that it can be moved.

The gradient of a network of ReLUs is the same all around a point, and has no derivative. A.-K.
Dombrowski et al., "Explanations can be manipulated and geometry is to blame", NeurIPS 2019, put
the softplus in place of the ReLU to follow how explanations move.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.tree_util import Partial

from audioxai_jax.core.checks import check_number
from audioxai_jax.core.records import as_model
from audioxai_jax.tracing.graph import Equation
from audioxai_jax.tracing.replacing import computed
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Classifier, Model


@overload
def smoothed(model: Classifier, *, sharpness: float = ...) -> Classifier: ...
@overload
def smoothed(model: Model, *, sharpness: float = ...) -> Model: ...
def smoothed(model: Classifier | Model, *, sharpness: float = 20.0) -> Classifier | Model:
    """The same function with `log(1 + exp(s x)) / s` in place of each `max(x, 0)`.

    The two differ by `log(2) / s` at most, at each of them. All else is as it was.

    Args:
      model: one example to one array; or a `Classifier`, of whose model this is said.
      sharpness: s, over what the ReLUs are given; the larger, the nearer to the model.

    Returns:
      A model with the same leaves; of a classifier, one that reads the same.

    Raises:
      ValueError: for a sharpness that is not above 0.

    >>> import jax, jax.numpy as jnp
    >>> float(smoothed(jax.nn.relu, sharpness=4.0)(jnp.array(0.0)) * 4) == float(jnp.log(2.0))
    True
    """
    check_number(sharpness, "sharpness", "a number above 0")
    if not sharpness > 0:
        raise ValueError(f"sharpness must be above 0, got {sharpness}")
    if isinstance(model, Classifier):
        return dataclasses.replace(
            model, model=Partial(_smooth, model.model, jnp.asarray(sharpness, float))
        )
    return Partial(_smooth, as_model(model), jnp.asarray(sharpness, float))


def _smooth(model: Model, sharpness: Array, x: Array) -> Array:
    graph, leaves = trace(model, x)
    zeros = {n for n, value in graph.constants.items() if _is_zero(value)}
    replace = functools.partial(_replaced, zeros, sharpness)
    (values,) = computed(graph, [*leaves, x], replace)
    return values


def _is_zero(value: Array) -> bool:
    return not isinstance(value, Tracer) and np.ndim(value) == 0 and float(value) == 0


def _replaced(
    zeros: set[int], sharpness: Array, equation: Equation, moving: list[int]
) -> Callable[..., Array] | None:
    if equation.name != "max" or len(moving) != 1 or equation.inputs[1 - moving[0]] not in zeros:
        return None
    return lambda *operands: jax.nn.softplus(sharpness * operands[moving[0]]) / sharpness
