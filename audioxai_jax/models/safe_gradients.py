"""Derivatives that are finite where a function's own are not: at silence, mostly.

The square root, the logarithm and the angle have no finite derivative at 0, and times a gradient
of zero that is NaN, which spoils all features. `tracing.not_finite.first_not_finite` names such
an operation; here its derivative counts as 0 there.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, overload

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import as_model
from audioxai_jax.tracing.graph import Equation
from audioxai_jax.tracing.reading import WHOLE
from audioxai_jax.tracing.replacing import computed
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Classifier, Model

SINGULAR = frozenset(
    "acos acosh asin atan2 atanh cbrt digamma div erf_inv integer_pow lgamma log log1p pow rsqrt "
    "sqrt".split()
)
"""Functions of single values whose derivative is not finite somewhere."""

INSIDE = 0.5
"""A point at which all of them have all derivatives."""


@overload
def safe_gradients(model: Classifier) -> Classifier: ...
@overload
def safe_gradients(model: Model) -> Model: ...
def safe_gradients(model: Classifier | Model) -> Classifier | Model:
    """The same function with derivatives that are finite at silence.

    Values never change, an infinite one included. A partial derivative that is NaN or infinite
    counts as 0, also within loops and branches:

    ==============================  ======================================================
    function                        derivative that counts as 0
    ==============================  ======================================================
    sqrt(x), cbrt(x), norm(x)       at x = 0
    rsqrt(x), 1 / x, x**-n          at x = 0, where the value is infinite
    log(x), log1p(x)                at x = 0, at x = -1
    x**p                            by x at x = 0 if p < 1; by p where log(x) is not finite
    x / y                           by x and by y at y = 0
    x * y                           by the one where the other is infinite, as in x * log(x)
    atan2(y, x), angle(z)           by both at x = y = 0
    acos, asin, acosh, atanh        where the argument is 1 or -1
    erf_inv, lgamma, digamma        at their poles
    ==============================  ======================================================

    So does that of the complex functions. |z| of a complex z has the derivative 0 at 0 in JAX
    already. A function with a derivative of its own (`custom_jvp`, `custom_vjp`) keeps it.
    Relevance by LRP is that of the model itself: its rules see the same operations.

    Args:
      model: one example to one array; or a `Classifier`, of whose model this is said.

    Returns:
      A model with the same leaves; it may be compiled, batched and differentiated again. Of a
      classifier, one that reads the same, with the same labels and kind of outputs.

    >>> model = safe_gradients(lambda x: jnp.sqrt(x))
    >>> jax.grad(lambda x: jnp.sum(model(x)))(jnp.array([0.0, 4.0])).tolist()
    [0.0, 0.25]
    """
    if isinstance(model, Classifier):
        return dataclasses.replace(model, model=Partial(_safe, model.model))
    return Partial(_safe, as_model(model))


def _safe(model: Model, x: Array) -> Array:
    graph, leaves = trace(model, x, WHOLE)
    (found,) = computed(graph, [*leaves, x], _replaced)
    return found


def _replaced(equation: Equation, moving: list[int]) -> Callable[..., Array] | None:
    product = equation.name == "mul" and len(moving) == 2
    if not product and equation.name not in SINGULAR:
        return None

    @jax.custom_jvp
    def function(*operands: Array) -> Array:
        return equation(*operands)[0]

    @function.defjvp
    def derivative(operands: Any, tangents: Any) -> Any:
        total = None
        for place, tangent in enumerate(tangents):
            if jnp.issubdtype(operands[place].dtype, jnp.inexact):
                part = _slope(equation, operands, place) * tangent
                total = part if total is None else total + part
        return function(*operands), total

    return function


def _slope(equation: Equation, operands: tuple[Array, ...], place: int) -> Array:
    """The partial derivative by one operand, or 0; so are its own derivatives where it is 0."""

    def slope(*operands: Array) -> Array:
        along = lambda v: equation(*operands[:place], v, *operands[place + 1 :])[0]
        return jax.jvp(along, (operands[place],), (jnp.ones_like(operands[place]),))[1]

    bad = ~jnp.isfinite(slope(*operands))
    inexact = lambda v: jnp.issubdtype(v.dtype, jnp.inexact)
    inside = (jnp.where(bad, INSIDE, v).astype(v.dtype) if inexact(v) else v for v in operands)
    return jnp.where(bad, 0, slope(*inside))
