"""Half precision: a codec that computes in bfloat16."""

import dataclasses
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial
from jax.typing import DTypeLike

from audioxai_jax.core.records import Static, as_model
from audioxai_jax.types import Codec, Model

T = TypeVar("T")


def cast(codec: Codec, dtype: DTypeLike) -> Codec:
    """A codec with its parameters, and so its computation, in another floating dtype.

    Audio and latents come in and go out in the dtype that they had. What a network computes in
    float32 whatever its parameters are, such as statistics over time, stays so. The new codec
    has no fingerprint: it is not the codec of that file.

    Raises:
      ValueError: if the dtype is not floating point.
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"{jnp.dtype(dtype)} is not floating point: choose bfloat16 or float16")
    narrow = lambda model: within(dtype, _cast(as_model(model), dtype))
    return dataclasses.replace(
        codec, encode=narrow(codec.encode), decode=narrow(codec.decode), fingerprint=""
    )


def within(dtype: DTypeLike, model: Model) -> Model:
    """A model that computes in a dtype, of inputs and outputs of another."""
    return Partial(_within, Static(jnp.dtype(dtype)), model)


def computed_in(model: Model) -> tuple[jnp.dtype, Model] | None:
    """(dtype, model) of what `within` made; None for all others."""
    if not isinstance(model, Partial) or model.func is not _within:
        return None
    dtype, inner = model.args
    return dtype.value, inner


def _within(dtype: Static, model: Model, x: Array) -> Array:
    return model(x.astype(dtype.value)).astype(x.dtype)  # type: ignore[arg-type]


def _cast(tree: T, dtype: DTypeLike) -> T:
    floating = lambda leaf: jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    return jax.tree.map(lambda v: jnp.asarray(v, dtype) if floating(v) else v, tree)
