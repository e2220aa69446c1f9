"""What is ranked and edited as one, and its scores: see `perturbation.rank` and `.hearable`."""

from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax.domains.grid import unit_grid, unit_name
from audioxai_jax.domains.protocol import Grid
from audioxai_jax.perturbation.hearable import mean_size, ranked_scores
from audioxai_jax.perturbation.rank import RANKS, random_scores


def units_of(domain: Any, unit: str | None, shape: tuple[int, ...]) -> tuple[np.ndarray, Grid]:
    """Labels of a unit, and how the units lie; the domain's first unit if None.

    Raises:
      ValueError: for a unit that the domain lacks.
    """
    name = unit_name(domain, shape, unit)
    return np.asarray(domain.units(shape)[name]), unit_grid(domain, shape, name)


def scores(rank: str, relevance: Array, size: Array, units: np.ndarray, grid: Grid) -> Array:
    """What units are ranked by, `[n]`.

    Args:
      rank: one of RANKS.
      relevance, size: values of the features.
      units: labels of the features.
      grid: places of the units.
    """
    return ranked_scores(relevance, units, rank=rank, size=size, grid=grid)


def largest(size: Array, units: np.ndarray, grid: Grid) -> Array:
    """Scores of the magnitude control, `[n]`: the mean size of a unit; of a cell, its level."""
    return mean_size(size, units, grid)


def chance(key: Array, draws: int, number: int) -> Array:
    """Scores of random orders, `[draws, number]`."""
    return jax.vmap(random_scores, (0, None))(jax.random.split(key, draws), number)


__all__ = ["RANKS", "chance", "largest", "scores", "units_of"]
