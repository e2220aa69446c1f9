"""Answers: where relevance has to lie, in any domain whose axes they know."""

import dataclasses

import jax
import numpy as np

from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.truth.record import Trial

EVERYWHERE = (-np.inf, np.inf, -np.inf, np.inf)


@dataclasses.dataclass(frozen=True, eq=False)
class Boxes:
    """Spans of time and frequency.

    Attributes:
      inside: boxes of each clip, from and to in s, from and to in Hz, `[N, K, 4]`; infinite where
        they do not end, NaN for a box that a clip lacks.
      left_out: boxes that count neither way, the same, or None.
    """

    inside: np.ndarray
    left_out: np.ndarray | None = None

    def masks(self, trial: Trial) -> np.ndarray:
        """See `Answer`; a box bounded along an axis that the domain lacks is refused."""
        domain = _domain(trial)
        axes = merged_axes(domain, feature_shape(trial))
        masks = _in_any(self.inside, axes, domain.name).astype(np.int8)
        if self.left_out is not None:
            masks[_in_any(self.left_out, axes, domain.name) & (masks == 0)] = -1
        return masks


@dataclasses.dataclass(frozen=True, eq=False)
class Masks:
    """Masks of the trial's own features, int8 `[N, ..]`: 1 inside, 0 outside, -1 left out."""

    values: np.ndarray

    def masks(self, trial: Trial) -> np.ndarray:
        shape = merged_shape(trial)
        if self.values.shape[1:] != shape:
            raise ValueError(
                f"the answer is known for features {list(self.values.shape[1:])}, the domain's "
                f"are {list(shape)}: it is known in one domain alone"
            )
        return self.values


@dataclasses.dataclass(frozen=True, eq=False)
class Exact:
    """Relevance itself.

    Attributes:
      relevance: relevance of each example's features, `[N, ..]`.
      inside: masks as of `Masks`, for the other scores; where it is not 0 if None.
    """

    relevance: np.ndarray
    inside: np.ndarray | None = None

    def masks(self, trial: Trial) -> np.ndarray:
        del trial
        if self.inside is not None:
            return self.inside
        return (self.relevance != 0).astype(np.int8)


def feature_shape(trial: Trial) -> tuple[int, ...]:
    """Shape of one example's features, parts of complex values included; nothing is computed."""
    first = jax.tree.map(lambda leaf: leaf[0], trial.examples)
    return jax.eval_shape(lambda example: trial.view(example)[1], first).shape


def merged_axes(domain: Domain, shape: tuple[int, ...]) -> tuple[Axis, ...]:
    """Axes of features of a shape, without that of the parts of complex values."""
    axes = domain.axes(shape)
    return axes[:-1] if axes[-1].name == "part" else axes


def merged_shape(trial: Trial) -> tuple[int, ...]:
    """Shape of one example's merged features; nothing is computed."""
    first = jax.tree.map(lambda leaf: leaf[0], trial.examples)
    return jax.eval_shape(lambda example: trial.view.merge(trial.view(example)[1]), first).shape


def cut(domain: Domain, shape: tuple[int, ...], seconds: float | None, hertz: float | None):
    """Labels of segments of merged features, int32: so long in time, so wide in frequency.

    An axis of neither is not cut; None leaves time or frequency whole. Segments begin at 0 s and
    0 Hz; what lies before joins the first, and a last one of less than half its width (the bin at
    half the sample rate, a frame behind the end) joins the one before.

    Args:
      domain: domain of the features.
      shape: shape of the features as they are, parts of complex values included.
      seconds, hertz: size of a segment.
    """
    axes = merged_axes(domain, shape)
    shape = tuple(len(axis.values) for axis in axes)
    labels, count = np.zeros(shape, np.int32), 1
    for index, axis in enumerate(axes):
        step = {"time": seconds, "frequency": hertz}.get(axis.name)
        if step is None:
            continue
        parts = np.floor(np.maximum(axis.values, 0) / step + 1e-9).astype(np.int32)
        last = parts.max()
        if 0 < 2 * np.sum(parts == last) < np.sum(parts == last - 1):
            parts[parts == last] = last - 1
        parts = np.unique(parts, return_inverse=True)[1]
        along = parts.reshape([-1 if i == index else 1 for i in range(len(shape))])
        labels, count = labels * (parts.max() + 1) + along, count * (parts.max() + 1)
    return np.unique(labels, return_inverse=True)[1].reshape(shape).astype(np.int32)


def _domain(trial: Trial) -> Domain:
    domain = getattr(trial.view, "domain", None)
    if domain is None:
        raise ValueError("boxes of time and frequency need examples that are sounds")
    return domain


def _in_any(boxes: np.ndarray, axes: tuple[Axis, ...], name: str) -> np.ndarray:
    """Whether each feature lies in any of a clip's boxes, `[N, ..]`."""
    total = np.zeros((len(boxes), *(len(axis.values) for axis in axes)), bool)
    for box in np.moveaxis(boxes, 1, 0):
        inside = np.ones(total.shape, bool)
        for kind, ends in (("time", box[:, :2]), ("frequency", box[:, 2:])):
            places = [i for i, axis in enumerate(axes) if axis.name == kind]
            if not places and np.isfinite(ends).any():
                raise ValueError(f"the answer is a span of {kind}, domain {name} has no such axis")
            for place in places:
                values = axes[place].values
                hit = (values >= ends[:, :1]) & (values < ends[:, 1:])
                wide = [len(boxes), *(-1 if i == place else 1 for i in range(len(axes)))]
                inside &= hit.reshape(wide)
        total |= inside & ~np.isnan(box).any(axis=1).reshape(-1, *[1] * len(axes))
    return total
