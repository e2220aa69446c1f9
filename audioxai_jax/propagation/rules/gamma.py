"""LRP-gamma: in proportion to contributions, positive ones counted more.

G. Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019, for inputs that are
not negative, and its generalisation to inputs of either sign, A. Andeol et al., "Learning
Domain Invariant Representations by Joint Wasserstein Distance Minimization", arXiv 2106.04923:
outputs above zero count positive contributions 1 + gamma times, those below zero the negative
ones. Conserves relevance but for bias, stabiliser and outputs of exactly zero; the plain rule
only if no weighted total is zero where relevance arrives.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import WEIGHTED, Linear, Shares, negative, positive, share


def gamma(gamma: float = 0.25, *, epsilon: float = 1e-6, absolute: bool = False) -> "Gamma":
    """LRP-gamma for inputs that are not negative: w + gamma max(w, 0)."""
    return Gamma(gamma, epsilon, absolute)


def generalised_gamma(
    gamma: float = 0.25, *, epsilon: float = 1e-6, absolute: bool = False
) -> "GeneralisedGamma":
    """LRP-gamma for inputs of either sign."""
    return GeneralisedGamma(gamma, epsilon, absolute)


@record(static=("gamma", "epsilon", "absolute"))
class Gamma:
    """See `gamma`."""

    kinds = WEIGHTED
    gamma: float
    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        w, b = (part + self.gamma * jnp.maximum(part, 0) for part in (w, b))
        return share(lin, [(x, w)], b, R, self.epsilon, self.absolute)


@record(static=("gamma", "epsilon", "absolute", "signed"))
class GeneralisedGamma:
    """See `generalised_gamma`."""

    kinds = WEIGHTED
    gamma: float
    epsilon: float
    absolute: bool = False
    signed: bool = True

    def for_nonnegative(self) -> "GeneralisedGamma":
        """The same rule for inputs that are known to have no negative values."""
        return GeneralisedGamma(self.gamma, self.epsilon, self.absolute, signed=False)

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        more = w + self.gamma * jnp.maximum(w, 0), b + self.gamma * jnp.maximum(b, 0)
        less = w + self.gamma * jnp.minimum(w, 0), b + self.gamma * jnp.minimum(b, 0)
        if self.signed:
            above = [(positive(x), more[0]), (negative(x), less[0])]
            below = [(positive(x), less[0]), (negative(x), more[0])]
        else:
            above, below = [(x, more[0])], [(x, less[0])]
        up = share(lin, above, more[1], jnp.where(z > 0, R, 0), self.epsilon, self.absolute)
        down = share(lin, below, less[1], jnp.where(z < 0, R, 0), self.epsilon, self.absolute)
        both = up.plus(down)
        lost = jnp.sum(jnp.where(z == 0, R, 0))
        return Shares(both.relevance, both.bias, both.stabiliser + lost)
