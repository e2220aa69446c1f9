"""Grad-CAM.

R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based
Localization", ICCV 2017, equations 1 and 2. With the activation A `[.., C]` at a layer:

    w_c = mean over positions p of  d f(x) / d A_pc            map_p = max(0, sum_c w_c A_pc)
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax import lrp
from audioxai_jax.gradients import gradient
from audioxai_jax.records import record
from audioxai_jax.types import Attribution, Method, Model, make_info


def grad_cam(at: str | None = None) -> Method:
    """Where in the input a convolution sees what speaks for the target. Never negative.

    The map has a value for each position of the layer. It is interpolated linearly (positions
    are the middles of equal parts) to all axes of the input but its channels, the last axis,
    and each channel gets the value of its position. If the map has as many axes as the input,
    then the input has no channels: audio `[T]`, or a spectrogram that is read as an image.
    `class_map` is the map itself.

    Args:
      at: a point of the model, see `lrp.split`, with an activation `[.., C]`, channels last; the
        last convolution with its bias, before its activation function, if None.

    Returns a `Method`; it needs no key.

    Raises:
      ValueError: when called, if there is no such point or no convolution, or its map does not
        fit the input.

    >>> import jax, jax.numpy as jnp
    >>> from jax.ad_checkpoint import checkpoint_name
    >>> model = lambda x: jnp.array([1.0, -1.0]) @ checkpoint_name(x, "h").sum(0)[:, None]
    >>> x = jnp.array([[3.0, 1.0], [0.0, 5.0]])
    >>> grad_cam("h")(model, x, 0, key=jax.random.key(0)).relevance.tolist()
    [[2.0, 2.0], [0.0, 0.0]]
    """
    return GradCam(at)


@record(static=("at",))
class GradCam:
    at: str | None

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        del key
        relevance = to_input(class_map(model, x, target, self.at), x)
        return Attribution(relevance, make_info(evaluations=1))


def class_map(model: Model, x: Array, target: Array | int, at: str | None = None) -> Array:
    """Grad-CAM at the layer itself: a value for each position, the activation's axes but the last.

    Raises:
      ValueError: if there is no such point or no convolution, or the activation has no positions.
    """
    if at is None:
        activation, rest = lrp.split_last(model, x, "conv")
    else:
        activation, rest = lrp.split(model, x, at)
    if activation.ndim < 2:
        raise ValueError(
            f"grad_cam: the activation {list(activation.shape)} has no positions: name a point "
            "whose activation is [.., C], channels last"
        )
    slope = gradient(rest, activation, target)
    weights = jnp.mean(slope, axis=tuple(range(slope.ndim - 1)))
    return jax.nn.relu(activation @ weights)


def to_input(found: Array, x: Array) -> Array:
    """A map over positions in the input's shape, as `grad_cam` says.

    Raises:
      ValueError: if it has more axes than the input, or fewer than all but the channels.
    """
    shape = found.shape
    most = x.ndim - 1  # axes of positions; once an axis of examples is off, the input's own
    while max(1, most) < found.ndim and found.shape[0] == 1:
        found, most = found[0], x.ndim
    if found.ndim not in (x.ndim, x.ndim - 1):
        raise ValueError(
            f"grad_cam: the map {list(shape)} does not fit the input {list(x.shape)}: it must have "
            "as many axes, or one less where the last one is channels"
        )
    wanted = x.shape[: found.ndim]
    resized = jax.image.resize(found, wanted, "linear", antialias=False).astype(x.dtype)
    resized = resized if resized.ndim == x.ndim else resized[..., None]
    return jnp.broadcast_to(resized, x.shape)
