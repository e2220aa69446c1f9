"""A codec's pure functions and parameters as a `Codec`."""

from collections.abc import Callable
from typing import Any

from jax import Array

from audioxai_jax.core.records import bind
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
