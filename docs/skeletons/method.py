"""A new method: audioxai_jax/attribution/my_method.py, and a row of METHODS.

A. Author, "The paper that proposed it", venue and year, equation:

    R_i = x_i | d f(x) / d x_i |
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, make_info


def my_method() -> Method:
    """The input, weighted by the magnitude of the gradient.

    Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> my_method()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 2.0]
    """
    return MyMethod()


@record()
class MyMethod:
    """See `my_method`. Options are fields: arrays are leaves, the rest `record(static=...)`."""

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        relevance = x * jnp.abs(gradient(model, x, target))
        return Attribution(relevance, make_info(evaluations=1))
