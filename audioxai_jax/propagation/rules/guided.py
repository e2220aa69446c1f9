"""Gradients through rectifiers as guided backpropagation and deconvolution take them.

J. Springenberg et al., "Striving for Simplicity", arXiv 1412.6806; M. Zeiler, R. Fergus,
"Visualizing and Understanding Convolutional Networks", arXiv 1311.2901.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, transposed


def guided() -> "Guided":
    """Positive gradients, where the rectifier's input is positive."""
    return Guided()


def deconvolved() -> "Deconvolved":
    """Positive gradients, whatever the rectifier's input."""
    return Deconvolved()


@record()
class Guided:
    """See `guided`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Any:
        return transposed(lin, x, w)(jnp.maximum(R, 0))


@record()
class Deconvolved:
    """See `deconvolved`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Array, R: Array) -> Any:
        return jnp.maximum(R, 0)
