"""Segmentations: by what groups features are switched on and off.

Waveforms have too many features to be removed one by one, and one sample or one bin alone says
nothing. Perturbation methods work on groups: stretches of time, bands of frequency, boxes.

A segmentation is a hashable function `shape -> group numbers`, an integer NumPy array of that
shape with numbers 0 to G - 1. It is part of a method's structure, not an array that is traced:
the number of groups decides how often the model is evaluated, and must be known when a program
is compiled. Arrays of group numbers, broadcastable to the input, are taken as well: `custom`
keeps their bytes, so that methods with equal segmentations stay equal.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.attribution.window_sizes import Shape, few_sizes, sizes, sizes_of_axes
from audioxai_jax.core.checks import whole
from audioxai_jax.core.records import record

Segmentation = Callable[[Shape], np.ndarray]
"""`shape -> group numbers`, hashable."""


def blocks(size: int | None | Sequence[int | None]) -> Segmentation:
    """Each axis cut into blocks of a size; the last block of an axis may be smaller.

    Args:
      size: one number for all axes, or one for each of the last axes: axes before those stay
        whole. None or -1 keeps an axis whole.

    Raises:
      ValueError: if a size is not an integer above 0, None or -1; of inputs that have fewer
        axes than there are sizes.

    >>> blocks(3)((7,)).tolist()
    [0, 0, 0, 1, 1, 1, 2]
    >>> blocks((1, None))((2, 3)).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    return Blocks(sizes(size, "blocks"))


def bands(edges: Sequence[int], axis: int = -1) -> Segmentation:
    """Bands along one axis, whole along the others.

    Args:
      edges: starts of the bands, and the end of the last one: 0 first, the axis' length last.
      axis: axis of frequency, -1 for spectrograms `[frames, bins]`.

    Raises:
      ValueError: if the edges do not rise from 0; of inputs whose axis they do not fill.

    >>> bands((0, 1, 4))((2, 4)).tolist()
    [[0, 1, 1, 1], [0, 1, 1, 1]]
    """
    edges = tuple(int(edge) for edge in edges)
    if len(edges) < 2 or edges[0] != 0 or any(np.diff(edges) < 1):
        raise ValueError(f"bands: edges must rise from 0, got {edges}")
    return Bands(edges, axis)


def mel_bands(count: int, bins: int, sample_rate: float, axis: int = -1) -> Segmentation:
    """Bands of equal width on the mel scale, 2595 log10(1 + f / 700), of at least one bin each.

    Args:
      count: how many bands.
      bins: number of bins of the spectrogram, evenly spaced from 0 Hz to half the sample rate.
      sample_rate: rate of the audio, Hz.
      axis: axis of frequency, -1 for spectrograms `[frames, bins]`.

    Raises:
      ValueError: if there are more bands than bins, or no band.

    >>> mel_bands(4, 65, 16000).edges
    (0, 5, 15, 32, 65)
    """
    if not 1 <= count <= bins:
        raise ValueError(f"mel_bands: count must be 1 to {bins}, the number of bins, got {count}")
    if not sample_rate > 0:
        raise ValueError(f"mel_bands: sample_rate must be positive, got {sample_rate}")
    highest = np.log10(1 + sample_rate / 2 / 700)
    frequencies = 700 * (10 ** np.linspace(0, highest, count + 1) - 1)
    first = np.ceil(frequencies / (sample_rate / 2) * (bins - 1) - 1e-9)  # bin in each band
    edges = [0]
    for number, ideal in enumerate(first[1:-1], start=1):
        edges.append(min(max(int(ideal), edges[-1] + 1), bins - count + number))
    edges.append(bins)
    return bands(edges, axis)


def few(count: int = 16) -> Segmentation:
    """At most `count` blocks, whatever the shape; of the last axis, all in one block.

    `[T]` is cut into stretches of time, `[F, C]` into groups of frames, `[H, W, C]` into a
    square grid. If the axes before the last have length one, the last is cut instead. Of inputs
    with their channels first, `[C, T]`, it is the wrong one: give `blocks((None, size))`.

    Raises:
      ValueError: if `count` is below 1.

    >>> few(2)((6,)).tolist(), few(2)((2, 3)).tolist()
    ([0, 0, 0, 1, 1, 1], [[0, 0, 0], [1, 1, 1]])
    """
    count = whole(count, "few: count")
    return Few(count)


