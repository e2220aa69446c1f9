"""LRP-0 and LRP-epsilon: in proportion to what each input contributed.

S. Bach et al., PLOS ONE 2015, equation 58:

    R_i = sum over j of  x_i w_ij / (z_j + epsilon sign(z_j))  R_j

Conserves relevance but for what bias and stabiliser take. Where contributions cancel (z near
zero) relevance grows without bound as epsilon goes to zero.
"""

from typing import Any

from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, Shares, share


def zero() -> "Epsilon":
    """LRP-0: no stabiliser; outputs of exactly zero hand nothing on."""
    return Epsilon(0.0)


def epsilon(epsilon: float = 1e-6, *, absolute: bool = False) -> "Epsilon":
    """LRP-epsilon. For `absolute` see `rules.base.stabilise`."""
    return Epsilon(epsilon, absolute)


@record(static=("epsilon", "absolute"))
class Epsilon:
    """See `zero` and `epsilon`."""

    epsilon: float
    absolute: bool = False

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        return share(lin, [(x, w)], b, R, self.epsilon, self.absolute, total=z)
