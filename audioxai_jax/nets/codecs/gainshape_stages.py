"""The gain-shape codec as stages: blocks that overlap, and a carrier that goes on."""

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, bind
from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.nets.codecs.gainshape import GainShapeConfig
from audioxai_jax.nets.stages import Carried, Local, Stage


def gainshape_encoder(c: GainShapeConfig, params, frames: int) -> list[Stage]:
    reach = 1 + gainshape.REACH * c.encoder_blocks  # the transform's blocks overlap by half
    encode = bind(gainshape.encode, c, params)
    return [Local(encode, takes=c.hop, left=reach, right=reach, units=frames)]


def gainshape_decoder(c: GainShapeConfig, params, frames: int) -> list[Stage]:
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
