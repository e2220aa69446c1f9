"""The softmax of AttnLRP (arXiv 2402.05602, proposition 3.1), a first-order Taylor expansion:

    R_i = x_i (R_i - s_i sum over j of R_j)

It does not conserve relevance: what the expansion leaves at x = 0 counts as bias.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, Shares, divide, transposed


def taylor() -> "Taylor":
    """First-order Taylor expansion at the input of any function, by its gradient."""
    return Taylor()


@record()
class Taylor:
    """See `taylor`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Shares:
        s = divide(R, z)
        # the largest numbers there are, as masks have them, overflow where nothing else is left
        finite = jnp.where(jnp.abs(x) < jnp.finfo(x.dtype).max / 4, x, 0)
        _, linear = jax.jvp(lambda x: lin(x, w), (x,), (finite,))
        relevance = finite * transposed(lin, x, w)(s)
        return Shares(relevance, bias=jnp.sum((z - linear) * s))
