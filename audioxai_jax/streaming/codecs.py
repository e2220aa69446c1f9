"""The codecs' encoders and decoders as stages: how far each sees, and what it carries.

A reach is summed along the layers, in samples, and rounded up to frames. To stream another
codec, add lines to STAGES, or give its stages to `audioxai_jax.streaming.api` yourself.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial
from jax.typing import DTypeLike

from audioxai_jax.core.records import Static, bind, bound
from audioxai_jax.models.precision import computed_in, within
from audioxai_jax.nets.codecs import encodec, gainshape, lyra, seanet
from audioxai_jax.nets.codecs.gainshape import GainShapeConfig
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.streaming import seanet as streams_seanet
from audioxai_jax.streaming.stages import Carried, Local, Stage
from audioxai_jax.types import Model


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


def _lyra_encoder(c: LyraConfig, params, frames: int) -> list[Stage]:
    left, samples = c.kernels[0] - c.strides[0], c.strides[0]
    for kernel, stride in zip(c.kernels[1:], c.strides[1:], strict=True):
        left += samples * ((c.kernel - 1) * sum(c.dilations) + kernel - stride)
        samples *= stride
    left += samples * (c.kernel - 1)
    encode = bind(lyra.encode, c, params)
    return [Local(encode, takes=c.hop, left=-(-left // c.hop), units=frames)]


def _lyra_decoder(c: LyraConfig, params, frames: int) -> list[Stage]:
    left, samples = c.hop * (c.kernel - 1), c.hop
    for kernel, stride in zip(reversed(c.kernels[1:]), reversed(c.strides[1:]), strict=True):
        left += samples * ((kernel - 1) // stride)
        samples //= stride
        left += samples * (c.kernel - 1) * sum(c.dilations)
    left += samples * ((c.kernels[0] - 1) // c.strides[0])
    decode = bind(lyra.decode, c, params)
    return [Local(decode, gives=c.hop, left=-(-left // c.hop), units=frames)]


def _lyra_quantised(settings: tuple[LyraConfig, int], params, frames: int) -> list[Stage]:
    [whole] = _lyra_encoder(settings[0], params, frames)
    words = bind(lyra.encode_quantised, settings, params)
    return [Local(words, takes=whole.takes, left=whole.left, units=frames)]  # type: ignore[union-attr]


def _gainshape_encoder(c: GainShapeConfig, params, frames: int) -> list[Stage]:
    reach = 1 + gainshape.REACH * c.encoder_blocks  # the transform's blocks overlap by half
    encode = bind(gainshape.encode, c, params)
    return [Local(encode, takes=c.hop, left=reach, right=reach, units=frames)]


def _gainshape_decoder(c: GainShapeConfig, params, frames: int) -> list[Stage]:
    reach = 1 + gainshape.REACH * c.decoder_blocks
    decode = bind(_decode_with, c, params)
    return [
        Carried(Partial(_with_carrier, Static(c)), Partial(_first_frame), rows=frames),
        Local(decode, gives=c.hop, left=reach, right=reach, units=frames),
    ]


def _first_frame(latent: Array) -> Array:
    return jnp.int32(0)


def _with_carrier(config: Static, frame: Array, latent: Array) -> tuple[Array, Array]:
    """Latents `[n, C]` from a frame of the carrier on, and their carrier: `[n, C + hop]`."""
    c: GainShapeConfig = config.value  # type: ignore[assignment]
    if latent.ndim != 2 or latent.shape[1] != c.channels:
        raise ValueError(f"the latent must be [F, {c.channels}], got {list(latent.shape)}")
    after = frame + jnp.arange(latent.shape[0] + 1)
    signs = jnp.asarray(gainshape.carrier(c, gainshape.PERIOD), latent.dtype)
    joined = jnp.concatenate([latent, signs[after[:-1] % gainshape.PERIOD]], axis=1)
    return (after[-1] % gainshape.PERIOD).astype(frame.dtype), joined


def _decode_with(c: GainShapeConfig, params, joined: Array) -> Array:
    return gainshape.decode_with(c, params, joined[:, : c.channels], joined[:, c.channels :])


STAGES: dict[Callable, Callable[[Any, Any, int], list[Stage]]] = {
    seanet.encode: streams_seanet.seanet_encoder,
    seanet.decode: streams_seanet.seanet_decoder,
    encodec.encode_mono: streams_seanet.encodec_encoder,
    encodec.decode_mono: streams_seanet.encodec_decoder,
    encodec.encode_quantised: streams_seanet.encodec_quantised,
    lyra.encode: _lyra_encoder,
    lyra.decode: _lyra_decoder,
    lyra.encode_quantised: _lyra_quantised,
    gainshape.encode: _gainshape_encoder,
    gainshape.decode: _gainshape_decoder,
}
"""Makers of stages, `(config, params, frames) -> stages`, by the function that `bind` got."""
