"""How units lie beside each other: in time, along an axis with an order, or in no order at all.

What is told of a domain's axes serves most: an axis in seconds is time, one with another unit,
such as Hz, has an order, and one without, such as a codec's channels, has none. A domain that knows
more has a `grid` of its own.
"""

import numpy as np

from audioxai_jax.domains.protocol import Axis, Domain, Grid


def unit_grid(domain: Domain, shape: tuple[int, ...], unit: str) -> Grid:
    """How the units of one name lie.

    Args:
      domain: domain of the features.
      shape: shape of the features.
      unit: a name, one of `domain.units(shape)`.

    Returns:
      The domain's own grid, or else that of its axes. Units that do not lie on a grid, see
      `places`, have no neighbours.

    Raises:
      ValueError: for another number of axes than the features have.
    """
    given = own_grid(domain, shape, unit)
    if given is not None:
        return given
    along = places(np.asarray(domain.units(shape)[unit]))
    if along is None:
        return Grid((None,) * len(shape))
    axes = domain.axes(shape)
    if len(axes) != len(shape):
        raise ValueError(
            f"the domain {domain.name!r} has {len(axes)} axes for features {list(shape)}: give one "
            "for each"
        )
    seconds = tuple(_seconds(axis, place) for axis, place in zip(axes, along, strict=True))
    ordered = [
        k for k, place in enumerate(along) if axes[k].unit not in ("", "s") and _rises(place)
    ]
    return Grid(seconds, tuple(ordered))


def unit_name(domain: Domain, shape: tuple[int, ...], unit: str | None) -> str:
    """Name of a domain's units; its first if None.

    Raises:
      ValueError: for an unknown name.
    """
    units = domain.units(shape)
    name = next(iter(units)) if unit is None else unit
    if name not in units:
        raise ValueError(
            f"unknown unit {name!r} of the domain {domain.name!r}: choose one of {', '.join(units)}"
        )
    return name


def named_units(domain: Domain, shape: tuple[int, ...], unit: str | None) -> np.ndarray | None:
    """Labels of a domain's units; None for each feature by itself.

    Args:
      domain: explained domain.
      shape: shape of its features.
      unit: a name; None is the domain's first.

    Raises:
      ValueError: for an unknown name.
    """
    labels = np.asarray(domain.units(shape)[unit_name(domain, shape, unit)])
    alone = labels.shape == tuple(shape) and np.array_equal(labels.ravel(), np.arange(labels.size))
    return None if alone else labels


def own_grid(domain: Domain, shape: tuple[int, ...], unit: str) -> Grid | None:
    """What the domain itself says; None if it says nothing."""
    known = getattr(domain, "grid", None)
    return None if known is None else known(shape, unit)


def places(units: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """Place of the units along each axis, by the index along it; None if they are not on a grid.

    On a grid, a label is the number of its places in the order of the last axis first.

    >>> [place.tolist() for place in places(np.array([[0, 0, 1], [2, 2, 3]]))]
    [[0, 1], [0, 0, 1]]
    >>> places(np.array([[0, 1], [1, 1]])) is None
    True
    """
    first = [units[(0,) * k + (slice(None),) + (0,) * (units.ndim - k - 1)] for k in axes_of(units)]
    along = tuple(np.unique(labels, return_inverse=True)[1].ravel() for labels in first)
    numbers = np.zeros((1,) * units.ndim, np.int64)
    for k, place in enumerate(along):
        own = place.reshape([-1 if axis == k else 1 for axis in axes_of(units)])
        numbers = numbers * (place.max() + 1) + own
    return along if np.array_equal(numbers, units) else None


def axes_of(units: np.ndarray) -> range:
    """Axes of an array."""
    return range(units.ndim)


def _seconds(axis: Axis, place: np.ndarray) -> float | None:
    """Of a unit, that in the middle of all lengths, along a time axis; None along another."""
    if axis.unit != "s" or not _rises(place):
        return None
    step = float(axis.values[-1] - axis.values[0]) / (len(axis.values) - 1)
    return step * float(np.median(np.bincount(place)))


def _rises(place: np.ndarray) -> bool:
    """Whether there are several units along an axis, one after the other."""
    return place.max() > 0 and bool(np.all(np.diff(place) >= 0))
