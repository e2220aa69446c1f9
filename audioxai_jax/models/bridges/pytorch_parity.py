"""An exported graph beside its module: the same numbers on noise, or a refusal.

PyTorch's exporter translates a few operations wrongly without a word (a pooling's own divisor, some
windows, means of scattered values), and with free lengths it keeps sizes of the example.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch  # pyright: ignore[reportMissingImports]

from audioxai_jax.core.programs import compiled
from audioxai_jax.models.bridges.onnx import OnnxModel, read_onnx
from audioxai_jax.models.bridges.pytorch_call import Call, flattened
from audioxai_jax.models.bridges.pytorch_export import quiet

LOUDNESS = 0.1
"""Standard deviation of the noise that is added to the example."""
TOLERANCE = 1e-3
"""Largest difference relative to the largest value: graphs are computed in single precision."""
LENGTHS = (1.37, 0.8)
"""Other lengths, relative to the example's, where any length is allowed."""


def difference(module: Any, content: bytes, call: Call) -> str | None:
    """What is wrong with a graph, in words; None if it gives the module's numbers.

    Args:
      module: module that was exported.
      content: ONNX file.
      call: how the module is called.
    """
    model = read_onnx(content)
    told = _at(module, model, call, 1.0)
    if told is not None:
        return (
            f"torch's exporter gives other numbers than the module: {told}. Rewrite the part that "
            "it translates wrongly, or export the module yourself for from_onnx"
        )
    for factor in LENGTHS if call.lengths else ():
        told = _at(module, model, call, factor)
        if told is not None:
            return (
                f"the graph of any length gives other numbers than the module: {told}. Leave "
                "any_length out: longer clips are then read by windows of the example's length"
            )
    return None


def _at(module: Any, model: OnnxModel, call: Call, factor: float) -> str | None:
    """The largest difference at a length, in words, or None."""
    draw = np.random.default_rng(0)
    tensors = {
        name: _noisy(draw, tensor, factor if name in call.lengths else 1.0)
        for name, tensor in call.tensors.items()
    }
    positions, by_name = call.arguments(tensors)
    try:
        with quiet(), torch.no_grad(), torch.random.fork_rng(devices=[]):
            expected = flattened(module(*positions, **by_name))
    except Exception:  # the module itself does not take this
        return None
    length = max((t.shape[-1] for t in tensors.values() if t.ndim), default=0)
    place = f"on noise of {length} samples"
    try:
        arrays = [jnp.asarray(tensors[port.name].numpy()) for port in model.inputs]
        results = jax.tree.leaves(_run(model, arrays))
    except ValueError as error:
        return f"it fails {place} ({str(error).splitlines()[0]})"
    return _compared(expected, [port.name for port in model.outputs], results, place)


def _compared(
    expected: Mapping[str, Any], names: list[str], results: list[Any], place: str
) -> str | None:
    for name, result in zip(names, results, strict=True):
        if name not in expected or not expected[name].is_floating_point():
            continue
        wanted, ours = expected[name].double().numpy(), np.asarray(result, np.float64)
        if wanted.shape != ours.shape:
            return f"{name!r} is {list(ours.shape)} instead of {list(wanted.shape)} {place}"
        known = np.isfinite(wanted)
        largest = np.max(np.abs(wanted), initial=0.0, where=known)
        off = np.max(np.abs(np.where(known, ours - wanted, 0.0)), initial=0.0)
        if not off <= TOLERANCE * max(largest, 1e-6):
            return (
                f"{name!r} is off by {100 * off / max(largest, 1e-6):.2g} % of its largest {place}"
            )
    return None


def _noisy(draw: np.random.Generator, tensor: Any, factor: float) -> Any:
    """A tensor of the example with noise, its last axis longer or shorter by a factor."""
    if not tensor.is_floating_point():
        return tensor
    shape = list(tensor.shape)
    if factor != 1.0:
        shape[-1] = max(1, round(factor * shape[-1]))
    noise = torch.from_numpy(LOUDNESS * draw.normal(size=shape)).to(tensor.dtype)
    return noise if factor != 1.0 else tensor.detach() + noise


@compiled
def _run(model: OnnxModel, arrays: list[Any]) -> Any:
    return model(*arrays)
