"""Modules of PyTorch as JAX functions: exported to ONNX in memory, and read from there."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioxai_jax.core.extras import needed_by
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.bridges import pytorch_advice
from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.onnx import OnnxModel, from_onnx, read_onnx
from audioxai_jax.models.bridges.onnx.reading import read_file
from audioxai_jax.models.bridges.pytorch_call import Call
from audioxai_jax.types import Classifier


def read_torch(
    module: Any, example: Any, *, any_length: bool = False, cache: str | Path | None = None
) -> OnnxModel:
    """A module as a JAX function, whose leaves are its parameters and buffers under their names.

    `torch.export` follows the module once on the example, and `torch.onnx.export` writes the graph,
    without moving weights: `net.0.weight` is `net.0.weight`. The module's mode, values and
    types, and the state of random numbers, stay as they are.

    Args:
      module: a `torch.nn.Module` in evaluation mode, on the CPU, in single or double precision.
      example: a tensor, a tuple of arguments, or a dictionary of named arguments, with a batch of
        one. Arguments that are not tensors, such as switches, are kept as they are.
      any_length: whether the last axis of all tensors of floating point may have any length later;
        by default shapes are those of the example.
      cache: folder that keeps the exported graphs, by the content of what made them: the weights,
        the example, the source files of the module's classes and the versions of the packages.
        Code that these files import from elsewhere is not among it.

    Returns:
      The function of the example's tensors in their order; its output, or a tuple of several.

    Raises:
      BridgeError: for a module in training mode, in half precision, off the CPU or scripted; if
        a buffer changes during a call; if the export fails, naming the layer, or gives
        other numbers than the module on noise.
      MissingExtra: without the packages torch, onnx and onnxscript.
    """
    return read_onnx(exported(module, example, any_length=any_length, cache=cache)[0])


def from_torch(
    module: Any,
    example: Any,
    *,
    sample_rate: int | None = None,
    reads: Domain | None = None,
    input: str | None = None,
    output: str | None = None,
    start: str | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
    any_length: bool = False,
    cache: str | Path | None = None,
) -> Classifier:
    """A module of PyTorch as a classifier, whose leaves are its parameters under their names.

    LRP composites match them by these names: `path("net.0.weight")`. A module that is given one
    second of sound as the example reads longer clips in windows of a second.

    Args:
      module: a `torch.nn.Module` in evaluation mode, as for `read_torch`.
      example: a tensor, a tuple or a dictionary of arguments, with a batch of one. All tensors
        but the explained one are bound to their values here, such as tokens or lengths.
      sample_rate: rate of the waveform that the module reads, Hz; this or `reads`.
      reads: domain whose features the module reads, instead of a waveform.
      input: name of the argument that is explained; None for the only one of floating point.
      output: name of the output: its field or key, or "output_1" of a tuple; "logits" also means
        what goes into an ending softmax or sigmoid; None for the only output.
      start: name of the tensor behind the module's own normalisation, as for `from_onnx`.
      labels: names of the outputs.
      outputs: kind of the outputs, see `Classifier`; None for what the graph ends in.
      any_length: whether the module takes waveforms of any length, as for `read_torch`.
      cache: folder that keeps the exported graphs, as for `read_torch`.

    Raises:
      BridgeError: as `read_torch` and `from_onnx`.
      MissingExtra: without the packages torch, onnx and onnxscript.
    """
    content, call = exported(module, example, any_length=any_length, cache=cache)
    arrays = {name: tensor.numpy() for name, tensor in call.tensors.items()}
    floats = [name for name, array in arrays.items() if array.dtype.kind == "f"]
    if input is None and len(floats) != 1:
        told = ", ".join(floats) or "none"
        if not floats:
            raise BridgeError(f"{type(module).__name__}: {pytorch_advice.whole_numbers(call)}")
        raise BridgeError(
            f"{type(module).__name__}: {len(floats)} arguments hold floating point ({told}): name "
            "the explained one by input="
        )
    explained = floats[0] if input is None else input
    if explained not in arrays and input in call.values:
        raise BridgeError(f"{type(module).__name__}: the argument {input!r} is not a tensor")
    bound = {name: array for name, array in arrays.items() if name != explained}
    if explained not in arrays:
        bound = {}  # a tensor within the graph
        _check_within(module, content, explained, call)
    return from_onnx(
        content,
        sample_rate=sample_rate,
        reads=reads,
        input=explained,
        output=output,
        start=start,
        fixed=bound,
        labels=labels,
        outputs=outputs,
    )


def _check_within(module: Any, content: bytes, name: str, call: Call) -> None:
    """Refuses a name that neither an argument nor a tensor within the graph has."""
    graph = read_file(content).graph
    made = [one for node in graph.nodes for one in node.outputs]
    if name not in made:
        raise BridgeError(
            f"{type(module).__name__}.forward has no argument {name!r}: the example gives it "
            f"{', '.join(call.tensors)}; of the tensors within, the nearest names are "
            f"{nearest(name, made)}"
        )


def exported(
    module: Any, example: Any, *, any_length: bool = False, cache: str | Path | None = None
) -> tuple[bytes, Call]:
    """The ONNX file of a module, and how it is called.

    Raises:
      BridgeError: as `read_torch`.
    """
    with needed_by("audioxai_jax.from_torch"):
        import onnx  # noqa: F401  # pyright: ignore[reportMissingImports]
        import onnxscript  # noqa: F401  # pyright: ignore[reportMissingImports]
        import torch  # noqa: F401  # pyright: ignore[reportMissingImports]
    from audioxai_jax.models.bridges import (
        pytorch_cache,
        pytorch_checks,
        pytorch_export,
        pytorch_parity,
    )

    pytorch_checks.check_module(module)
    call = pytorch_checks.as_call(module, example)
    if any_length:
        floats = (name for name, tensor in call.tensors.items() if tensor.is_floating_point())
        call = dataclasses.replace(call, lengths=tuple(floats))
    place = None if cache is None else pytorch_cache.place(Path(cache), module, call)
    content = None if place is None else pytorch_cache.kept(place)
    if content is not None and pytorch_parity.difference(module, content, call):
        content = None  # of a module that only looks the same
    if content is None:
        content = pytorch_export.export(module, call)
        if told := pytorch_parity.difference(module, content, call):
            raise BridgeError(f"{type(module).__name__}: {told}")
        if place is not None:
            pytorch_cache.keep(place, content)
    return content, call
