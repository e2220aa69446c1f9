"""What the library has to know of a kind of network: one row of CODECS or CLASSIFIERS."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from jax import Array

from audioxai_jax.domains.protocol import Domain
from audioxai_jax.nets.stages import Stage


@dataclasses.dataclass(frozen=True)
class Network:
    """How a kind of network is made: `init(Config(..), key)` gives its parameters.

    Attributes:
      kind: "codec", "classifier" (of a latent), "listener" (a judge of waveforms), or "network" (of
        samples or cells).
      config: a frozen dataclass with a default for each field. A codec's says `sample_rate` and
        `hop`; a classifier's has the fields frames, channels and classes.
      init: `(config, key) -> params`, nested dictionaries of arrays.
      build: `(config, params) -> model`; a codec's takes `mean=` and `name=`, and gives a `Codec`.
      features: `(config, waveform) -> features` of a "network".
      reads: `config -> Domain`: what a listener or a network reads. A classifier of latents reads
        those of the codec that its manifest names.
      hears: `(config, params) -> model` of what `reads` gives; `build` if None.
      frames: field of `config`: steps along the first axis that it reads at once; "" for any.
      added: fields that older manifests lack: they have their defaults there.
      stages: stages of a codec that can be streamed, makers of stages by the function that `build`
        binds to configuration and parameters: `(config, params, frames) -> [Stage, ..]`.
      small: a codec's configurations of few parameters, with which the tests try it.
    """

    kind: str
    config: type
    init: Callable[..., Any]
    build: Callable[..., Any]
    features: Callable[..., Array] | None = None
    reads: Callable[[Any], Domain] | None = None
    hears: Callable[..., Any] | None = None
    frames: str = ""
    added: tuple[str, ...] = ()
    stages: Mapping[Callable[..., Any], Callable[[Any, Any, int], list[Stage]]] = dataclasses.field(
        default_factory=dict
    )
    small: tuple[Any, ...] = ()
