"""Long clips: a classifier of one second becomes a model of features of any length."""

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, as_model

WINDOWS = 8
"""Windows that are evaluated at once, which bounds the memory that a long clip needs."""


class Reader(Protocol):
    """What is asked of a `Classifier` here."""

    @property
    def model(self) -> Callable[[Array], Array]: ...

    @property
    def labels(self) -> tuple[str, ...] | None: ...

    @property
    def frames(self) -> int | None: ...

    @property
    def background(self) -> tuple[str, ...]: ...

    @property
    def outputs(self) -> str | None: ...


def windowed(classifier: Reader) -> Callable[[Array], Array]:
    """A model of features `[F, ..]` of any length F, from one that reads fixed windows.

    Windows of `classifier.frames` overlap by half. A class is heard in a clip if it is
    heard in any window, so its logit is the largest over the windows; a background class
    such as silence only holds if it holds in every window, so its logit is the smallest. A
    value, which is not a class, is the mean over the windows.
    A clip of one window gets the classifier's own logits. Shorter features are an error:
    pad the audio with zeros first.

    Returns:
      `features [F, ..] -> logits [K]`; the classifier's model itself if it reads any length.
    """
    if classifier.frames is None:
        return classifier.model
    background = tuple(label in classifier.background for label in classifier.labels or ())
    layout = Static((classifier.frames, background, classifier.outputs == "value"))
    return Partial(_over_windows, layout, as_model(classifier.model))


def _over_windows(layout: Static, model: Callable, features: Array) -> Array:
    frames, background, averages = layout.value  # type: ignore[misc]
    total = features.shape[0]
    if total < frames:
        raise ValueError(
            f"the classifier reads {frames} steps of features, the clip has {total}: pad it with "
            "zeros before it is analysed, as explain does"
        )
    if total == frames:
        return model(features)
    starts = list(range(0, total - frames, max(1, frames // 2))) + [total - frames]
    count = len(starts)
    if count > WINDOWS:  # repeat the last: it changes neither largest nor smallest
        starts += [starts[-1]] * (-len(starts) % WINDOWS)
    windows = features[jnp.asarray(starts)[:, None] + jnp.arange(frames)]
    if len(starts) <= WINDOWS:
        logits = jax.vmap(model)(windows)
    else:
        logits = jax.lax.map(jax.checkpoint(model), windows, batch_size=WINDOWS)
    if averages:
        return jnp.mean(logits[:count], 0)
    if not any(background):
        return jnp.max(logits, 0)
    return jnp.where(jnp.asarray(background), jnp.min(logits, 0), jnp.max(logits, 0))


def whole_windows(hop: int, frames: int | None, samples: int) -> int:
    """Samples of the whole windows that hold a clip; of a reader of any length, the clip's own.

    Args:
      hop: samples per step of the features.
      frames: frames of a window, or None.
      samples: samples of the clip.
    """
    window = 1 if frames is None else frames * hop
    return -(-samples // window) * window
