"""Rules for the first layer, whose input is not an activation.

z-box (inputs within bounds) and w^2 (inputs without): G. Montavon et al., "Explaining
Nonlinear Classification Decisions with Deep Taylor Decomposition", Pattern Recognition 2017.
Flat: S. Lapuschkin et al., "Unmasking Clever Hans Predictors", Nature Communications 2019.
All conserve relevance but for the stabiliser, and w^2 but for the bias.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import WEIGHTED, Linear, Shares, negative, positive, share


def z_box(
    low: Array | float,
    high: Array | float,
    *,
    epsilon: float = 1e-6,
    absolute: bool = False,
) -> "ZBox":
    """For inputs between `low` and `high`, numbers or arrays that broadcast to the input."""
    return ZBox(low, high, epsilon, absolute)


def w_square(*, epsilon: float = 1e-6, absolute: bool = False) -> "WSquare":
    """In proportion to the squared weights, whatever the input."""
    return WSquare(epsilon, absolute)


def flat(*, epsilon: float = 1e-6, absolute: bool = False) -> "Flat":
    """In equal parts to all inputs that an output sees; the bias gets none."""
    return Flat(epsilon, absolute)


@record(static=("epsilon", "absolute"))
class ZBox:
    """See `z_box`."""

    kinds = WEIGHTED
    low: Array | float
    high: Array | float
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        bounds = self.low, self.high
        low, high = (jnp.broadcast_to(jnp.asarray(v, x.dtype), x.shape) for v in bounds)
        terms = [(x, w), (-low, positive(w)), (-high, negative(w))]
        return share(lin, terms, 0.0, R, self.epsilon, self.absolute)


@record(static=("epsilon", "absolute"))
class WSquare:
    """See `w_square`."""

    kinds = WEIGHTED
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        ones, squares = jax.tree.map(jnp.ones_like, x), jax.tree.map(jnp.square, w)
        return share(lin, [(ones, squares)], jnp.square(b), R, self.epsilon, self.absolute)


@record(static=("epsilon", "absolute"))
class Flat:
    """See `flat`."""

    kinds = WEIGHTED
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        ones = jax.tree.map(jnp.ones_like, x), jax.tree.map(jnp.ones_like, w)
        return share(lin, [ones], 0.0, R, self.epsilon, self.absolute)
