"""DeepLIFT's rescale rule: what changed the output since a reference, not what made it.

A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through Propagating
Activation Differences", arXiv 1704.02685, section 3.5. What is handed back is the multiplier
of each value; times the difference of the input it is the contribution, and contributions sum
to the difference of the output.

These rules also get `reference=(x, w, z)`, the operation at the reference.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.lrp.rules.sharing import Linear, transposed
from audioxai_jax.types import record

SMALL = 1e-6
"""Differences below this part of the values are answered by the gradient."""


def rescale() -> "Rescale":
    """For functions of single values: m_x = (z - z0) / (x - x0) m_z."""
    return Rescale()


def rescale_winners() -> "RescaleWinners":
    """For maxima: what the output's change is worth goes to the winner."""
    return RescaleWinners()


def shapley_pair() -> "ShapleyPair":
    """For products and quotients of two values: each change averaged over both orders."""
    return ShapleyPair()


def midpoint() -> "Midpoint":
    """For matrix products of two values: the gradient halfway."""
    return Midpoint()


@record()
class Rescale:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Any
    ) -> Any:
        x0, _, z0 = reference
        slope = transposed(lin, x, w)(jnp.ones_like(z))
        return R * _ratio(z - z0, x - x0, x, slope)


@record()
class RescaleWinners:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any, *, reference: Any
    ) -> Any:
        x0, _, z0 = reference
        change = jax.tree.map(lambda m, new, old: m * (new - old), R, z, z0)
        moved, plain = transposed(lin, x, w)(change), transposed(lin, x, w)(R)
        each = lambda c, new, old, slope: _ratio(c, new - old, new, slope)
        return jax.tree.map(each, moved, x, x0, plain)


@record()
class ShapleyPair:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Any
    ) -> Any:
        (a, c), (a0, c0) = x, reference[0]
        ab, a_, _b, none = (lin(pair, w) for pair in ((a, c), (a, c0), (a0, c), (a0, c0)))
        slope_a, slope_c = transposed(lin, x, w)(jnp.ones_like(z))
        first = _ratio((ab - _b + a_ - none) / 2, a - a0, a, slope_a)
        second = _ratio((ab - a_ + _b - none) / 2, c - c0, c, slope_c)
        return R * first, R * second


@record()
class Midpoint:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Any
    ) -> Any:
        middle = jax.tree.map(lambda new, old: (new + old) / 2, x, reference[0])
        return transposed(lin, middle, w)(R)


def _ratio(change: Array, step: Array, x: Array, slope: Array) -> Array:
    small = jnp.abs(step) <= SMALL * jnp.maximum(jnp.abs(x), SMALL)
    return jnp.where(small, slope, change / jnp.where(small, 1, step))
