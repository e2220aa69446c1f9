"""How fast explanations of a torch module are beside captum and zennit on the module itself.

    python -m benchmarks.bridges --json runs/benchmark_bridges.json

Two modules of one second at 16 kHz with 35 classes, M5 (W. Dai et al. 2017) and a transformer.
Theirs run in torch, ours on the same module by `from_torch`, on the same clips. Rounds alternate;
a job's median, fastest and slowest seconds are told, captum's with the fastest of several batch
sizes. zennit merges the batch norms. Needs the extras `torch` and `oracles`.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import attribute_batch, integrated_gradients, lrp, saliency
from audioxai_jax.cli.console import Parser, add_json_option, positive, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.models.bridges.pytorch import from_torch
from audioxai_jax.propagation import PRESETS
from benchmarks.lrp import THEIRS, their_library

RATE, CLASSES, STEPS = 16_000, 35, 50
ROWS = (32, 100, 400)
"""Batch sizes of captum that are tried."""
Pair = tuple[Callable[[], Any], Callable[[], np.ndarray]]


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--batch", type=positive, default=8, help="clips at once")
    parser.add_argument("--repeats", type=positive, default=7, help="rounds")
    parser.add_argument("--threads", type=positive, help="torch's; its own choice if left out")
    add_json_option(parser)
    options = parser.parse_args()
    torch, composites = their_library()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = []
    for name, make in {"M5": m5, "wave transformer": wave_transformer}.items():
        torch.manual_seed(0)
        rows += compare(name, make(torch).eval(), torch, composites, options)
    where = f"{jax.devices()[0].device_kind}, {torch.get_num_threads()} threads of torch"
    say(f"{where}, {options.batch} clips of 1 s, seconds: median (fastest to slowest)")
    for row in rows:
        both = "  ".join(f"{tell(row[side]):>26}" for side in ("theirs", "ours"))
        said = f"{row['network']}, {row['job']}"
        say(f"{said:44}{both}{row['times']:7.2f}x{row['difference']:10.1e}")
    facts = {"batch": options.batch, "threads": torch.get_num_threads(), "rows": rows}
    write_rows(options.json, {**describe_run("python -m benchmarks.bridges"), **facts})


def compare(name: str, module: Any, torch: Any, composites: Any, options: Any) -> list[dict]:
    """Every job of one module, in alternating rounds."""
    draw = np.random.default_rng(0).normal
    x = (0.1 * draw(size=(options.batch, RATE))).astype(np.float32)
    began = time.perf_counter()
    classifier = from_torch(module, torch.tensor(x[:1]), sample_rate=RATE)
    converted = time.perf_counter() - began
    targets = np.arange(options.batch) % CLASSES
    jobs = make_jobs(classifier, module, torch, x, targets)
    if name == "M5":
        jobs |= relevance_jobs(classifier, module, torch, composites, x, targets)
    compiling, apart = {}, {}
    for job, (ours, theirs) in jobs.items():
        began = time.perf_counter()
        found = np.asarray(ours())
        compiling[job], expected = time.perf_counter() - began, theirs()
        apart[job] = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.repeats):
        for job, pair in jobs.items():
            for side, run in zip(("ours", "theirs"), pair, strict=True):
                began = time.perf_counter()
                run()
                seconds.setdefault((job, side), []).append(time.perf_counter() - began)
    rows = []
    for job in jobs:
        sides = {side: spread(seconds[job, side]) for side in ("ours", "theirs")}
        times = sides["theirs"]["median"] / sides["ours"]["median"]
        row = {"network": name, "job": job, **sides, "times": times, "difference": apart[job]}
        rows.append(row | {"first_call": compiling[job], "convert": converted})
    return rows


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}


def tell(row: dict[str, float]) -> str:
    return f"{row['median']:.3f} ({row['min']:.3f} to {row['max']:.3f})"


def make_jobs(classifier, module, torch, x, targets) -> dict[str, Pair]:
    """Integrated gradients, and saliency of all classes, beside captum."""
    from captum.attr import IntegratedGradients, Saliency

    batch, wanted = torch.tensor(x), torch.tensor(targets)
    saliences = Saliency(module)

    def integral(rows: int) -> np.ndarray:
        found = IntegratedGradients(module).attribute(
            batch, target=wanted, n_steps=STEPS, internal_batch_size=rows
        )
        return found.detach().float().numpy()

    def all_classes() -> np.ndarray:
        found = [saliences.attribute(batch[:1].clone(), target=k) for k in range(CLASSES)]
        return torch.stack(found, 1).numpy()

    best = min(ROWS, key=lambda rows: timed(lambda: integral(rows)))
    every = np.arange(CLASSES)[None]
    return {
        f"integrated gradients, {STEPS} steps": (
            run_ours(integrated_gradients(steps=STEPS), classifier, x, targets),
            lambda: integral(best),
        ),
        f"saliency of all {CLASSES} classes, 1 clip": (
            run_ours(saliency(), classifier, x[:1], every),
            all_classes,
        ),
    }


def relevance_jobs(classifier, module, torch, composites, x, targets) -> dict[str, Pair]:
    """LRP beside zennit."""
    from zennit.canonizers import SequentialMergeBatchNorm

    jobs = {}
    for name in ("epsilon_plus", "epsilon_alpha2_beta1"):
        composite = getattr(composites, THEIRS[name])(canonizers=[SequentialMergeBatchNorm()])

        def theirs(composite=composite) -> np.ndarray:
            with composite.context(module) as model:
                batch = torch.tensor(x, requires_grad=True)
                out = model(batch)
                rows = torch.arange(len(x)), torch.tensor(targets)
                start = torch.zeros_like(out)
                start[rows] = out[rows].detach()
                return torch.autograd.grad(out, batch, start)[0].numpy()

        method = lrp(PRESETS[name](absolute=True))
        jobs[f"LRP {name}"] = (run_ours(method, classifier, x, targets), theirs)
    return jobs


def run_ours(method, classifier, x, targets) -> Callable[[], Any]:
    audio, wanted, key = jnp.asarray(x), jnp.asarray(targets), jax.random.key(0)
    run = lambda: attribute_batch(method, classifier, audio, wanted, key=key).relevance
    return lambda: jax.block_until_ready(run())


def timed(run: Callable[[], Any]) -> float:
    run()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def m5(torch: Any) -> Any:
    """M5: four convolutions with batch norm, ReLU and max-pool, the mean over time, a layer."""
    nn = torch.nn
    sizes = ((1, 32, 80, 16), (32, 32, 3, 1), (32, 64, 3, 1), (64, 64, 3, 1))
    layers = [nn.Unflatten(1, (1, RATE))]
    for before, after, width, stride in sizes:
        norm = nn.BatchNorm1d(after, eps=0.0)
        layers += [nn.Conv1d(before, after, width, stride), norm, nn.ReLU(), nn.MaxPool1d(4)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def wave_transformer(torch: Any) -> Any:
    """A learned front end of frames of 25 ms, two layers of a transformer, the mean."""
    nn = torch.nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv1d(1, 96, 400, stride=160)
            layer = nn.TransformerEncoderLayer(
                96, 4, 192, 0.0, "gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.out = nn.Linear(96, CLASSES)

        def forward(self, x):
            return self.out(self.encoder(self.embed(x[:, None]).transpose(1, 2)).mean(1))

    return Network()


if __name__ == "__main__":
    sys.exit(run_main(main))
