"""Edit: what becomes of the features that are chosen, and of all others.

To *keep* features is to put a base in place of all others; to *delete* them is to put it in
their place. Both are `mix` with a mask of zeros and ones.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.perturbation.rank import unit_mask


def mix(features: Array, mask: Array, base: Array | float) -> Array:
    """`mask * features + (1 - mask) * base`: the features where the mask is 1, else the base.

    Args:
      features: features of one sound, floating point.
      mask: values in [0, 1], of a shape that broadcasts to that of the features.
      base: values that stand for absent features, likewise.
    """
    return mask * features + (1 - mask) * base


def keep(features: Array, chosen: Array, base: Array | float) -> Array:
    """The chosen features, and the base in place of all others.

    Args:
      features: features of one sound, floating point.
      chosen: bool, of a shape that broadcasts to that of the features.
      base: values that stand for absent features, likewise.
    """
    return jnp.where(chosen, features, jnp.asarray(base, features.dtype))


def delete(features: Array, chosen: Array, base: Array | float) -> Array:
    """All features but the chosen ones, and the base in their place. Arguments: see `keep`."""
    return jnp.where(chosen, jnp.asarray(base, features.dtype), features)


EDITS: dict[str, Callable[[Array, Array, Array | float], Array]] = {"keep": keep, "delete": delete}
"""`(features, chosen, base) -> features`, by name."""


def edit_first(
    edit: str,
    features: Array,
    positions: Array,
    count: int | Array,
    base: Array | float,
    units: np.ndarray | None = None,
) -> Array:
    """The features with the first `count` units of an order kept, or deleted.

    Args:
      edit: one of EDITS.
      features: features of one sound, floating point.
      positions: positions of the units, see `rank.rank_positions`.
      count: how many; may be traced: one compilation serves every count.
      base: values that stand for absent features, of a shape that broadcasts to theirs.
      units: see `rank.unit_scores`.
    """
    chosen = unit_mask(positions, count, features.shape, units)
    return EDITS[edit](features, chosen, base)


def check_edit(edit: str) -> None:
    """Raises ValueError for an unknown edit."""
    if edit not in EDITS:
        raise ValueError(f"unknown edit {edit!r}: choose one of {', '.join(EDITS)}")
