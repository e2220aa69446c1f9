"""The samples themselves."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import check_shape, labels, stretches
from audioxai_jax.domains.protocol import Axis, Domain


def samples(sample_rate: int) -> Domain:
    """The waveform `[T]` as it is: the features of a model that reads samples.

    Units are each "sample" (the default), each "millisecond", and each "segment" of 20 ms.

    >>> samples(16_000).analyse(jnp.array([0.5, -0.5])).tolist()
    [0.5, -0.5]
    """
    return Samples(whole(sample_rate, "sample_rate"))


@record(static=("sample_rate",))
class Samples:
    """See `samples`."""

    sample_rate: int
    name = "samples"
    hop = 1
    exact = True
    linear = True

    def analyse(self, audio: Array) -> Array:
        return as_audio(audio)

    def synthesise(self, features: Array, audio: Array) -> Array:
        check_shape(features, audio.shape, self.name, audio.shape[0])
        return features.astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        return {
            "sample": labels(*shape),
            "millisecond": stretches(shape[0], 1e-3, self.sample_rate),
            "segment": stretches(shape[0], 20e-3, self.sample_rate),
        }

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        return (Axis("time", "s", np.arange(shape[0]) / self.sample_rate),)
