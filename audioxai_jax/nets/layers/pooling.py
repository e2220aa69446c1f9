"""Max-pooling with stride 2, as Caffe does it, fast on CPU."""

import jax
import jax.numpy as jnp
from jax import Array


def halve(x: Array, window: int, axis: int = 0) -> Array:
    """Maxima of windows at every second place: T places become `ceil((T - window) / 2) + 1`.

    The last window may be shorter ("ceil" pooling). Of equals the first wins, also in the
    gradient. Slices are compared one by one, which is several times faster on CPU than
    `lax.reduce_window`. In two dimensions, one axis after the other.

    Args:
      x: any array.
      window: places that are compared.
      axis: axis to halve.
    """
    length = x.shape[axis]
    places = -(-(length - window) // 2) + 1
    missing = 2 * (places - 1) + window - length
    if missing:  # a repeated value never wins
        last = jax.lax.slice_in_dim(x, length - 1, length, axis=axis)
        x = jnp.concatenate([x, *[last] * missing], axis)
    span = 2 * places - 1
    best = jax.lax.slice_in_dim(x, 0, span, 2, axis)
    for start in range(1, window):
        rival = jax.lax.slice_in_dim(x, start, start + span, 2, axis)
        best = jnp.where(best >= rival, best, rival)
    return best
