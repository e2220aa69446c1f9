"""Magnitudes and norms with the derivatives that their frameworks have: 0 at 0.

PyTorch and TensorFlow take 0 for the derivative of |x|, of |z| and of a norm at 0. Written out
as a square root of squares it would be infinity times 0, a NaN that spoils all features of a clip
with silence in it. Rules of LRP see what is written out, as before.
"""

from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_jvp
def root_of_squares(power: Any) -> Any:
    """The square root of a sum of squares; its derivative at 0 is 0."""
    return jnp.sqrt(power)


@root_of_squares.defjvp
def _root_derivative(operands: Any, tangents: Any) -> Any:
    (power,), (tangent,) = operands, tangents
    silent = power == 0
    slope = 0.5 / jnp.sqrt(jnp.where(silent, 1, power))
    return root_of_squares(power), jnp.where(silent, 0, slope) * tangent


def magnitude(x: Any) -> Any:
    """|x| of real values; of floating point the derivative at 0 is 0, where JAX has 1."""
    return _magnitude(x) if jnp.issubdtype(x.dtype, jnp.floating) else jnp.abs(x)


@jax.custom_jvp
def _magnitude(x: Any) -> Any:
    return jnp.abs(x)


@_magnitude.defjvp
def _magnitude_derivative(operands: Any, tangents: Any) -> Any:
    (x,), (tangent,) = operands, tangents
    return _magnitude(x), jnp.sign(x) * tangent
