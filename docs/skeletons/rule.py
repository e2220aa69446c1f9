"""A new rule: audioxai_jax/propagation/rules/my_rule.py, and a row of RULES.

A. Author, "The paper that proposed it", venue and year, equation:

    R_i = sum over j of  |x_i w_ij| / (sum over i of |x_i w_ij| + |b_j|)  R_j

Conserves relevance but for what the bias takes.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import WEIGHTED, Linear, Shares, share


def my_rule() -> "MyRule":
    """Relevance in proportion to the magnitude of each contribution."""
    return MyRule()


@record()
class MyRule:
    """See `my_rule`."""

    kinds = WEIGHTED  # the operations that it is for

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        return share(lin, [(jnp.abs(x), jnp.abs(w))], jnp.abs(b), R, epsilon=0.0)
