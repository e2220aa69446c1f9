"""How fast relevance is carried to frequencies, beside matrices of the same transforms.

    python -m benchmarks.dft_lrp --json runs/benchmark_dft_lrp.json

Milliseconds a clip of 8,000 samples, in batches, compiled, on this machine, now. One
interleaved run: the minimum of the repeats, and their median and maximum, which say how quiet
the machine was. "matrix" is the usual way, a product with the cosines and sines of the
transform: 8,000 x 8,002 of them for whole clips, those of one window for frames. Both must
agree: the difference is the largest of any entry, relative to the largest entry.
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.cli.console import Parser, add_json_option, positive, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.dft_lrp.frequency import frequency_relevance, multiplicity, time_relevance
from audioxai_jax.dft_lrp.time_frequency import (
    full_length_relevance,
    short_time_relevance,
    time_relevance_of_frames,
)
from audioxai_jax.transforms.frames import place

SAMPLES = 8000
SPEECH = {"window": ("hann", 455), "hop": 35}
BLOCKS = {"window": ("rectangle", 800), "hop": 800}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=positive, default=16, help="clips at once")
    parser.add_argument("--repeats", type=positive, default=20)
    add_json_option(parser)
    options = parser.parse_args()

    random = np.random.default_rng(0)
    clips = random.normal(size=(options.batch, SAMPLES)).astype(np.float32)
    relevance = jnp.asarray(clips * random.normal(size=clips.shape), jnp.float32)
    jobs = make_jobs(jnp.asarray(clips), relevance)
    found = {name: np.asarray(job()) for name, job in jobs.items()}  # compiles
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in jobs}
    for _ in range(options.repeats):
        for name, job in jobs.items():
            began = time.perf_counter()
            job().block_until_ready()
            seconds[name].append(time.perf_counter() - began)

    say(f"{jax.devices()[0].device_kind}, batch {options.batch}, milliseconds a clip")
    head = ("", "", "least", "median", "most", "times", "difference")
    say(f"| {' | '.join(head)} |", "|---" * len(head) + "|")
    rows = []
    for (name, way), times in seconds.items():
        each = 1000 * np.asarray(times) / options.batch
        row = {"job": name, "way": way, "least": each.min(), "median": np.median(each)}
        row["most"] = each.max()
        cells = [f"{row[k]:.3f}" for k in ("least", "median", "most")] + ["", ""]
        if way == "matrix":
            here = found[name, "here"]
            row["times"] = each.min() / (1000 * min(seconds[name, "here"]) / options.batch)
            row["difference"] = np.abs(found[name, way] - here).max() / np.abs(here).max()
            cells[3:] = f"{row['times']:.0f}", f"{row['difference']:.0e}"
        say(f"| {name} | {way} | {' | '.join(cells)} |")
        rows.append({k: v if isinstance(v, str) else float(v) for k, v in row.items()})
    write_rows(options.json, {**describe_run("python -m benchmarks.dft_lrp"), "rows": rows})


def make_jobs(clips, relevance):
    """Functions without arguments, by what is computed and how."""

    def batched(function, *arguments):
        compiled = jax.jit(jax.vmap(function))
        return lambda: compiled(*arguments)

    jobs = {("frequencies", "here"): batched(frequency_relevance, clips, relevance)}
    waves = transform(SAMPLES)
    whole = jax.jit(by_matrix)
    jobs["frequencies", "matrix"] = lambda: whole(clips, relevance / clips, waves)
    for name, grid in (("455/35, Hann", SPEECH), ("800/800, rectangle", BLOCKS)):
        there = partial(short_time_relevance, **grid)
        jobs[name, "here"] = batched(there, clips, relevance)
        jobs[name, "matrix"] = partial(frames_by_matrix(grid), clips, relevance)
    for name, grid in (("455/35, Hann", SPEECH), ("800/800, rectangle", BLOCKS)):
        parts = jobs[name, "here"]()
        back = partial(time_relevance_of_frames, **grid)
        jobs[f"{name}, back to samples", "here"] = batched(back, clips, parts)
    long = partial(full_length_relevance, **BLOCKS)
    jobs["800/800, full length", "here"] = batched(long, clips, relevance)
    parts = jobs["frequencies", "here"]()
    jobs["back to samples", "here"] = batched(time_relevance, clips, parts)
    return jobs


def transform(samples):
    """Cosines, then sines, `[samples, 2 (samples // 2 + 1)]`."""
    turns = np.outer(np.arange(samples), np.arange(samples // 2 + 1)) % samples
    angle = 2 * np.pi * np.arange(samples) / samples
    parts = [wave.astype(np.float32)[turns] for wave in (np.cos(angle), -np.sin(angle))]
    return jnp.asarray(np.concatenate(parts, axis=1))


def by_matrix(values, quotient, waves):
    """c_k (Re X Re Q + Im X Im Q) of values and quotients `[..., samples]`."""
    count = jnp.asarray(multiplicity(waves.shape[0]), values.dtype) / waves.shape[0]
    parts = (values @ waves) * (quotient @ waves)
    return count * (parts[..., : count.size] + parts[..., count.size :])


def frames_by_matrix(grid):
    frames = place(SAMPLES, **grid)
    shape, cover = (jnp.asarray(v, jnp.float32) for v in (frames.window, frames.cover()))
    waves = transform(shape.size)

    @jax.jit
    def compute(clips, relevance, waves):
        cut = jax.vmap(frames.cut)
        return by_matrix(shape * cut(clips), cut(relevance / (clips * cover)), waves)

    return partial(compute, waves=waves)


if __name__ == "__main__":
    sys.exit(run_main(main))
