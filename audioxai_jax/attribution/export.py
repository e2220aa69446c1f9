"""Relevance for other libraries, as NumPy arrays in their layout: channels first.

============ ============== =====================================
ours         theirs         what it is
============ ============== =====================================
[N, T]       [N, 1, T]      audio
[N, F, C]    [N, C, F]      frames of channels
[N, H, W, C] [N, C, H, W]   images, spectrograms with channels
============ ============== =====================================
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.types import Attribution


def to_captum(relevance: Any) -> np.ndarray:
    """A batch of relevance as `captum.attr` returns it: shaped as torch's input.

    Args:
      relevance: an `Attribution` of `attribute_batch`, or its relevance, `[N, T]`, `[N, F, C]` or
        `[N, H, W, C]`.

    Raises:
      ValueError: if it has another rank, or is an `Attribution` of several targets per example
        (of an array, `[N, M, T]` looks like `[N, F, C]`: take one target first).

    >>> to_captum(np.zeros((5, 100, 8))).shape
    (5, 8, 100)
    """
    if isinstance(relevance, Attribution):
        targets = jnp.shape(relevance.info["evaluations"])[1:]
        if targets:
            raise ValueError(
                f"relevance is of {targets[0]} targets per example: take one, relevance[:, i]"
            )
        relevance = relevance.relevance
    found = np.asarray(relevance)
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise ValueError(f"relevance must be an array of floats, got {found.dtype}")
    if found.ndim == 2:
        return found[:, None].copy()
    if found.ndim not in (3, 4):
        raise ValueError(
            f"relevance must be a batch [N, T], [N, F, C] or [N, H, W, C], got {list(found.shape)}"
        )
    return np.ascontiguousarray(np.moveaxis(found, -1, 1))


def to_quantus(relevance: Any) -> np.ndarray:
    """A batch of relevance as the `a_batch` of Quantus' metrics, for an `x_batch` channels first.

    Its sum over axis 1, `keepdims=True`, is taken too: Quantus then hides and shuffles
    positions with all their channels.

    Args:
      relevance: relevance, see `to_captum`.

    Raises:
      ValueError: as `to_captum`.

    >>> to_quantus(np.zeros((5, 100, 8))).shape
    (5, 8, 100)
    """
    return to_captum(relevance)
