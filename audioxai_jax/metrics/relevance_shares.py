"""Which share of relevance lies where: in bands of frequency, in spans of time."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked


@checked
def shares(relevance: Array, places: np.ndarray, edges: Sequence[float], axis: int = -1) -> Array:
    """Share of the positive relevance in each interval along one axis.

        s_i = sum of ReLU(R) over edges[i] <= place < edges[i + 1], over the sum of ReLU(R)

    Evidence against the class is left out: shares of signed sums can be of any size.

    Args:
      relevance: `[..]`, one example.
      places: position of each entry along the axis, e.g. in Hz, `[n]`.
      edges: rising, I + 1 of them. What lies outside counts in the sum only.
      axis: axis of `relevance`.

    Returns:
      `[I]`, each in [0, 1]; NaN if no relevance is positive.

    Raises:
      ValueError: for places that do not fit the axis, or edges that do not rise.
    """
    places, limits = np.asarray(places), np.asarray(edges, float)
    if places.shape != (relevance.shape[axis],):
        raise ValueError(
            f"{list(places.shape)} places for an axis of {relevance.shape[axis]} entries"
        )
    if limits.ndim != 1 or limits.size < 2 or not np.all(np.diff(limits) > 0):
        raise ValueError(f"edges must rise, two or more of them, got {limits.tolist()}")
    positive = jnp.maximum(relevance, 0)
    along = jnp.sum(positive, axis=tuple(set(range(relevance.ndim)) - {axis % relevance.ndim}))
    inside = (places >= limits[:-1, None]) & (places < limits[1:, None])
    total = jnp.sum(along)
    return jnp.where(total > 0, jnp.sum(jnp.where(inside, along, 0), axis=1) / total, jnp.nan)
