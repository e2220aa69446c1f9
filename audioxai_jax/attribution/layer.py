"""Relevance of what a model computes on its way, by any method."""

from jax import Array

from audioxai_jax import propagation
from audioxai_jax.types import Attribution, Method, Model, attribute


def layer_attribution(
    method: Method, model: Model, x: Array, target: Array | int, at: str, *, key: Array
) -> tuple[Attribution, Array]:
    """Relevance of each value of the activation at a named point.

    The model from there on is explained, with the activation as its input: baselines are of its
    shape, and what reaches the output by another way, such as a residual sum, is constant.

    Args:
      method: any.
      model: one example to logits `[K]`.
      x: one example.
      target: class to explain.
      at: a point of the model, see `propagation.split`.
      key: key for methods that draw at random.

    Returns:
      Relevance shaped as the activation, and the activation.

    Raises:
      ValueError: if there is no such point; and as the method.

    >>> import jax, jax.numpy as jnp
    >>> from jax.ad_checkpoint import checkpoint_name
    >>> from audioxai_jax import input_x_gradient
    >>> model = lambda x: jnp.array([[2.0, -1.0]]) @ checkpoint_name(x**2, "squares")
    >>> found, hidden = layer_attribution(
    ...     input_x_gradient(), model, jnp.array([1.0, 3.0]), 0, "squares",
    ...     key=jax.random.key(0))
    >>> found.relevance.tolist(), hidden.tolist()
    ([2.0, -9.0], [1.0, 9.0])
    """
    activation, rest = propagation.split(model, x, at)
    return attribute(method, rest, activation, target, key=key), activation
