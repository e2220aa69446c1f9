"""JAX's strict settings are for the code that one writes oneself; within the library they are off.

NaN and infinity are values here: they mean unknown, undefined, or not applicable. Whether
a result can be trusted is a field of it (`finite`). `jax_debug_nans` would raise for every gap
of a method that promises no completeness. So would `jax_numpy_rank_promotion` and
`jax_numpy_dtype_promotion` for sums that are meant as they stand.
"""

import contextlib
from collections.abc import Iterator

import jax
import numpy as np
from jax import Array


@contextlib.contextmanager
def relaxed() -> Iterator[None]:
    """NaN passes, ranks and dtypes are promoted; a context, or a decorator."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.debug_nans(False))
        stack.enter_context(jax.debug_infs(False))
        stack.enter_context(jax.numpy_rank_promotion("allow"))
        stack.enter_context(jax.numpy_dtype_promotion("standard"))
        yield


def constant(value: Array | float, dtype: np.dtype) -> Array:
    """The value as an array; a number is computed from nothing, so that nothing checks it."""
    if isinstance(value, (int, float)):
        return jax.device_put(np.asarray(value, dtype))
    return jax.numpy.asarray(value, dtype)
