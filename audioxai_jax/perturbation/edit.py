"""Edit: what becomes of the features that are chosen, and of all others."""

from jax import Array


def mix(features: Array, mask: Array, base: Array) -> Array:
    """`mask * features + (1 - mask) * base`: the features where the mask is 1, else the base.

    Args:
      features: of one sound, floating point.
      mask: in [0, 1], of a shape that broadcasts to that of the features.
      base: what stands for absent features, likewise.
    """
    return mask * features + (1 - mask) * base
