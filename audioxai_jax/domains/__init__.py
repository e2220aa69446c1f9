"""Views of a sound that one can come back from, and their table.

A domain is one file and one row: `tests/domains/test_conformance.py` covers it then.
"""

from collections.abc import Callable

from audioxai_jax.domains.frequencies import frequencies
from audioxai_jax.domains.latent import latent
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.domains.samples import samples

DOMAINS: dict[str, Callable[..., Domain]] = {
    factory.__name__: factory
    for factory in (
        samples,
        frequencies,
        latent,
    )
}
"""Factories by name. All take the sample rate, Hz; `latent` takes the codec that tells it."""

__all__ = ["Axis", "DOMAINS", "Domain", *DOMAINS]  # pyright: ignore[reportUnsupportedDunderAll]
