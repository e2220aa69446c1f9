"""Input times gradient.

A. Shrikumar, P. Greenside, A. Shcherbina, A. Kundaje, "Not Just a Black Box: Learning
Important Features Through Propagating Activation Differences", arXiv 1605.01713:

    R_i = x_i * d f(x) / d x_i
"""

from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, make_info


def input_x_gradient() -> Method:
    """The gradient times the input: the terms of a first-order expansion around zero.

    Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> x = jnp.array([1.0, 5.0])
    >>> input_x_gradient()(model, x, 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, -10.0]
    """
    return InputXGradient()


@record()
class InputXGradient:
    """See `input_x_gradient`."""

    gradient = "input"

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        return Attribution(x * gradient(model, x, target), make_info(evaluations=1))
