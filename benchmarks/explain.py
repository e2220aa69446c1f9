"""How fast explanations are, on this machine, now.

    python -m benchmarks.explain --json runs/benchmark.json

One interleaved run; the minimum of the repeats. Absolute times depend on the machine and
its neighbours: the speed of a matrix product, measured in between, says what was there.
Then the command line, cold (no compilation cache) and warm.
"""

import os
import subprocess
import sys
import tempfile
import time

import jax
import jax.numpy as jnp

from audioxai_jax import METHODS, explain_batch
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_json_option,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.weights import load, pair

USUAL = ("integrated_gradients", "input_x_gradient", "lrp", "saliency", "random_control")
SIZE = 1024


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_codec_options(parser)
    parser.add_argument("--model", help="classifier, name or path; the codec's own if left out")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16], help="clips of 1 s")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--skip-command", action="store_true", help="only time the library")
    add_json_option(parser)
    options = parser.parse_args()

    codec = load.load_codec(options.codec, options.codec_weights)
    name = options.model or pair.default_classifier(codec)
    classifier = load.load_classifier(name, codec)
    square = jax.random.normal(jax.random.key(0), (SIZE, SIZE))
    jobs = {("matrix product", SIZE): lambda: product(square)}
    for name in USUAL:
        for batch in options.batches:
            audio = 0.1 * jax.random.normal(jax.random.key(batch), (batch, codec.sample_rate))
            jobs[name, batch] = explain_job(classifier, audio, METHODS[name]())
    for job in jobs.values():
        jax.block_until_ready(job())
    seconds = dict.fromkeys(jobs, float("inf"))
    for _ in range(options.repeats):
        for name, job in jobs.items():
            began = time.perf_counter()
            jax.block_until_ready(job())
            seconds[name] = min(seconds[name], time.perf_counter() - began)

    gflops = 2 * SIZE**3 / seconds.pop(("matrix product", SIZE)) / 1e9
    rows = [
        {"method": name, "batch": batch, "seconds": time, "clips_per_second": batch / time}
        for (name, batch), time in seconds.items()
    ]
    say(f"{jax.devices()[0].device_kind}, matrix product {gflops:.0f} GFLOP/s")
    say(
        f"{'method':22}"
        + "".join(f"{f'{b} clips':>14}" for b in options.batches)
        + "   (clips a second)"
    )
    for name in USUAL:
        speeds = [f"{b / seconds[name, b]:14.1f}" for b in options.batches]
        say(f"{name:22}" + "".join(speeds))
    if not options.skip_command:
        rows += command_line(options, name)
    source = describe_run("python -m benchmarks.explain")
    write_rows(options.json, {**source, "gflops": gflops, "rows": rows})


@jax.jit
def product(square):
    return jnp.dot(square, square)


def explain_job(classifier, audio, method):
    key = jax.random.key(0)
    return lambda: explain_batch(classifier, audio, method=method, key=key).logits


def command_line(options, model: str) -> list[dict]:
    """`audioxai explain` on the bundled clip in new processes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cache = {"JAX_COMPILATION_CACHE_DIR": f"{folder}/cache"}
        for run in ("cold", "warm", "warm again"):
            command = [
                sys.executable,
                "-m",
                "audioxai_jax.cli",
                "explain",
                "--out",
                f"{folder}/{run}",
                "--codec",
                options.codec,
                "--model",
                model,
            ]
            if options.codec_weights:
                command += ["--codec-weights", options.codec_weights]
            began = time.perf_counter()
            subprocess.run(command, env={**os.environ, **cache}, check=True, capture_output=True)
            rows.append({"command": run, "seconds": time.perf_counter() - began})
            say(f"audioxai explain, {run}: {rows[-1]['seconds']:.1f} s")
    return rows


if __name__ == "__main__":
    sys.exit(run_main(main))
