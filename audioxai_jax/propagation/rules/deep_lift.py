"""DeepLIFT's rescale rule: what changed the output since a reference, not what made it.

A. Shrikumar, P. Greenside, A. Kundaje, "Learning Important Features Through Propagating
Activation Differences", arXiv 1704.02685, section 3.5. What is handed back is the multiplier
of each value; times the difference of the input it is the contribution, and contributions sum
to the difference of the output.

These rules also get `reference=(x, w, z)`, the operation at the reference.
"""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, Reference, transposed
from audioxai_jax.propagation.rules.identity import unbroadcast

SMALLEST_CHANGE = 1e-6
"""Differences below this part of the values are answered by the gradient."""


def rescale() -> "Rescale":
    """For functions of single values: m_x = (z - z0) / (x - x0) m_z."""
    return Rescale()


def rescale_winners() -> "RescaleWinners":
    """For maxima: a rise goes to the winner of now, a fall to the winner at the reference.

    Also for values that are looked up in another place than at the reference.

    As S. Lundberg's DeepExplainer and captum do: with m = max(z, z0), the input's winner gets
    m - z0 and the reference's winner z - m.
    """
    return RescaleWinners()


def shapley() -> "Shapley":
    """For functions of several values, such as products: each change averaged over all orders."""
    return Shapley()


def midpoint() -> "Midpoint":
    """For matrix products of two values: the gradient halfway."""
    return Midpoint()


def rescale_softmax() -> "RescaleSoftmax":
    """For softmax as exp(x - log(sum(exp(x)))), with each of the three functions rescaled.

    What is subtracted from x for the sake of rounding makes no difference.
    """
    return RescaleSoftmax()


def rescale_logsumexp() -> "RescaleLogsumexp":
    """For log(sum(exp(x))), or log(sum(exp(x - m))) as a function of x and m, rescaled."""
    return RescaleLogsumexp()


@record()
class Rescale:
    """See `rescale`."""

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Reference
    ) -> Any:
        x0, _, z0 = reference
        change = unbroadcast(R * (z - z0), x.shape)
        return _ratio(change, x - x0, x, transposed(lin, x, w)(R))


@record()
class RescaleWinners:
    """See `rescale_winners`."""

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any, *, reference: Reference
    ) -> Any:
        x0, w0, z0 = reference
        back, back0 = transposed(lin, x, w), transposed(lin, x0, w0)
        rise = back(jax.tree.map(lambda m, new, old: m * jnp.maximum(new - old, 0), R, z, z0))
        fall = back0(jax.tree.map(lambda m, new, old: m * jnp.minimum(new - old, 0), R, z, z0))
        moved, plain = jax.tree.map(jnp.add, rise, fall), back(R)
        each = lambda c, new, old, slope: _ratio(c, new - old, new, slope)
        return jax.tree.map(each, moved, x, x0, plain)


@record()
class Shapley:
    """See `shapley`."""

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Reference
    ) -> Any:
        x0 = reference[0]
        if not isinstance(x, tuple):
            return _ratio(
                unbroadcast(R * (z - reference[2]), x.shape), x - x0, x, transposed(lin, x, w)(R)
            )
        places = range(len(x))
        worth = {
            those: lin(tuple(x[i] if i in those else x0[i] for i in places), w)
            for count in range(len(x) + 1)
            for those in itertools.combinations(places, count)
        }
        slopes, found = transposed(lin, x, w)(R), []
        for i in places:
            change = sum(
                (worth[tuple(sorted((*those, i)))] - worth[those])
                / (len(x) * math.comb(len(x) - 1, len(those)))
                for those in worth
                if i not in those
            )
            change = unbroadcast(R * change, x[i].shape)
            found.append(_ratio(change, x[i] - x0[i], x[i], slopes[i]))
        return tuple(found)


@record()
class Midpoint:
    """See `midpoint`."""

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Reference
    ) -> Any:
        middle = jax.tree.map(lambda new, old: (new + old) / 2, x, reference[0])
        return transposed(lin, middle, w)(R)


@record()
class RescaleSoftmax:
    """See `rescale_softmax`.

    `w`: the exponentials, their sum with the axes kept, and what was subtracted from x.
    """

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Array, w: Any, b: Any, z: Array, R: Array, *, reference: Reference
    ) -> Array:
        x0, w0, z0 = reference
        change = jnp.log(w[1]) - jnp.log(w0[1]) + w[2] - w0[2]
        inner = _ratio(R * (z - z0), _step(x, x0) - change, _finite(x), R * z)
        total = unbroadcast(inner, w[1].shape)
        return inner - total * _of_logsumexp(x, w, x0, w0, change)


@record()
class RescaleLogsumexp:
    """See `rescale_logsumexp`; `w` as of `RescaleSoftmax`."""

    takes_reference = True

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array, *, reference: Reference
    ) -> Any:
        x0, w0, z0 = reference
        shifted = isinstance(x, tuple)
        here, there = (x[0], x0[0]) if shifted else (x, x0)
        change = (z - z0).reshape(w[1].shape) + w[2] - w0[2]
        R = R.reshape(w[1].shape)
        of_x = R * _of_logsumexp(here, w, there, w0, change)
        return (of_x, unbroadcast(-R, x[1].shape)) if shifted else of_x


def _step(x: Array, x0: Array) -> Array:
    """From one value to another; none for equal ones, such as masks of minus infinity."""
    return jnp.where(x == x0, 0, x - x0)


def _finite(x: Array) -> Array:
    return jnp.where(jnp.isfinite(x), x, 0)


def _of_logsumexp(x: Array, w: Any, x0: Array, w0: Any, change: Array) -> Array:
    """Multipliers of x for log(sum(exp(x))), which changes by so much."""
    top = jnp.maximum(w[2], w0[2])  # one scale for both
    parts, parts0 = w[0] * jnp.exp(w[2] - top), w0[0] * jnp.exp(w0[2] - top)
    sums, sums0 = w[1] * jnp.exp(w[2] - top), w0[1] * jnp.exp(w0[2] - top)
    each = _ratio(parts - parts0, _step(x, x0), _finite(x), parts)
    return _ratio(change, sums - sums0, sums, 1 / sums) * each


def _ratio(change: Array, step: Array, x: Array, slope: Array) -> Array:
    """change / step; the slope where the step is 0, and 0 if that is infinite or NaN.

    There a root or logarithm is at 0 for both inputs; times a difference of 0, any multiplier is a
    contribution of 0, but an infinite one would spoil all others.
    """
    slope = jnp.where(jnp.isfinite(slope), slope, 0)
    small = jnp.abs(step) <= SMALLEST_CHANGE * jnp.maximum(jnp.abs(x), SMALLEST_CHANGE)
    return jnp.where(small, slope, change / jnp.where(small, 1, step))
