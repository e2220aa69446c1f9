"""Rules for products, and other functions, of two values that both depend on the input.

AttnLRP: R. Achtibat et al., "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for
Transformers", arXiv 2402.05602. Gates: L. Arras et al., "Explaining Recurrent Neural Network
Predictions in Sentiment Analysis", arXiv 1706.07206.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, Shares, divide, share
from audioxai_jax.propagation.rules.identity import unbroadcast


def halves() -> "Halves":
    """Half of the relevance to each factor of a product of single values (AttnLRP, 3.2)."""
    return Halves()


def squares() -> "Squares":
    """For an angle, atan2(b, a), in proportion to a^2 and b^2, as the magnitude's relevance is.

    Both belong to one complex value a + ib. A choice of this library: an angle is the same at
    every level, so that its parts times their derivatives, -ab and ab, sum to zero. Conserves
    relevance but where both parts are zero, which the stabiliser takes.
    """
    return Squares()


def uniform(*, epsilon: float = 1e-6, absolute: bool = False) -> "Uniform":
    """For matrix products: half to each factor, within each in proportion to contributions.

    AttnLRP, proposition 3.3: R_ji = sum over p of  A_ji V_ip / (O_jp + epsilon)  R_jp / 2.
    Conserves relevance but for the stabiliser.
    """
    return Uniform(epsilon, absolute)


def signal() -> "Signal":
    """All to the signal, none to the gate."""
    return Signal()


def values(*, epsilon: float = 1e-6, absolute: bool = False) -> "Values":
    """For attention: all to what is weighted, in proportion to contributions, none to the weights.

    A. Ali et al., "XAI for Transformers: Better Explanations through Conservative Propagation",
    arXiv 2202.07304. Conserves relevance but for the stabiliser.
    """
    return Values(epsilon, absolute)


@record()
class Halves:
    """See `halves`."""

    kinds = ("product", "gate")

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Any:
        return tuple(unbroadcast(R / 2, factor.shape) for factor in x)


@record()
class Squares:
    """See `squares`."""

    kinds = ("atan2",)

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        left, right = x
        largest = jnp.maximum(jnp.abs(left), jnp.abs(right))
        parts = [jnp.square(divide(part, largest)) for part in x]
        each = divide(R, parts[0] + parts[1])
        lost = jnp.sum(jnp.where(largest == 0, R, 0))
        return Shares(tuple(part * each for part in parts), stabiliser=lost)


@record(static=("epsilon", "absolute"))
class Uniform:
    """See `uniform`."""

    kinds = ("matmul", "attention")
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        left, right = x
        options = 0.0, R / 2, self.epsilon, self.absolute, z
        first = share(lambda x, w: lin((x, w), None), [(left, right)], *options)
        second = share(lambda x, w: lin((w, x), None), [(right, left)], *options)
        return Shares(
            (first.relevance, second.relevance), stabiliser=first.stabiliser + second.stabiliser
        )


@record()
class Signal:
    """See `signal`."""

    kinds = ("product", "gate")

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Any:
        value, gate = x
        return unbroadcast(R, value.shape), jnp.zeros_like(gate)


@record(static=("epsilon", "absolute"))
class Values:
    """See `values`."""

    kinds = ("attention",)
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        value, weights = x
        weighted = lambda value, w: lin((value, weights), None)
        found = share(weighted, [(value, None)], 0.0, R, self.epsilon, self.absolute, z)
        return Shares((found.relevance, jnp.zeros_like(weights)), stabiliser=found.stabiliser)
