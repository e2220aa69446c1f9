"""LRP-alpha-beta: positive and negative contributions shared out apart.

S. Bach et al., PLOS ONE 2015, equation 60:

    R_i = sum over j of  (alpha p_ij / p_j - beta n_ij / n_j) R_j

with p_ij and n_ij the positive and negative parts of x_i w_ij, for inputs of either sign, and
alpha - beta = 1. z+ is alpha 1, beta 0. Conserves relevance but for bias and stabiliser, if
every output with relevance has contributions of both signs (z+: positive ones).
"""

from typing import Any

from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import WEIGHTED, Linear, Shares, negative, positive, share


def alpha_beta(
    alpha: float = 2.0, beta: float = 1.0, *, epsilon: float = 1e-6, absolute: bool = False
) -> "AlphaBeta":
    """LRP-alpha-beta.

    Raises:
      ValueError: if a factor is negative, or alpha - beta is not 1.
    """
    if alpha < 0 or beta < 0 or abs(alpha - beta - 1) > 1e-9:
        raise ValueError(
            f"alpha_beta({alpha}, {beta}): both must be at least 0 and alpha - beta must be 1, "
            "or relevance is not conserved"
        )
    return AlphaBeta(alpha, beta, epsilon, absolute)


def z_plus(*, epsilon: float = 1e-6, absolute: bool = False) -> "AlphaBeta":
    """LRP-z+: positive contributions only."""
    return AlphaBeta(1.0, 0.0, epsilon, absolute)


@record(static=("alpha", "beta", "epsilon", "absolute", "signed"))
class AlphaBeta:
    """See `alpha_beta` and `z_plus`."""

    kinds = WEIGHTED
    alpha: float
    beta: float
    epsilon: float
    absolute: bool = False
    signed: bool = True

    def for_nonnegative(self) -> "AlphaBeta":
        """The same rule for inputs that are known to have no negative values."""
        return AlphaBeta(self.alpha, self.beta, self.epsilon, self.absolute, signed=False)

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        ups, downs = [(x, positive(w))], [(x, negative(w))]
        if self.signed:
            ups = [(positive(x), positive(w)), (negative(x), negative(w))]
            downs = [(positive(x), negative(w)), (negative(x), positive(w))]
        options = R, self.epsilon, self.absolute
        found = share(lin, ups, positive(b), *options).times(self.alpha)
        if self.beta:
            found = found.plus(share(lin, downs, negative(b), *options).times(-self.beta))
        return found