def custom(numbers: Any) -> Segmentation:
    """An array of group numbers, broadcastable to the input.

    Raises:
      ValueError: if it is traced, or not of whole numbers; of inputs that it does not fit.

    >>> custom([[0], [1]])((2, 3)).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    if isinstance(numbers, Tracer):
        raise ValueError(
            "segments are traced: their number decides how often the model is evaluated, so they "
            "must be known before. Pass a NumPy array from outside of jit"
        )
    numbers = np.asarray(numbers)
    if not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"segments must be whole numbers, got {numbers.dtype}")
    return Custom(numbers.astype(np.int64).tobytes(), numbers.shape)


def segmentation(segments: Any, name: str) -> Segmentation:
    """What a method's option `segments` means.

    A function is a segmentation; an integer n is `few(n)`, a tuple `blocks` of such
    sizes, and an array or list of group numbers `custom`.

    Raises:
      ValueError: naming the method, if it is neither function nor array of whole numbers.
    """
    if not callable(segments):
        try:
            if isinstance(segments, int):
                return few(segments)
            return blocks(segments) if isinstance(segments, tuple) else custom(segments)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from None
    try:
        hash(segments)
    except TypeError:
        raise ValueError(
            f"{name}: segments must be hashable, as the records that blocks and bands return are"
        ) from None
    return cast(Segmentation, segments)


@functools.lru_cache(maxsize=16)
def groups(segments: Segmentation, shape: Shape) -> tuple[np.ndarray, int]:
    """Group numbers of an input's features, int32 of its shape, and how many groups there are.

    Raises:
      ValueError: if the segmentation does not fit the shape, or its numbers are not 0 to G - 1.
    """
    numbers = np.asarray(segments(shape))
    if not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"segments must be whole numbers, got {numbers.dtype}")
    if numbers.shape != shape:
        raise ValueError(f"segments {list(numbers.shape)} do not fit the input {list(shape)}")
    if numbers.size == 0:
        raise ValueError(f"the input {list(shape)} has no features to be grouped")
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0:
        raise ValueError(f"segments are numbered from 0, got {low}")
    present = np.zeros(min(high, numbers.size) + 1, bool)
    present[numbers[numbers < len(present)]] = True
    if not present.all():
        gap = int(np.argmin(present))
        raise ValueError(
            f"segments are numbered without gaps, but no feature is in group {gap} of 0 to {high}"
        )
    numbers = np.array(numbers, np.int32)
    numbers.setflags(write=False)
    return numbers, high + 1


def in_groups(present: Array, segments: Segmentation, shape: Shape) -> Array:
    """A value for each group, `[G]`, given to all of its features."""
    return present[jnp.asarray(groups(segments, shape)[0])]


@record(static=("size",))
class Blocks:
    """See `blocks`."""

    size: Any

    def __call__(self, shape: Shape) -> np.ndarray:
        each = sizes_of_axes(self.size, shape, "blocks")
        numbers = np.zeros(shape, np.int32)
        for axis, (length, size) in enumerate(zip(shape, each, strict=True)):
            own = np.arange(length, dtype=np.int32) // max(size, 1)
            number_of = -(-length // max(size, 1))
            numbers = numbers * number_of + own.reshape(-1, *(1,) * (len(shape) - axis - 1))
        return numbers


@record(static=("edges", "axis"))
class Bands:
    """See `bands`."""

    edges: tuple[int, ...]
    axis: int

    def __call__(self, shape: Shape) -> np.ndarray:
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"bands: the input {list(shape)} has no axis {self.axis}")
        if shape[self.axis] != self.edges[-1]:
            raise ValueError(
                f"bands: the edges end at {self.edges[-1]}, but axis {self.axis} of the input "
                f"{list(shape)} has length {shape[self.axis]}"
            )
        own = np.repeat(np.arange(len(self.edges) - 1, dtype=np.int32), np.diff(self.edges))
        behind = len(shape) - 1 - self.axis % len(shape)
        return np.broadcast_to(own.reshape(-1, *(1,) * behind), shape)


@record(static=("count",))
class Few:
    """See `few`."""

    count: int

    def __call__(self, shape: Shape) -> np.ndarray:
        return Blocks(few_sizes(shape, self.count))(shape)


@record(static=("values", "shape"))
class Custom:
    """See `custom`."""

    values: bytes
    shape: Shape

    def __call__(self, shape: Shape) -> np.ndarray:
        numbers = np.frombuffer(self.values, np.int64).reshape(self.shape)
        try:
            return np.broadcast_to(numbers, shape)
        except ValueError:
            raise ValueError(
                f"segments {list(self.shape)} do not fit the input {list(shape)}: they must "
                "broadcast to it"
            ) from None
