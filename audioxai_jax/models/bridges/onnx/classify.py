"""`from_onnx`: an ONNX file as a `Classifier`."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.core.records import Static
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.bridges.classifier import as_classifier, axes_around
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.ends import chosen_output
from audioxai_jax.models.bridges.onnx.graph import Port
from audioxai_jax.models.bridges.onnx.interpret import OnnxModel
from audioxai_jax.models.bridges.onnx.loading import build
from audioxai_jax.models.bridges.onnx.reading import File, read_file
from audioxai_jax.types import Classifier


def from_onnx(
    source: str | Path | bytes,
    *,
    sample_rate: int | None = None,
    reads: Domain | None = None,
    input: str | None = None,
    output: str | None = None,
    start: str | None = None,
    fixed: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
) -> Classifier:
    """An ONNX file as a classifier, whose leaves are its weights under their ONNX names.

    LRP composites match weights by these names: `path("encoder.0.weight")`. A model of a fixed
    number of samples reads longer clips in windows, see `models.windowed`.

    Args:
      source: path of the file, or its bytes.
      sample_rate: rate of the waveform that the model reads, Hz; this or `reads`.
      reads: domain whose features the model reads, instead of a waveform.
      input: name of the tensor that is explained, any of the graph; None for the only input that
        `fixed` does not bind.
      output: name of the tensor whose entries are explained, any of the graph; "logits" for the
        tensor before the ending Softmax, LogSoftmax or Sigmoid; None for the only output.
      start: name of the tensor behind the model's own normalisation, a x + b of the waveform x.
        Its values are then explained, in the domain `domains.normalised`. For a tensor that is
        not shaped as a waveform give `reads` as well.
      fixed: values of other inputs by name, such as the sample rate or an initial state.
      labels: names of the outputs; None for those that the file tells.
      outputs: kind of the outputs, see `Classifier`; None for what the graph ends in.

    Returns:
      The classifier. Half-precision weights stay so; its outputs are float32.

    Raises:
      BridgeError: as `read_onnx`; if the explained input holds whole numbers, or several inputs or
        outputs are there to choose from; if what the model reads is not told.
      MissingExtra: without the package onnx.
    """
    file = read_file(source)
    fixed = dict(fixed or {})
    first = _chosen_input(file, input, fixed)
    last, kind = chosen_output(file.graph, output, file.source)
    model = build(file, inputs=(start or first,), outputs=(last,), fixed=fixed)
    port = model.inputs[0]
    _check_floats(file, port)
    if start is not None and reads is None:
        if sample_rate is None:
            raise BridgeError(
                "start= needs the sample rate of the waveform: give sample_rate= (Hz)"
            )
        front = build(file, inputs=(first,), outputs=(start,), fixed=fixed)
        reads, sample_rate = _behind(front, sample_rate, start), None
    shape = _known_shape(port, file.ports.get(first))
    return as_classifier(
        dataclasses.replace(model, labels=None),
        shape,
        sample_rate=sample_rate,
        reads=reads,
        labels=_fitting(model) if labels is None else labels,
        outputs=outputs or kind,
        dtype=port.dtype,
    )


def _chosen_input(file: File, name: str | None, fixed: Mapping[str, Any]) -> str:
    if name is not None:
        return name
    free = [port.name for port in file.graph.inputs if port.name not in fixed]
    if len(free) == 1:
        return free[0]
    told = ", ".join(free) or "none"
    raise BridgeError(
        f"{file.source} has {len(free)} inputs ({told}): name the explained one by input=, and "
        "bind the others by fixed="
    )


def _check_floats(file: File, port: Port) -> None:
    if port.dtype and not jnp.issubdtype(jnp.dtype(port.dtype), jnp.floating):
        raise BridgeError(
            f"{file.source}: the input {port.name!r} is {port.dtype}, and only floating point can "
            "be explained: name a tensor behind its conversion or embedding by input="
        )


def _known_shape(port: Port, whole: Port | None) -> tuple[int | None, ...] | None:
    """The shape of the tensor; that of the graph's input where the file says none."""
    if port.shape is not None or whole is None:
        return port.shape
    return whole.shape


def _fitting(model: OnnxModel) -> tuple[str, ...] | None:
    """Labels of the file, if there is one for each entry of the output."""
    shape = model.outputs[0].shape
    if model.labels is None or (shape and shape[-1] not in (None, len(model.labels))):
        return None
    return model.labels


def _behind(front: OnnxModel, sample_rate: int, start: str) -> Domain:
    """The domain of what a front end makes of a waveform."""
    shape = front.inputs[0].shape
    around = axes_around(shape, 1)
    size = sample_rate if shape is None else shape[around[0]] or sample_rate
    domain = domains.normalised(sample_rate, Partial(_waveform, Static(around), front))
    made = jax.eval_shape(domain.front, jax.ShapeDtypeStruct((size,), jnp.float32))  # type: ignore[attr-defined]
    if made.shape != (size,):
        raise BridgeError(
            f"the tensor {start!r} is {list(made.shape)} for {size} samples, not a waveform that "
            "is scaled and shifted: give reads=, the domain whose features it holds"
        )
    return domain


def _waveform(around: Static, front: OnnxModel, x: Array) -> Array:
    """A front end as a function of a waveform `[T]`; one that keeps its size returns `[T]`."""
    before, after = around.value  # type: ignore[misc]
    y = front(jnp.expand_dims(x, (*range(before), *range(before + 1, before + 1 + after))))
    return y.reshape(x.shape).astype(x.dtype) if y.size == x.size else y
