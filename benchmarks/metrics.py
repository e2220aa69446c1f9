"""How long metrics take on this machine, now, beside Quantus.

    python -m benchmarks.metrics --json runs/benchmark_metrics.json

1,000 latents of one second `[50, 64]`, drawn at random, with the shipped keyword classifier and
gradient x input as relevance. Each metric of relevance, or of relevance and a model, in
`metrics.table` is measured alone, compiled beforehand; "all in one program" shares what
they have in common. Curves have 20 steps. Quantus, where it is installed, has the same
classifier, called with whole batches, on a few of the clips: seconds are scaled to all.
"""

import inspect
import os
import sys
import time
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import attribute_batch, input_x_gradient, map_examples, saliency
from audioxai_jax.cli.console import Parser, add_json_option, positive, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.records import Static
from audioxai_jax.metrics.table import METRICS
from audioxai_jax.weights.load import load_classifier

FRAMES, CHANNELS, STEPS = 50, 64, 20
BAR = 120
MANY = 100
"""Examples at once where no model is asked."""
KINDS = ("relevance", "model", "method")
SETTINGS: dict[str, Any] = {"size": FRAMES * CHANNELS // 10, "step": FRAMES * CHANNELS // STEPS}
"""Of arguments that metrics do not share, if they have them."""


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=positive, default=1000)
    parser.add_argument("--their-clips", type=int, default=20, help="0 leaves Quantus out")
    parser.add_argument("--chunk", type=positive, default=1, help="clips at once, of a model")
    names = [name for name, metric in METRICS.items() if metric.of in KINDS]
    parser.add_argument("--metrics", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--without", nargs="+", choices=names, default=[], metavar="NAME")
    parser.add_argument("--together", action="store_true", help="all in one program only")
    add_json_option(parser)
    options = parser.parse_args()
    if not 0 <= options.their_clips <= options.clips:
        parser.error("--their-clips are some of --clips: their seconds are scaled by the two")

    model = load_classifier("keywords").model
    key = jax.random.key(0)
    x = jax.random.normal(key, (options.clips, FRAMES, CHANNELS))
    target = jnp.argmax(jax.lax.map(model, x, batch_size=64), axis=1).astype(jnp.int32)
    relevance = attribute_batch(
        input_x_gradient(), model, x, target, key=jax.random.key(0)
    ).relevance
    examples = {"x": x, "target": target, "relevance": relevance}

    names = [name for name in options.metrics if name not in options.without]
    cheap = [name for name in names if METRICS[name].of != "method"]
    rows = []
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    say(f"{jax.devices()[0].device_kind}, {load}; {options.clips} clips", "")
    say(f"| {'metric':28} | {'of':9} | seconds | median |", "|---" * 4 + "|")
    for name in () if options.together else names:
        chunk = options.chunk if METRICS[name].of != "relevance" else MANY
        found, seconds = measure((name,), model, examples, chunk)
        median = float(np.nanmedian(found[name]))
        say(f"| {name:28} | {METRICS[name].of:9} | {seconds:7.2f} | {median:.4g} |")
        rows.append({"metric": name, "seconds": seconds, "median": median})
    alone = sum(row["seconds"] for row in rows)
    together = measure(tuple(names), model, examples, options.chunk)[1]
    of_relevance = measure(tuple(n for n in names if n in cheap), model, examples, options.chunk)[1]
    first = f"one by one {alone:.1f} s; " if rows else ""
    rest = f"without those of a method {of_relevance:.1f} s; bar {BAR} s"
    say("", f"{first}all in one program {together:.1f} s, {rest}")
    theirs = their_seconds(names, model, examples, options.their_clips) if rows else {}
    for name, seconds in theirs.items():
        scaled = seconds * options.clips / options.their_clips
        own = next(row["seconds"] for row in rows if row["metric"] == name)
        few = f"{seconds:.2f} s for {options.their_clips} clips"
        say(f"Quantus, {name}: {few}, {scaled:.1f} s for all: {scaled / own:.1f} times ours")
    found = {"rows": rows, "together": together, "of_relevance": of_relevance}
    source = describe_run("python -m benchmarks.metrics")
    write_rows(options.json, {**source, **found, "quantus": theirs})


def measure(names, model, examples, chunk) -> tuple[dict[str, np.ndarray], float]:
    """The metrics of all examples, and the seconds it took once it was compiled."""
    shared = (model, Static(names))
    settings: dict[str, Any] = {"key": jax.random.key(1), "chunk": chunk}
    some = jax.tree.map(lambda leaf: leaf[: chunk + 1], examples)
    jax.block_until_ready(map_examples(one_example, shared, some, **settings))
    began = time.perf_counter()
    found = jax.block_until_ready(map_examples(one_example, shared, examples, **settings))
    return found, time.perf_counter() - began


def one_example(shared, example, key) -> dict[str, jax.Array]:
    model, names = shared
    known = {**example, "model": model, "method": saliency(), "key": key, **SETTINGS}
    functions = {name: METRICS[name].function for name in names.value}
    return {
        name: function(**{argument: known[argument] for argument in needed(function)})
        for name, function in functions.items()
    }


def needed(function) -> list[str]:
    """Its arguments that must be given, or whose value is in SETTINGS."""
    parameters = inspect.signature(function).parameters.values()
    free = [p for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD]
    return [p.name for p in parameters if p in free or p.name in SETTINGS]


def their_seconds(names, model, examples, clips: int) -> dict[str, float]:
    """Seconds of Quantus for a few clips, by our names; nothing where it is not installed."""
    if not clips:
        return {}
    try:
        torch, quantus = their_library()
    except ImportError as error:
        say(f"Quantus is left out: {error}")
        return {}
    predict = jax.jit(jax.vmap(model))

    class Network(torch.nn.Module):
        """Ours; it wants a network of torch `[N, 1, F, C] -> [N, K]`."""

        def forward(self, x):
            return torch.tensor(np.asarray(predict(jnp.asarray(x.numpy()[:, 0]))))

    few = {name: np.asarray(values[:clips]) for name, values in examples.items()}
    given = {"x_batch": few["x"][:, None], "y_batch": few["target"], "channel_first": True}
    found = {}
    for name, metric in their_metrics(quantus).items():
        if name in names:
            seconds = []
            for _ in range(2):  # the first compiles
                relevance = few["relevance"][:, None].copy()
                began = time.perf_counter()
                metric(model=Network().eval(), a_batch=relevance, softmax=True, **given)
                seconds.append(time.perf_counter() - began)
            found[name] = seconds[-1]
    return found


def their_metrics(quantus) -> dict[str, Any]:
    """With the settings of ours."""
    quiet, size = {"disable_warnings": True, "perturb_baseline": 0.0}, FRAMES * CHANNELS
    return {
        "deletion_auc": quantus.PixelFlipping(features_in_step=size // STEPS, **quiet),
        "faithfulness_correlation": quantus.FaithfulnessCorrelation(
            nr_runs=100, subset_size=SETTINGS["size"], **quiet
        ),
        "faithfulness_estimate": quantus.FaithfulnessEstimate(
            features_in_step=SETTINGS["step"], **quiet
        ),
        "sparseness": quantus.Sparseness(disable_warnings=True),
        "complexity": quantus.Complexity(disable_warnings=True),
        "effective_complexity": quantus.EffectiveComplexity(disable_warnings=True),
    }


def their_library():
    """torch and Quantus, which wants torchvision only for the names of two classes."""
    names = ("torchvision", "torchvision.models", "torchvision.models.resnet")
    sys.modules.update({name: types.ModuleType(name) for name in names})
    for name in ("Bottleneck", "BasicBlock"):
        setattr(sys.modules[names[-1]], name, type(name, (), {}))
    import quantus
    import torch

    return torch, quantus


if __name__ == "__main__":
    sys.exit(run_main(main))
