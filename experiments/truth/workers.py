"""Truths one after the other, or in several processes: each takes all seeds of a truth.

What is compiled for one seed serves the next. Trials do not know of each other, so the number of
processes changes no number.
"""

import argparse
import concurrent.futures
import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax

from audioxai_jax.truth import TRUTHS
from experiments.truth.asked import what_is_asked
from experiments.truth.trials import Asked, Record, ask

MOST_MB = 2_500
"""Memory of a process above which compiled programs are dropped between trials."""
Trials = list[tuple[str, Record, Record]]
"""Name, record and seconds of trials."""
_ASKED: list[Asked] = []
"""Of a process of a pool."""


def run_all(options: argparse.Namespace, asked: Asked, truths: Sequence[str]) -> Iterator[Trials]:
    """The trials of each truth, in order, as they are done."""
    jobs = [(name, options.seeds, options.out / "trials") for name in truths]
    if options.processes == 1 or len(jobs) == 1:
        for job in jobs:
            yield _trials(asked, *job)
        return
    with concurrent.futures.ProcessPoolExecutor(
        min(options.processes, len(jobs)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(options,),
    ) as pool:
        yield from pool.map(_in_pool, jobs)


def _start(options: argparse.Namespace) -> None:
    _ASKED[:] = [what_is_asked(options)]


def _in_pool(job: tuple[str, int, Path]) -> Trials:
    return _trials(_ASKED[0], *job)


def _trials(asked: Asked, name: str, seeds: int, folder: Path) -> Trials:
    trials = []
    for seed in range(seeds):
        record, seconds = ask(name, TRUTHS[name], seed, asked, folder)
        trials.append((f"{name} {seed}", record, seconds))
        make_room()
    return trials


def make_room() -> None:
    """Drops compiled programs once they take too much memory."""
    if resident_mb() > MOST_MB:
        jax.clear_caches()
        gc.collect()


def resident_mb() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(row.split()[1]) // 1024 for row in lines if row.startswith("VmRSS:"))
