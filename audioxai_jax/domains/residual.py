"""Any domain, with what it loses of the clip added back."""

import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.domains.grid import own_grid
from audioxai_jax.domains.protocol import Axis, Domain, Grid


def keep_residual(domain: Domain) -> Domain:
    """A domain whose sounds keep what the domain itself loses of the clip.

    synthesise(z, x) = D(z) + (x - D(E(x))), with E and D the domain's own: features that are not
    edited give the clip, so that nothing but the edit differs. What was lost is heard whatever
    is edited, and no edit can delete it. An exact domain loses nothing, and is returned itself.
    """
    return domain if domain.exact else Residual(domain)


@record()
class Residual:
    """See `keep_residual`."""

    domain: Domain
    exact = True
    linear = False

    @property
    def name(self) -> str:
        return f"{self.domain.name}, residual kept"

    @property
    def sample_rate(self) -> int:
        return self.domain.sample_rate

    @property
    def hop(self) -> int:
        return self.domain.hop

    def analyse(self, audio: Array) -> Array:
        return self.domain.analyse(audio)

    def synthesise(self, features: Array, audio: Array) -> Array:
        again = self.domain.synthesise(self.domain.analyse(audio), audio)
        return audio + (self.domain.synthesise(features, audio) - again)

    def base(self, features: Array) -> Array:
        return self.domain.base(features)

    def size(self, features: Array) -> Array:
        return self.domain.size(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        return dict(self.domain.units(shape))

    def grid(self, shape: tuple[int, ...], unit: str) -> Grid | None:
        return own_grid(self.domain, shape, unit)

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        return self.domain.axes(shape)
