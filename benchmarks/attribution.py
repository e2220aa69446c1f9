"""How fast methods are beside captum on this machine, now.

    python -m benchmarks.attribution --json runs/benchmark_attribution.json

A classifier of latents (75, 128): two convolutions, attention over time, 35 classes, with the same
weights on both sides. Gradients at 50 points for 64 examples are 95 GFLOP. One interleaved run,
the minimum of the repeats; captum has the fastest of several batch sizes. Needs torch and captum:
the extra `oracles`.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import (
    adaptive_integrated_gradients,
    attribute_batch,
    integrated_gradients,
    saliency,
    smoothgrad,
)
from audioxai_jax.attribution.smoothgrad import noise
from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run

FRAMES, CHANNELS, CLASSES, KERNEL = 75, 128, 35, 3
STEPS, DEVIATION, SIZE = 50, 0.15, 1024
ROWS = (64, 128, 256, 640, 3200)  # captum's internal_batch_size; at a batch of 64 the last is all
COPIES = (1, 2, 4, 10, 50)  # captum's nt_samples_batch_size: of each example


@dataclass
class Job:
    """Ours returns an attribution; captum's relevance is an array."""

    name: str
    ours: Callable[[], Any]
    captum: Callable[[], Any]
    bar: float | None = None
    gflop: float = float("nan")
    expected: Callable[[], Any] | None = None  # what captum says to our draws
    inner: int = 1  # how often it runs in each repeat


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=64, help="examples at once")
    parser.add_argument("--repeats", type=int, default=5)
    add_json_option(parser)
    options = parser.parse_args()

    params = draw_params()
    model = Partial(classify, jax.tree.map(jnp.asarray, params))
    theirs = Captum(params)
    x = np.random.default_rng(1).normal(size=(options.batch, FRAMES, CHANNELS)).astype(np.float32)
    logits = np.asarray(jax.vmap(model)(x))
    apart = np.max(np.abs(logits - theirs.network(theirs.torch.tensor(x)).detach().numpy()))
    say(f"logits differ by {apart:.1e}")
    jobs = make_jobs(model, theirs, x, logits.argmax(1))
    square = jax.random.normal(jax.random.key(0), (SIZE, SIZE))

    found = [(job.ours(), (job.expected or job.captum)()) for job in jobs]
    seconds = np.full((len(jobs), 2), np.inf)
    ceiling = np.inf
    for _ in range(options.repeats):
        for row, job in zip(seconds, jobs, strict=True):
            row[:] = np.minimum(row, (timed(job.captum, job.inner), timed(job.ours, job.inner)))
            ceiling = min(ceiling, timed(lambda: product(square).block_until_ready(), 3))

    gflops = 2 * SIZE**3 / ceiling / 1e9
    load = f"{theirs.torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    speed = f"matrix product {SIZE}^3: {gflops:.0f} GFLOP/s"
    say("", f"{jax.devices()[0].device_kind}, {load}; {speed}")
    say(f"{'seconds':44}{'captum':>8}{'ours':>8}{'ratio':>7}{'bar':>5}{'GFLOP/s':>9}{'apart':>9}")
    rows = []
    for job, (a, b), (own, expected) in zip(jobs, seconds, found, strict=True):
        relevance = np.asarray(own.relevance)
        apart = float(np.max(np.abs(relevance - expected)) / np.max(np.abs(expected)))
        each = float(np.mean(own.info["evaluations"]))
        bar, speed = job.bar or "", "" if np.isnan(job.gflop) else f"{job.gflop / b:.0f}"
        say(f"{job.name:44}{a:8.3f}{b:8.3f}{a / b:7.2f}{bar:>5}{speed:>9}{apart:9.1e}")
        row = {"job": job.name, "captum": a, "ours": b, "ratio": a / b, "bar": job.bar}
        rows.append(row | {"apart": apart, "evaluations": each})
    say(
        f"The adaptive rule took {rows[-1]['evaluations']:.1f} evaluations an example, captum "
        f"{STEPS}: captum given fewer steps gains the same."
    )
    source = describe_run("python -m benchmarks.attribution")
    write_rows(options.json, {**source, "matrix_gflops": gflops, "jobs": rows})


def make_jobs(model: Any, theirs: "Captum", x: np.ndarray, target: np.ndarray) -> list[Job]:
    def ours(method, x, target):
        x, target = jnp.asarray(x), jnp.asarray(target)
        run = lambda: attribute_batch(method, model, x, target, key=jax.random.key(0))
        return lambda: jax.block_until_ready(run())

    batch = len(x)
    every = np.tile(np.arange(CLASSES), (batch, 1))
    gflop = STEPS * batch * 2 * 2 * 2 * FRAMES * KERNEL * CHANNELS**2 / 1e9
    steps = fastest("internal_batch_size", ROWS, lambda n: theirs.integral(x, target, n))
    copies = fastest("nt_samples_batch_size", COPIES, lambda n: theirs.smooth(x, target, n))
    smooth = smoothgrad(samples=STEPS, deviation=DEVIATION, absolute=True)
    integral = lambda: theirs.integral(x, target, steps)
    return [
        Job(
            f"saliency of {CLASSES} classes, B = 1",
            ours(saliency(), x[:1], every[:1]),
            lambda: theirs.all_classes(x[:1]),
            bar=5.0,
            inner=10,
        ),
        Job(
            f"saliency of {CLASSES} classes, B = {batch}",
            ours(saliency(), x, every),
            lambda: theirs.all_classes(x),
            bar=2.0,
        ),
        Job(
            f"integrated gradients, {STEPS} steps, B = {batch}",
            ours(integrated_gradients(steps=STEPS), x, target),
            integral,
            bar=1.8,
            gflop=gflop,
        ),
        Job(
            f"smoothgrad, {STEPS} samples, B = {batch}",
            ours(smooth, x, target),
            lambda: theirs.smooth(x, target, copies),
            bar=1.5,
            gflop=gflop,
            expected=lambda: theirs.smooth(x, target, copies, noise=our_noise(x)),
        ),
        Job(
            f"adaptive (1 %) / captum {STEPS} steps, B = {batch}",
            ours(adaptive_integrated_gradients(tolerance=0.01), x, target),
            integral,
        ),
    ]


