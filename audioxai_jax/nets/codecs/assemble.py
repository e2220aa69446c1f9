"""A codec's pure functions and parameters as a `Codec`."""

import dataclasses
from collections.abc import Callable
from typing import Any

from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, bind
from audioxai_jax.types import Codec


def assemble(
    encode: Callable[..., Array],
    decode: Callable[..., Array],
    config: Any,
    params: Any,
    *,
    mean: Array | None,
    name: str,
) -> Codec:
    """Both functions of `(config, params, x)` bound to one configuration and parameters.

    The configuration is hashable and says `sample_rate` and `hop`.
    """
    return Codec(
        encode=bind(encode, config, params),
        decode=bind(decode, config, params),
        sample_rate=config.sample_rate,
        hop=config.hop,
        mean=mean,
        name=name,
    )


def with_quantiser(
    codec: Codec,
    quantise: Callable[..., Array],
    config: Any,
    codebooks: Array,
    bitrates: tuple[float, ...],
) -> Codec:
    """A codec that can also quantise, by `quantise(config, codebooks, latent, kbit/s)`."""
    bound = Partial(_quantise, Static((quantise, config)), codebooks)
    return dataclasses.replace(codec, quantise=bound, bitrates=bitrates)


def _quantise(settled: Static, codebooks: Array, latent: Array, bitrate: float) -> Array:
    quantise, config = settled.value  # type: ignore[misc]
    return quantise(config, codebooks, latent, bitrate)
