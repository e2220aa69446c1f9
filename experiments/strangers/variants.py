"""Ways to keep a fraction of a clip, by what is one unit, what belongs to it, and how it is ranked.

All are of a latent whose codec has cells: a cell is a band of a frame, its gain and its
coefficients.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.perturbation.hearable import hearable_scores
from audioxai_jax.perturbation.rank import kept_count, rank_positions, unit_mask, unit_scores
from experiments.strangers.ranking import chance

WIDTHS = ((0, 0), (1, 0.5), (1.6, 1), (3, 1), (1.6, 2), (5, 2))
"""Widths of the context of the hearable rank: frames, bands."""
POWERS = (0, 1, 3)
"""Powers of the size in it, beside 2."""
EDGES_HZ = (1200, 4000)
"""Frequencies below or above which a sound is that of the clip itself."""


@record(static=("bands",))
class View:
    """One clip as variants see it.

    Attributes:
      features, relevance, size: features of a latent, their relevance and size, `[F, C]`.
      key: key of random draws.
      bands: band of each channel; the first channel of a band is its gain.
    """

    features: Array
    relevance: Array
    size: Array
    key: Array
    bands: tuple[int, ...]

    @property
    def cells(self) -> np.ndarray:
        """Labels of cells `[F, C]`."""
        bands = np.asarray(self.bands)
        return np.arange(len(self.features))[:, None] * (bands.max() + 1) + bands

    @property
    def gains(self) -> np.ndarray:
        """True for channels that are gains, `[C]`."""
        return np.isin(np.arange(len(self.bands)), np.unique(self.bands, return_index=True)[1])

    def first(self, score: Array, fraction: float, units: np.ndarray) -> Array:
        """True for features of the first units, `[F, C]`."""
        count = kept_count(fraction, score.shape[0])
        return unit_mask(rank_positions(score), count, self.features.shape, units)

    def level(self) -> Array:
        """Size of each cell, `[n]`: that of its gain."""
        return self.size[:, np.flatnonzero(self.gains)].reshape(-1)


Variant = Callable[[View, float], Array]
"""`(view, fraction) -> chosen`, True for features that are kept."""


def view_of(domain: Any, features: Array, relevance: Array, key: Array) -> View:
    """The view of one clip.

    Raises:
      ValueError: for a domain without cells.
    """
    codec = getattr(domain, "codec", None)
    if getattr(codec, "cells", None) is None:
        raise ValueError(
            f"the domain {domain.name!r} has no cells: choose a classifier that reads the latents "
            "of a gain-shape codec"
        )
    return View(features, relevance, domain.size(features), key, tuple(codec.cells))


def features_alone(view: View, fraction: float) -> Array:
    units = np.arange(view.features.size).reshape(view.features.shape)
    return view.first(view.relevance.ravel(), fraction, units)


def gains_alone(view: View, fraction: float) -> Array:
    return _gains(view, fraction) & view.gains


def gains_with_all_coefficients(view: View, fraction: float) -> Array:
    return jnp.where(view.gains, _gains(view, fraction), True)


def all_gains_with_coefficients(view: View, fraction: float) -> Array:
    """Coefficients are ranked, and all gains kept."""
    places = np.flatnonzero(~view.gains)
    units = np.zeros(view.features.shape, np.int64)
    units[:, places] = np.arange(len(units) * len(places)).reshape(len(units), -1)
    chosen = view.first(view.relevance[:, places].reshape(-1), fraction, units)
    return jnp.where(view.gains, True, chosen)


def _gains(view: View, fraction: float) -> Array:
    score = view.relevance[:, np.flatnonzero(view.gains)].reshape(-1)
    return view.first(score, fraction, view.cells)


def blocks(frames: int, bands: int, rank: str = "signed") -> Variant:
    """Blocks of cells, ranked by their relevance."""

    def variant(view: View, fraction: float) -> Array:
        labels = np.asarray(view.bands) // bands
        along = np.arange(len(view.features)) // frames
        units = along[:, None] * (labels.max() + 1) + labels
        return view.first(unit_scores(view.relevance, units, rank=rank), fraction, units)

    return variant


def frames(view: View, fraction: float) -> Array:
    units = np.arange(len(view.features))[:, None]
    return view.first(unit_scores(view.relevance, units, rank="signed"), fraction, units)


def hearable(time: float, across: float, power: float) -> Variant:
    """Cells by a power of their level times the positive relevance around them."""

    def variant(view: View, fraction: float) -> Array:
        level = view.level() ** (power / 2)  # which the rank squares
        how = {"time": time, "across": across}
        return view.first(
            hearable_scores(view.relevance, level, view.cells, **how), fraction, view.cells
        )

    return variant


def magnitude(view: View, fraction: float) -> Array:
    return view.first(view.level(), fraction, view.cells)


def random(view: View, fraction: float) -> Array:
    return view.first(chance(view.key, 1, int(view.cells.max()) + 1)[0], fraction, view.cells)


VARIANTS: dict[str, Variant] = {
    "single features": features_alone,
    "gains alone, no coefficients": gains_alone,
    "gains, all coefficients": gains_with_all_coefficients,
    "coefficients, all gains": all_gains_with_coefficients,
    "cells": blocks(1, 1),
    "cells, absolute relevance": blocks(1, 1, "absolute"),
    "blocks of 2 x 2 cells": blocks(2, 2),
    "blocks of 4 x 4 cells": blocks(4, 4),
    "frames": frames,
    **{f"hearable, {t:g} frames x {a:g} bands": hearable(t, a, 2) for t, a in WIDTHS},
    **{f"hearable, 1.6 x 1, size^{power}": hearable(1.6, 1, power) for power in POWERS},
    "largest cells": magnitude,
    "random cells": random,
}


def shape_of(view: View, chosen: Array) -> dict[str, Array]:
    """How kept gains lie: mean length of their runs in frames, and the share of frames with any."""
    kept = chosen[:, np.flatnonzero(view.gains)]
    starts = kept & ~jnp.pad(kept, ((1, 0), (0, 0)))[:-1]
    run = jnp.sum(kept) / jnp.maximum(jnp.sum(starts), 1)
    return {"run": run, "frames": jnp.mean(jnp.any(kept, axis=1))}


def swapped(clip: Array, other: Array, edge: float, rate: int) -> Array:
    """The clip below a frequency in Hz, and another sound of its length above."""
    spectrum, rest = jnp.fft.rfft(clip), jnp.fft.rfft(other)
    below = np.fft.rfftfreq(clip.shape[0], 1 / rate) < edge
    return jnp.fft.irfft(jnp.where(below, spectrum, rest), clip.shape[0])


SWAPS = (
    "original",
    "codec only",
    *(f"codec only, original {side} {edge} Hz" for edge in EDGES_HZ for side in ("below", "above")),
)
"""Names of `swaps`, in the order of the table."""


def swaps(clip: Array, trip: Array, rate: int) -> dict[str, Array]:
    """The clip, the trip, and each with the other's sound on one side of an edge, by name."""
    made = [clip, trip]
    for edge in EDGES_HZ:
        made += [swapped(clip, trip, edge, rate), swapped(trip, clip, edge, rate)]
    return dict(zip(SWAPS, made, strict=True))
