"""A new domain: audioxai_jax/domains/my_domain.py, and a row of DOMAINS.

The samples in frames of 10 ms:

    z[f, n] = x[f hop + n]
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.domains.protocol import Axis, Domain


def my_domain(sample_rate: int) -> Domain:
    """Samples in frames of 10 ms, `[F, hop]`.

    Args:
      sample_rate: rate of the audio, Hz.
    """
    return MyDomain(sample_rate, max(1, sample_rate // 100))


@record(static=("sample_rate", "hop"))
class MyDomain:
    """See `my_domain`."""

    sample_rate: int
    hop: int
    name, exact, linear = "my_domain", True, True

    def analyse(self, audio: Array) -> Array:
        return jnp.pad(audio, (0, -audio.shape[0] % self.hop)).reshape(-1, self.hop)

    def synthesise(self, features: Array, audio: Array) -> Array:
        return features.reshape(-1)[: audio.shape[0]]

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        samples = np.arange(shape[0] * shape[1]).reshape(shape)
        return {"frame": np.arange(shape[0])[:, None], "sample": samples}

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        seconds = np.arange(shape[0]) * self.hop / self.sample_rate
        return Axis("time", "s", seconds), Axis("sample", "", np.arange(float(shape[1])))
