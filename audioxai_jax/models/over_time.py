"""Models with outputs per frame, as voice activity, pitch and tagging over time have: one answer.

Each wrapper returns a model of logits `[K]` from one of `[F, K]`: over a span of frames, or over
all of them the mean or the largest.
"""

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, as_model
from audioxai_jax.types import Model


def frames(model: Model, start: int, stop: int) -> Model:
    """The mean over a span of frames, of a model with logits per frame.

    Args:
      model: one example to logits `[F, K]`.
      start, stop: frames start, .., stop - 1.

    Raises:
      ValueError: if the span is empty; when called, if it is not within the frames.

    >>> frames(lambda x: x, 1, 3)(jnp.array([[9.0], [1.0], [2.0]])).tolist()
    [1.5]
    """
    if not 0 <= start < stop:
        raise ValueError(f"frames: from {start} to {stop} is not a span: need 0 <= start < stop")
    return Partial(_frames, as_model(model), Static((start, stop)))


def mean_over_time(model: Model) -> Model:
    """The mean over all frames: how much of a clip an output holds.

    Args:
      model: one example to logits `[F, K]`.

    Raises:
      ValueError: when called, for outputs that are not `[F, K]`.

    >>> mean_over_time(lambda x: x)(jnp.array([[9.0], [1.0], [2.0]])).tolist()
    [4.0]
    """
    return Partial(_mean, as_model(model))


def maximum_over_time(model: Model) -> Model:
    """The largest of all frames, of each output by itself: whether it holds at any time.

    The gradient is that of the frame where it is largest, of equals the mean.

    Args:
      model: one example to logits `[F, K]`.

    Raises:
      ValueError: when called, for outputs that are not `[F, K]`.

    >>> maximum_over_time(lambda x: x)(jnp.array([[9.0, 0.0], [1.0, 3.0]])).tolist()
    [9.0, 3.0]
    """
    return Partial(_maximum, as_model(model))


def _frames(model: Model, span: Static, x: Array) -> Array:
    logits, (start, stop) = per_frame(model(x), "frames"), span.value  # type: ignore[misc]
    if stop > len(logits):
        raise ValueError(f"frames: {start} to {stop} is not within the {len(logits)} frames")
    return jnp.mean(logits[start:stop], axis=0)


def _mean(model: Model, x: Array) -> Array:
    return jnp.mean(per_frame(model(x), "mean_over_time"), axis=0)


def _maximum(model: Model, x: Array) -> Array:
    return jnp.max(per_frame(model(x), "maximum_over_time"), axis=0)


def per_frame(logits: Array, who: str) -> Array:
    """Outputs of frames, as they are.

    Raises:
      ValueError: for another shape than `[F, K]`, or without a frame.
    """
    if logits.ndim != 2:
        raise ValueError(
            f"{who}: the model must return logits [F, K] per frame, got {list(logits.shape)}"
        )
    if not len(logits):
        raise ValueError(f"{who}: the model returned logits of 0 frames: give a longer clip")
    return logits
