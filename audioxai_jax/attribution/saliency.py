"""Saliency.

K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks: Visualising
Image Classification Models and Saliency Maps", ICLR workshop 2014, section 3:

    R_i = | d f(x) / d x_i |

The gradient itself, which keeps its sign, is a method of its own: `signed_gradient`.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, make_info


def saliency() -> Method:
    """The magnitude of the gradient: where a small change would change the logit most.

    Never negative. Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> saliency()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 2.0]
    """
    return Saliency()


@record()
class Saliency:
    """See `saliency`."""

    gradient = "input"

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        return Attribution(jnp.abs(gradient(model, x, target)), make_info(evaluations=1))


def signed_gradient() -> Method:
    """The gradient: positive where more of a feature would raise the logit.

    Returns a `Method`; it needs no key.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> signed_gradient()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, -2.0]
    """
    return SignedGradient()


@record()
class SignedGradient:
    """See `signed_gradient`."""

    gradient = "input"

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        return Attribution(gradient(model, x, target), make_info(evaluations=1))
