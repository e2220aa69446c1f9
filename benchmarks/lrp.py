"""How fast relevance propagation is beside zennit: AudioNet, on this machine, now.

    python -m benchmarks.lrp --json runs/benchmark_lrp.json

One interleaved run, the minimum of the repeats; both sides have the same weights and clips
and stabilise as zennit does by default. Needs torch and zennit: the extra `oracles`.
"""

import sys
import time
import types

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.nets.classifiers import audionet
from audioxai_jax.propagation import PRESETS, lrp

THEIRS = {
    "epsilon_plus": "EpsilonPlus",
    "epsilon_plus_flat": "EpsilonPlusFlat",
    "epsilon_alpha2_beta1": "EpsilonAlpha2Beta1",
    "epsilon_alpha2_beta1_flat": "EpsilonAlpha2Beta1Flat",
    "epsilon_gamma_box": "EpsilonGammaBox",
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=16, help="clips at once")
    parser.add_argument("--repeats", type=int, default=5)
    add_json_option(parser)
    options = parser.parse_args()

    torch, composites = their_library()
    config = audionet.AudioNetConfig()
    params = audionet.init(config, jax.random.key(0))
    ours, theirs = audionet.model(config, params), their_network(torch, config, params)
    x = np.random.default_rng(0).normal(size=(options.batch, config.samples)).astype(np.float32)
    targets = np.arange(options.batch) % config.classes
    jobs = {}
    for name, their_name in THEIRS.items():
        bounds = (-3.0, 3.0) if name == "epsilon_gamma_box" else ()
        method = lrp(PRESETS[name](*bounds, absolute=True))
        composite = getattr(composites, their_name)(*bounds)
        jobs[name, "ours"] = lambda m=method: jax.block_until_ready(
            explain(m, ours, jnp.asarray(x), jnp.asarray(targets))
        )
        jobs[name, "theirs"] = lambda c=composite: their_relevance(torch, c, theirs, x, targets)
    found = {name: job() for name, job in jobs.items()}
    seconds = dict.fromkeys(jobs, float("inf"))
    for _ in range(options.repeats):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    where = f"{jax.devices()[0].device_kind}, {torch.get_num_threads()} threads"
    say(f"{where}, AudioNet, batch {options.batch}, seconds a batch")
    say(f"{'composite':28}{'zennit':>10}{'ours':>10}{'ratio':>8}{'difference':>12}")
    rows = []
    for name in THEIRS:
        a, b = seconds[name, "theirs"], seconds[name, "ours"]
        expected, relevance = found[name, "theirs"], np.asarray(found[name, "ours"])
        apart = float(np.max(np.abs(relevance - expected)) / np.max(np.abs(expected)))
        say(f"{name:28}{a:10.3f}{b:10.3f}{a / b:8.2f}{apart:12.1e}")
        rows.append({"composite": name, "zennit": a, "ours": b, "difference": apart})
    write_rows(options.json, {**describe_run("python -m benchmarks.lrp"), "rows": rows})


@jax.jit
def explain(method, model, x, targets):
    one = lambda x, target: method(model, x, target, key=jax.random.key(0)).relevance
    return jax.vmap(one)(x, targets)


def their_library():
    """torch and zennit, which wants torchvision only for the names of two classes."""
    for name in ("torchvision", "torchvision.models", "torchvision.models.resnet"):
        sys.modules[name] = types.ModuleType(name)
    for name in ("Bottleneck", "BasicBlock"):
        setattr(sys.modules["torchvision.models.resnet"], name, type(name, (), {}))
    import torch
    from zennit import composites

    return torch, composites


def their_network(torch, config, params):
    """AudioNet in torch, channels first, with our weights."""
    layers, channels = [], 1
    for index, width in enumerate(config.widths):
        layers += [torch.nn.Conv1d(channels, width, 3, padding=1), torch.nn.ReLU()]
        layers.append(torch.nn.MaxPool1d(2 if index else 3, 2, ceil_mode=True))
        fill(torch, layers[-3], params[f"conv_{index}"], (2, 1, 0))
        channels = width
    layers.append(torch.nn.Flatten())
    names = [*(f"dense_{i}" for i in range(len(config.hidden))), "logits"]
    for name in names:
        kernel, bias = params[name]["kernel"], params[name]["bias"]
        if name == names[0]:  # torch flattens channels first
            kernel = kernel.reshape(-1, channels, kernel.shape[1]).transpose(1, 0, 2)
            kernel = kernel.reshape(-1, kernel.shape[2])
        layers.append(torch.nn.Linear(*kernel.shape))
        fill(torch, layers[-1], {"kernel": kernel, "bias": bias}, (1, 0))
    return torch.nn.Sequential(*layers).eval()


def fill(torch, layer, params, order):
    weight = np.ascontiguousarray(np.asarray(params["kernel"]).transpose(order))
    layer.weight.data = torch.tensor(weight)
    layer.bias.data = torch.tensor(np.asarray(params["bias"]).copy())


def their_relevance(torch, composite, network, x, targets):
    with composite.context(network) as model:
        batch = torch.tensor(x[:, None], requires_grad=True)
        out = model(batch)
        rows = torch.arange(len(x)), torch.tensor(targets)
        start = torch.zeros_like(out)
        start[rows] = out[rows].detach()
        (relevance,) = torch.autograd.grad(out, batch, start)
    return relevance[:, 0].numpy()


if __name__ == "__main__":
    sys.exit(run_main(main))
