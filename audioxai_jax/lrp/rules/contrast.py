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

from audioxai_jax.lrp.rules.passing import unbroadcast
from audioxai_jax.lrp.rules.sharing import Linear, transposed
from audioxai_jax.records import record

SMALL = 1e-6
"""Differences below this part of the values are answered by the gradient."""


def rescale() -> "Rescale":
    """For functions of single values: m_x = (z - z0) / (x - x0) m_z."""
    return Rescale()


def rescale_winners() -> "RescaleWinners":
    """For maxima: a rise goes to the winner of now, a fall to the winner at the reference.

    As S. Lundberg's DeepExplainer and captum do: with m = max(z, z0), the input's winner gets
    m - z0 and the reference's winner z - m.
    """
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
        change = unbroadcast(R * (z - z0), x.shape)
        return _ratio(change, x - x0, x, transposed(lin, x, w)(R))


@record()
class RescaleWinners:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any, *, reference: Any
    ) -> Any:
        x0, _, z0 = reference
        back, back0 = transposed(lin, x, w), transposed(lin, x0, w)
        rise = back(jax.tree.map(lambda m, new, old: m * jnp.maximum(new - old, 0), R, z, z0))
        fall = back0(jax.tree.map(lambda m, new, old: m * jnp.minimum(new - old, 0), R, z, z0))
        moved, plain = jax.tree.map(jnp.add, rise, fall), back(R)
        each = lambda c, new, old, slope: _ratio(c, new - old, new, slope)
        return jax.tree.map(each, moved, x, x0, plain)


@record()
class ShapleyPair:
    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Any
    ) -> Any:
        (a, c), (a0, c0) = x, reference[0]
        ab, a_, _b, none = (lin(pair, w) for pair in ((a, c), (a, c0), (a0, c), (a0, c0)))
        slope_a, slope_c = transposed(lin, x, w)(R)
        of_a = unbroadcast(R * (ab - _b + a_ - none) / 2, a.shape)
        of_c = unbroadcast(R * (ab - a_ + _b - none) / 2, c.shape)
        return _ratio(of_a, a - a0, a, slope_a), _ratio(of_c, c - c0, c, slope_c)


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
