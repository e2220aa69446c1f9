"""Architectures of transformers at full size, with random weights: what conversion costs.

    python -m experiments.subjects.full_size --json runs/full_size.json
    python -m experiments.subjects.full_size --only wav2vec2_base

They ship no weights, so that there is nothing to explain: the rows say how long the export, the
reading and the compilation take, and how far the outputs and gradients are from torch's.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import transformers

from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.core.records import as_model
from audioxai_jax.models.bridges.pytorch import read_torch

RATE = 16_000


def wav2vec2_base() -> tuple[torch.nn.Module, torch.Tensor]:
    """Wav2Vec2 base, 12 layers of 768, twelve classes; one second of samples."""
    config = transformers.Wav2Vec2Config(num_labels=12)
    return transformers.Wav2Vec2ForSequenceClassification(config), torch.randn(1, RATE)


def ast_base() -> tuple[torch.nn.Module, torch.Tensor]:
    """Audio Spectrogram Transformer, 12 layers of 768, 527 classes; 10.24 s of log-mel frames."""
    config = transformers.ASTConfig(num_labels=527)
    return transformers.ASTForAudioClassification(config), torch.randn(1, 1024, 128)


def whisper_base() -> tuple[torch.nn.Module, torch.Tensor]:
    """Whisper's base encoder, 6 layers of 512, twelve classes; 30 s of log-mel frames."""
    config = transformers.WhisperConfig(
        d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048
    )
    config.num_labels = 12
    return transformers.WhisperForAudioClassification(config), torch.randn(1, 80, 3000)


MODELS: dict[str, Callable[[], tuple[torch.nn.Module, torch.Tensor]]] = {
    build.__name__: build for build in (wav2vec2_base, ast_base, whisper_base)
}


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=MODELS, default=[*MODELS], metavar="NAME")
    add_json_option(parser)
    options = parser.parse_args()
    rows = []
    for name in options.only:
        rows.append(measured(name))
        say(str(rows[-1]))
    write_rows(options.json, rows)


def measured(name: str) -> dict[str, Any]:
    """Seconds, equations and errors of one model."""
    torch.manual_seed(0)
    module, example = MODELS[name]()
    module.eval()
    began = time.perf_counter()
    model = _logits(read_torch(module, example))
    row: dict[str, Any] = {"model": name, "convert": time.perf_counter() - began}
    x = jnp.asarray(example.numpy())
    weights = np.random.default_rng(0).standard_normal(model(x).shape).astype(np.float32)
    score = lambda model, x: jnp.sum(weights * model(x))
    row["equations"] = equations(jax.make_jaxpr(score)(model, x).jaxpr)
    value, row["compile value"] = _compiled(lambda model, x: model(x), model, x)
    gradient, row["compile gradient"] = _compiled(jax.grad(score, 1), model, x)
    leaf = example.clone().requires_grad_()
    expected = module(leaf).logits[0]
    (slope,) = torch.autograd.grad((expected * torch.tensor(weights)).sum(), leaf)
    row["value"] = distance(value(model, x), expected.detach())
    row["gradient"] = distance(gradient(model, x), slope)
    return row | {"parameters": sum(p.numel() for p in module.parameters())}


def distance(found: Any, expected: Any) -> float:
    """Largest difference, relative to the largest of torch's values."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


def equations(jaxpr: Any) -> int:
    """Equations of a jaxpr, those of inner ones included."""
    inner = [getattr(p, "jaxpr", p) for e in jaxpr.eqns for p in e.params.values()]
    return len(jaxpr.eqns) + sum(equations(p) for p in inner if hasattr(p, "eqns"))


def _logits(network: Any) -> Any:
    return as_model(jax.tree_util.Partial(_first, network))


def _first(network: Any, x: jax.Array) -> jax.Array:
    out = network(x)
    return (out[0] if isinstance(out, tuple) else out)[0]


def _compiled(function: Callable[..., Any], *args: Any) -> tuple[Callable[..., Any], float]:
    lowered = jax.jit(function).lower(*args)
    began = time.perf_counter()
    return lowered.compile(), time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(run_main(main))
