"""The stages of a codec's encoder and decoder, as its row of CODECS has them.

To stream a codec without a row there, give its stages to `audioxai_jax.streaming`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from jax import Array
from jax.tree_util import Partial
from jax.typing import DTypeLike

from audioxai_jax.core.records import Static, bound
from audioxai_jax.models.precision import computed_in, within
from audioxai_jax.nets.codecs import CODECS
from audioxai_jax.nets.stages import Local, Stage
from audioxai_jax.types import Model

STAGES: dict[Callable, Callable[[Any, Any, int], list[Stage]]] = {
    function: maker for network in CODECS.values() for function, maker in network.stages.items()
}
"""Makers of stages, `(config, params, frames) -> stages`, by the function that `bind` got."""


def stages_of(model: Model, frames: int) -> list[Stage]:
    """The stages of a codec's `encode` or `decode`, for windows of about that many frames.

    Raises:
      ValueError: if the model is none of STAGES, or needs all of a sound before it can begin.
    """
    if (half := computed_in(model)) is not None:
        return [_computed_in(half[0], stage) for stage in stages_of(half[1], frames)]
    found = bound(model)
    if found is None or found[0] not in STAGES:
        raise ValueError(
            "nothing is known of how far this codec sees: give the stages of its encoder or "
            "decoder, such as stages=[Local(codec.encode, takes=codec.hop, left=8, right=8)], or "
            "Local(codec.decode, gives=codec.hop, ..), of audioxai_jax.streaming.stages"
        )
    apply, config, params = found
    return STAGES[apply](config, params, frames)


def _computed_in(dtype: DTypeLike, stage: Stage) -> Stage:
    """A stage of a codec that `precision.cast` made."""
    if isinstance(stage, Local):
        last = None if stage.last is None else within(dtype, stage.last)
        return dataclasses.replace(stage, function=within(dtype, stage.function), last=last)
    function = Partial(_carried_in, Static(dtype), stage.function)
    start = Partial(_started_in, Static(dtype), stage.start)
    return dataclasses.replace(stage, function=function, start=start)


def _carried_in(dtype: Static, function: Callable, state: Any, x: Array) -> tuple[Any, Array]:
    state, y = function(state, x.astype(dtype.value))  # type: ignore[arg-type]
    return state, y.astype(x.dtype)


def _started_in(dtype: Static, start: Callable, x: Array) -> Any:
    return start(x.astype(dtype.value))  # type: ignore[arg-type]
