"""Views of a sound that one can come back from, and their table.

A domain is one file, its import and name in DOMAINS, and a row in docs/domains.md;
`tests/domains/test_conformance.py` covers it then.
"""

from collections.abc import Callable

from audioxai_jax.domains.bands import bands
from audioxai_jax.domains.cells import cells
from audioxai_jax.domains.frequencies import frequencies
from audioxai_jax.domains.latent import latent
from audioxai_jax.domains.levels import decibels, logarithm
from audioxai_jax.domains.normalised import normalised
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.domains.residual import keep_residual
from audioxai_jax.domains.samples import samples
from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.domains.wavelets import wavelets

DOMAINS: dict[str, Callable[..., Domain]] = {
    factory.__name__: factory
    for factory in (
        samples,
        frequencies,
        time_frequency,
        cells,
        bands,
        wavelets,
        latent,
    )
}
"""Factories by name. All take the sample rate, Hz; `latent` takes the codec that tells it.

`normalised` and `keep_residual` are not here: they take a function or a domain, which the command
line cannot name.
"""

__all__ = ["Axis", "Domain", "decibels", "keep_residual", "logarithm", "normalised"]
__all__ += ["DOMAINS", *DOMAINS]  # pyright: ignore[reportUnsupportedDunderAll]
