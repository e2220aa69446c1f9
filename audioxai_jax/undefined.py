"""NaN and infinity are values here: of what is not known, not defined, or not applicable.

Whether a result can be trusted is a field of it (`finite`). JAX's own checks would raise for
every gap of a method that promises no completeness, so they are off while the library computes.
"""

import contextlib
from collections.abc import Iterator

import jax
import numpy as np
from jax import Array


@contextlib.contextmanager
def nan_is_a_value() -> Iterator[None]:
    """`jax_debug_nans` and `jax_debug_infs` are off within; a context, or a decorator."""
    with jax.debug_nans(False), jax.debug_infs(False):
        yield


def constant(value: Array | float, dtype: np.dtype) -> Array:
    """The value as an array; a number is computed from nothing, so that nothing checks it."""
    if isinstance(value, (int, float)):
        return jax.device_put(np.asarray(value, dtype))
    return jax.numpy.asarray(value, dtype)
