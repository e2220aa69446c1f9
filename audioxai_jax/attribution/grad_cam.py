"""Grad-CAM.

R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based
Localization", ICCV 2017, equations 1 and 2. With the activation A at a layer, of channels c and
positions p, whatever the order of its axes:

    w_c = mean over positions p of  d f(x) / d A_pc            map_p = max(0, sum_c w_c A_pc)
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax import propagation
from audioxai_jax.core.checks import WrongType, kind, whole
from audioxai_jax.core.records import record
from audioxai_jax.propagation import layout
from audioxai_jax.tracing.gradient_flow import gradient
from audioxai_jax.types import Attribution, Method, Model, make_info


def grad_cam(at: str | None = None, *, channel_axis: int | None = None) -> Method:
    """Where in the input a convolution sees what speaks for the target. Never negative.

    The map has a value for each position of the layer. Each of its axes is interpolated linearly
    (positions are the middles of equal parts) to the axis of the input that it goes along, found
    in the code of the model, which may also have joined several on one; where that cannot be
    told, to the first that is left. Along all other axes of the input, such as its channels, the
    map is the same. `class_map` is the map itself.

    Args:
      at: a point of the model, see `propagation.split`; the last convolution with its bias, before
        its activation function, if None.
      channel_axis: axis of the activation's channels, such as 0 or -1. If None, it is that of the
        convolution that the activation comes from, and the last one where there is none.

    Returns a `Method`; it needs no key.

    Raises:
      TypeError: for a point that is not named by a text, or an axis that is not an integer.
      ValueError: when called, if there is no such point or no convolution, its map does not fit
        the input, or its positions are parts of axes that cannot be put together again.

    >>> import jax, jax.numpy as jnp
    >>> from jax.ad_checkpoint import checkpoint_name
    >>> model = lambda x: jnp.array([1.0, -1.0]) @ checkpoint_name(x, "h").sum(0)[:, None]
    >>> x = jnp.array([[3.0, 1.0], [0.0, 5.0]])
    >>> grad_cam("h")(model, x, 0, key=jax.random.key(0)).relevance.tolist()
    [[2.0, 2.0], [0.0, 0.0]]
    """
    if at is not None and not isinstance(at, str):
        raise WrongType(f"grad_cam: at must be the name of a point, got {kind(at)}")
    return GradCam(at, _checked_axis(channel_axis))


@record(static=("at", "channel_axis"))
class GradCam:
    """See `grad_cam`."""

    at: str | None
    channel_axis: int | None

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        found, axes = _map(model, x, target, self.at, self.channel_axis)
        relevance = to_input(found, x, axes)
        return Attribution(relevance, make_info(evaluations=1))


def class_map(
    model: Model,
    x: Array,
    target: Array | int,
    at: str | None = None,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Grad-CAM at the layer itself: a value for each position, the activation without channels.

    Raises:
      ValueError: if there is no such point or no convolution, or the activation has no positions.
    """
    return _map(model, x, target, at, channel_axis)[0]


def to_input(found: Array, x: Array, axes: Sequence[int | None] | None = None) -> Array:
    """A map over positions in the input's shape, as `grad_cam` says.

    Args:
      axes: axis of the input for each axis of the map, None where that is not known; all None if
        left out.

    Raises:
      ValueError: if the map has an axis for which the input has none.
    """
    known: list[int | None] = [None] * found.ndim if axes is None else list(axes)
    shape, kept = found.shape, range(found.ndim)
    free = [axis for axis in range(x.ndim) if axis not in known]
    unknown = [place for place in kept if known[place] is None]
    # axes of examples come first, and of length one
    surplus = [place for place in unknown if shape[place] == 1]
    surplus = surplus[: max(0, len(unknown) - _room(x, free, known))]
    kept = [place for place in kept if place not in surplus]
    free = free[: len(unknown) - len(surplus)]
    if len(free) < len(unknown) - len(surplus):
        raise ValueError(
            f"grad_cam: the map {list(shape)} does not fit the input {list(x.shape)}: each of its "
            "axes must go along one of the input's own. Explain in a domain of time and "
            "frequency (domains.time_frequency, --domain time_frequency), name a point of the "
            "model with fewer axes of positions (at=), or use another method, such as lrp or "
            "occlusion"
        )
    rest = iter(free)
    places = [next(rest) if (axis := known[i]) is None else axis for i in kept]
    order = sorted(range(len(kept)), key=lambda i: places[i])
    found = jnp.transpose(found.reshape([shape[i] for i in kept]), order)
    wanted = [x.shape[axis] if axis in places else 1 for axis in range(x.ndim)]
    found = jnp.expand_dims(found, [axis for axis in range(x.ndim) if axis not in places])
    resized = jax.image.resize(found, wanted, "linear", antialias=False).astype(x.dtype)
    return jnp.broadcast_to(resized, x.shape)


def _room(x: Array, free: list[int], known: list[int | None]) -> int:
    """How many axes of unknown positions there can be, if the input's last one is of channels."""
    channels = x.ndim > 1 and x.ndim - 1 in free and all(one is None for one in known)
    return max(1, len(free) - channels) if free else 0


def _map(
    model: Model, x: Array, target: Array | int, at: str | None, channel_axis: int | None
) -> tuple[Array, tuple[int | None, ...]]:
    """The map, and the axis of the input that each of its axes goes along, if it is known."""
    activation, rest, axes = propagation.split_with_axes(model, x, at, "conv")
    if activation.ndim < 2:
        raise ValueError(
            f"grad_cam: the activation {list(activation.shape)} has no positions: name a point "
            "whose activation has channels and positions"
        )
    channels = _channels(activation, axes, _checked_axis(channel_axis))
    slope = gradient(rest, activation, target)
    positions = tuple(i for i in range(activation.ndim) if i not in channels)
    weights = jnp.mean(slope, axis=positions, keepdims=True)
    found = jax.nn.relu(jnp.sum(activation * weights, axis=channels))
    known, shape = layout.opened(tuple(axes[i] for i in positions), found.shape)
    mixed = any(isinstance(one, layout.Joined) or one == layout.CHANNEL for one in known)
    if mixed or not layout.in_order(known):
        raise ValueError(
            f"grad_cam: the positions {list(found.shape)} of this point have several axes on one, "
            "or parts of an axis without the rest: name a point before they were reshaped, and "
            "explain in the domain that the classifier reads"
        )
    known, order, sizes = layout.merged(known, shape)
    found = found.reshape(shape)
    found = jnp.transpose(found, order).reshape(sizes)
    return found, tuple(one.axis if isinstance(one, layout.Along) else None for one in known)


def _checked_axis(axis: Any) -> int | None:
    return None if axis is None else whole(axis, "grad_cam: channel_axis", None)


def _channels(activation: Array, axes: layout.Axes, asked: int | None) -> tuple[int, ...]:
    if asked is not None:
        if not -activation.ndim <= asked < activation.ndim:
            raise ValueError(
                f"grad_cam: channel_axis {asked} is not an axis of the activation "
                f"{list(activation.shape)}"
            )
        return (asked % activation.ndim,)
    found = tuple(i for i, one in enumerate(axes) if one == layout.CHANNEL)
    return found if 0 < len(found) < activation.ndim else (activation.ndim - 1,)
