"""Fractions of the units that are edited, and how many units those are."""

from collections.abc import Sequence
from typing import cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.perturbation.rank import kept_count

Fractions = int | Sequence[float] | np.ndarray | Array
"""M of them in [0, 1]; or a number of equal steps S from 0 to 1, with M = S + 1."""


def unit_counts(fractions: Fractions, units: int) -> Array:
    """Units edited at each point `[M]`; -1 for a traced fraction outside [0, 1]."""
    if isinstance(fractions, Tracer):
        traced = cast(Array, fractions)
        return jnp.where((traced >= 0) & (traced <= 1), kept_count(traced, units), -1)
    points = host_fractions(fractions)
    return jnp.asarray([kept_count(float(fraction), units) for fraction in points], jnp.int32)


def host_fractions(fractions: Fractions) -> np.ndarray:
    """Fractions `[M]` as float64, on the host; S equal steps if a whole number S is given.

    Raises:
      ValueError: if they are not in [0, 1], or the list is empty.
    """
    if isinstance(fractions, int | np.integer):
        if fractions < 1:
            raise ValueError(f"at least one step is made, got {fractions}")
        return np.linspace(0, 1, int(fractions) + 1)
    points = np.asarray(fractions, float)
    if points.ndim != 1 or points.size == 0 or not np.all((points >= 0) & (points <= 1)):
        raise ValueError(f"fractions are numbers between 0 and 1, got {points.tolist()}")
    return points
