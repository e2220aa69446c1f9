"""What is ranked and edited as one, and in which order.

Three ranks: the sum of relevance over a unit ("signed"), that of absolute values ("absolute"),
and evidence in its context ("hearable"): squared size, times the positive relevance of the unit
and its neighbours in time and frequency. So the loud surroundings of evidence come first.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.perturbation.rank import unit_number, unit_scores, unit_sizes

RANKS = ("signed", "absolute", "hearable")
CELL = "cell"
TIME, ACROSS, POWER = 1.6, 1.0, 2.0
"""Widths of the context in frames and bands (standard deviations), and power of the size."""


def units_of(domain: Any, unit: str | None, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
    """Name and labels of a unit; the domain's first if None.

    Raises:
      ValueError: for a unit that the domain lacks.
    """
    known = dict(domain.units(shape))
    cells = channel_cells(domain)
    if cells is not None and CELL not in known:
        bands = int(cells.max()) + 1
        known[CELL] = np.arange(shape[0])[:, None] * bands + cells[None]
    unit = unit or next(iter(known))
    if unit not in known:
        raise ValueError(f"unknown unit {unit!r}: the domain {domain.name} has {', '.join(known)}")
    return unit, known[unit]


def channel_cells(domain: Any) -> np.ndarray | None:
    """Band of each channel of a latent, `[C]`; None without bands. The gains come first."""
    codec = getattr(domain, "codec", None)
    cells = getattr(codec, "cells", None)
    if cells is not None:
        return np.asarray(cells)
    manifest = getattr(codec, "manifest", None) or {}
    if manifest.get("network") != "gainshape":
        return None
    known = {name for name in gainshape.GainShapeConfig.__dataclass_fields__}
    config = {name: value for name, value in manifest["config"].items() if name in known}
    return gainshape.cells(gainshape.GainShapeConfig(**config))


def unit_size(domain: Any, features: Array, base: Array, unit: str, units: np.ndarray) -> Array:
    """How large each unit is, `[n]`: the mean of |features - base|; of a cell that of its gain."""
    size = domain.size(features - base)
    if unit == CELL:
        bands = int(units[0].max()) + 1
        return size[:, :bands].reshape(-1)
    whole = unit_scores(size, units, rank="signed")
    return whole / jnp.asarray(unit_sizes(features.shape, units), whole.dtype)


def scores(
    rank: str,
    relevance: Array,
    size: Array,
    units: np.ndarray,
    *,
    time: float = TIME,
    across: float = ACROSS,
    power: float = POWER,
) -> Array:
    """What units are ranked by, `[n]`.

    Args:
      rank: one of RANKS.
      relevance: relevance of the features.
      size: size of the units, see `unit_size`.
      units: labels of the features.
      time, across: widths of the context of "hearable", in steps along time and across it.
      power: exponent of the size in "hearable".
    """
    if rank != "hearable":
        return unit_scores(relevance, units, rank=rank)
    summed = unit_scores(relevance, units, rank="signed")
    grid = grid_shape(relevance.shape, units)
    evidence = jnp.maximum(summed, 0).reshape(grid)
    for axis, width in enumerate((time, across)[: len(grid)]):
        blur = jnp.asarray(gaussian(grid[axis], width), evidence.dtype)
        evidence = jnp.moveaxis(jnp.tensordot(blur, evidence, (1, axis)), 0, axis)
    return size**power * evidence.reshape(-1)


def grid_shape(shape: tuple[int, ...], units: np.ndarray) -> tuple[int, ...]:
    """Steps along time, and units of each step; units across all time are a row of their own."""
    number = unit_number(shape, units)
    steps = shape[0] if units.shape[0] == shape[0] and number % shape[0] == 0 else 1
    return (steps, number // steps)


def gaussian(length: int, width: float) -> np.ndarray:
    """Weights of a Gaussian mean along an axis, `[length, length]`; each row's sum is 1."""
    if width == 0:
        return np.eye(length)
    distance = np.arange(length)[:, None] - np.arange(length)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    return weights / weights.sum(1, keepdims=True)


def chance(key: Array, draws: int, number: int) -> Array:
    """Scores of random orders, `[draws, number]`."""
    return jax.random.uniform(key, (draws, number))
