"""Which operation of a model first makes a number that is not finite."""

from typing import Any

from jax import Array

from audioxai_jax.types import Model


def named(model: Model, x: Array, target: Any) -> str:
    """Such as "div at model.py:12 (normalise)"; "" if it is not known.

    Args:
      model: a pytree, one input to outputs `[K]`.
      x: the input.
      target: output whose gradient is meant; None for the outputs themselves.
    """
    return ""
