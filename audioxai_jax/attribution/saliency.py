"""Saliency.

K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks: Visualising
Image Classification Models and Saliency Maps", ICLR workshop 2014, section 3:

    R_i = | d f(x) / d x_i |
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.gradients import gradient
from audioxai_jax.types import Attribution, Method, Model, make_info, record


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
    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        return Attribution(jnp.abs(gradient(model, x, target)), make_info(evaluations=1))