def timed(job: Callable[[], Any], times: int) -> float:
    """Seconds, the least of several runs."""
    least = np.inf
    for _ in range(times):
        began = time.perf_counter()
        job()
        least = min(least, time.perf_counter() - began)
    return least


def fastest(name: str, sizes: tuple[int, ...], job: Callable[[int], Any]) -> int:
    """The size with which captum is fastest, each tried once."""
    job(sizes[0])
    seconds = {size: timed(lambda size=size: job(size), 1) for size in sizes}
    took = ", ".join(f"{n} takes {s:.2f} s" for n, s in seconds.items())
    say(f"captum's {name}: {took}")
    return min(seconds, key=lambda size: seconds[size])


@jax.jit
def product(square):
    return square @ square


def our_noise(x: np.ndarray) -> np.ndarray:
    """What `attribute_batch` adds to each copy of each example."""

    def one(index, x, number):
        key = jax.random.fold_in(jax.random.key(0), index)
        return noise(key, number, x, DEVIATION, absolute=True)

    copies = jax.vmap(jax.vmap(one, (None, None, 0)), (0, 0, None))
    return np.asarray(copies(jnp.arange(len(x)), jnp.asarray(x), jnp.arange(STEPS)))


def draw_params() -> dict[str, np.ndarray]:
    """Shapes as in torch."""
    draw = np.random.default_rng(0).normal
    shapes = {
        "first.weight": (CHANNELS, CHANNELS, KERNEL),
        "second.weight": (CHANNELS, CHANNELS, KERNEL),
        "attention.weight": (1, CHANNELS),
        "out.weight": (CLASSES, CHANNELS),
    }
    params = {}
    for name, shape in shapes.items():
        params[name] = draw(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        params[name.replace("weight", "bias")] = 0.1 * draw(size=shape[:1])
    return {name: value.astype(np.float32) for name, value in params.items()}


def classify(p, x):
    """One latent `[FRAMES, CHANNELS]` to logits."""

    def convolve(x, name):
        kernel = p[f"{name}.weight"].transpose(2, 1, 0)
        dims = ("NWC", "WIO", "NWC")
        out = jax.lax.conv_general_dilated(x[None], kernel, (1,), "SAME", dimension_numbers=dims)
        return jax.nn.relu(out[0] + p[f"{name}.bias"])

    x = convolve(convolve(x, "first"), "second")
    weights = jax.nn.softmax(x @ p["attention.weight"][0] + p["attention.bias"])
    return p["out.weight"] @ (weights @ x) + p["out.bias"]


class Captum:
    """captum's side, with torch and the same network."""

    def __init__(self, params):
        import captum.attr
        import torch

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                convolution = torch.nn.Conv1d
                self.first = convolution(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2)
                self.second = convolution(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2)
                self.attention = torch.nn.Linear(CHANNELS, 1)
                self.out = torch.nn.Linear(CHANNELS, CLASSES)

            def forward(self, x):  # [N, FRAMES, CHANNELS]
                x = torch.relu(self.second(torch.relu(self.first(x.transpose(1, 2)))))
                x = x.transpose(1, 2)
                weights = torch.softmax(self.attention(x), dim=1)
                return self.out((weights * x).sum(1))

        self.torch, self.attr, self.network = torch, captum.attr, Network().eval()
        self.network.load_state_dict({n: torch.tensor(value) for n, value in params.items()})
        self.network.requires_grad_(False)

    def all_classes(self, x):
        method, rows = self.attr.Saliency(self.network), self.rows(x)
        found = [method.attribute(rows, target=k).numpy() for k in range(CLASSES)]
        return np.stack(found, axis=1)

    def integral(self, x, target, at_once):
        found = self.attr.IntegratedGradients(self.network).attribute(
            self.rows(x),
            target=self.torch.tensor(target),
            n_steps=STEPS,
            method="gausslegendre",
            internal_batch_size=at_once,
        )
        return found.detach().numpy()

    def smooth(self, x, target, copies, noise=None):
        """With noise of its own, or that which is given, `[N, STEPS, FRAMES, CHANNELS]`."""
        usual, places = self.torch.normal, iter(range(0, STEPS, copies))

        def normal(mean, deviation):
            start = next(places)
            part = noise[:, start : start + copies]
            return self.torch.tensor(part.reshape(-1, FRAMES, CHANNELS))

        self.torch.normal = usual if noise is None else normal
        found = self.attr.NoiseTunnel(self.attr.Saliency(self.network)).attribute(
            self.rows(x),
            nt_type="smoothgrad",
            nt_samples=STEPS,
            nt_samples_batch_size=copies,
            stdevs=DEVIATION,
            target=self.torch.tensor(target),
            abs=False,
        )
        self.torch.normal = usual
        return found.detach().numpy()

    def rows(self, x):
        return self.torch.tensor(x, requires_grad=True)


if __name__ == "__main__":
    sys.exit(run_main(main))
