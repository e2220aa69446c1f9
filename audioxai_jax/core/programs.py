"""Compiled programs, and how many of them a process keeps.

JAX keeps every program that it compiled, one for each shape, and a program on a CPU takes
hundreds of memory maps, of which Linux grants a process 65,530: clips of a hundred lengths would
end it. So once a program has been compiled and half of the maps are taken, this library's
programs are dropped; if three quarters still are, all programs are (a user's own, and those of
single operations). What is asked for again is compiled again; results are the same.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.core import Tracer

from audioxai_jax.core.strictness import relaxed

OURS, ALL = 0.5, 0.75
"""Shares of the memory maps above which our programs, and all programs, are dropped."""
FEWEST = 16
"""Programs that are not dropped for half of the maps: the others' are not ours to make room."""
MOST = 256
"""Programs that are kept where the system does not tell its maps."""
OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}
"""Options of programs on a CPU, which JAX takes of outermost programs alone.

XLA of jaxlib 0.10.2 fuses operations into calls of a library, which gives wrong numbers. Of sums
(LIBRARY_FUSION_TYPE_REDUCE): the gradients of several targets of several examples through a layer
norm were off by 0.8 of the largest. Of products of matrices (LIBRARY_FUSION_TYPE_DOT): LRP by the
flat rule through a spectrogram was NaN. Without any of these fusions both are right. Programs that
JAX is told to compile without most optimisations keep them: there XLA's other sums gave NaN."""
_PROGRAMS: list[Any] = []
"""Every function made by `compiled`, for as long as its module: JAX keeps their programs."""


def compiled(
    function: Callable[..., Any],
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
) -> Callable[..., Any]:
    """`jax.jit` for a function of a module, whose programs are dropped before they are too many.

    JAX's strict settings are off meanwhile (`strictness`).

    Args:
      function: function of a module: it is kept for ever.
      static_argnums, static_argnames, donate_argnums: see `jax.jit`.
    """
    jit = functools.partial(
        jax.jit,
        function,
        static_argnums=static_argnums,
        static_argnames=static_argnames,
        donate_argnums=donate_argnums,
    )
    inside: Any = jit()
    alone: Any = jit(compiler_options=OPTIONS)
    _PROGRAMS.extend((inside, alone))

    @relaxed()
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        optimised = not jax.config.read("jax_disable_most_optimizations")
        on_cpu = jax.default_backend() == "cpu"
        program = alone if optimised and on_cpu and not _is_traced((args, kwargs)) else inside
        before = program._cache_size()
        found = program(*args, **kwargs)
        if program._cache_size() > before:
            make_room()
        return found

    return call


def _is_traced(arguments: Any) -> bool:
    """Whether another function is being traced: a program within it becomes a part of it."""
    staged = (jax.lax.full((), 0), arguments)  # all that is computed meanwhile is traced, too
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(staged))


def make_room() -> None:
    """Drops compiled programs if their memory maps are near the system's limit."""
    known, share = count(), maps_share()
    if known > MOST if share is None else share > (OURS if known >= FEWEST else ALL):
        for program in _PROGRAMS:
            program.clear_cache()
    if share is not None and share > ALL and (maps_share() or 0) > ALL:
        jax.clear_caches()


def count() -> int:
    """Programs of this library that are kept."""
    return sum(program._cache_size() for program in _PROGRAMS)


def maps_share() -> float | None:
    """The share of the memory maps granted to this process that it has taken; None if unknown."""
    try:
        with open("/proc/self/maps", "rb") as maps, open("/proc/sys/vm/max_map_count") as limit:
            return sum(1 for _ in maps) / int(limit.read())
    except (OSError, ValueError):
        return None
