"""Models of TensorFlow Lite (LiteRT) as JAX functions; no package is needed to read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from audioxai_jax.models.bridges.classifier import as_classifier
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import Port
from audioxai_jax.models.bridges.tflite.graph import ENDINGS, load
from audioxai_jax.models.bridges.tflite.interpret import TfliteModel
from audioxai_jax.types import Classifier

__all__ = ["Port", "TfliteModel", "from_tflite", "read_tflite"]

LOGITS = "logits"
"""Name of the output that is asked for in front of an ending that makes probabilities."""


def read_tflite(
    path: str | Path, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> TfliteModel:
    """The main graph of a .tflite file as a JAX function of arrays.

    Floating-point constants are leaves under the names of their tensors (one that is there twice
    ends in "#" and its number). Layouts are the file's: a batch first, channels last. The
    Fourier transform is a product with real matrices, so that LRP passes it. See
    tensorflow/lite/schema/schema.fbs for the operators.

    Args:
      path: .tflite file of floating-point computations; weights in float16 are read as stored.
      inputs: names of tensors of the graph; those of the file if empty. The graph is cut there.
      outputs: names of tensors of the graph; those of the file if empty.

    Returns:
      Model of one array per input; its output, or a tuple of several.

    Raises:
      BridgeError: for a file that is missing or damaged, an operator that is not read (recurrent
        state, control flow), quantised values, or a name that is not there; names the operator.
    """
    program, parameters = load(path, tuple(inputs), tuple(outputs))
    leaves = {name: jnp.asarray(value) for name, value in parameters.items()}
    return TfliteModel(program, leaves)


def from_tflite(
    path: str | Path,
    *,
    sample_rate: int | None = None,
    reads: Any = None,
    input: str | None = None,
    output: str | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
) -> Classifier:
    """A classifier of a .tflite file.

    Args:
      path: .tflite file, as for `read_tflite`.
      sample_rate: sample rate in Hz of a model that reads a waveform; else give `reads`.
      reads: domain whose features the model reads.
      input: name of any tensor to begin at; None for the only input.
      output: name of any tensor to end at; "logits" for the tensor in front of the ending
        softmax or sigmoid, unless a tensor has that name; None for the only output.
      labels: names of the outputs.
      outputs: kind of outputs, as of `Classifier`. None goes by the ending of the graph.

    Raises:
      BridgeError: as `read_tflite`, and for a graph of several inputs or outputs of which none
        is named.

    >>> from_tflite("bird.tflite", sample_rate=48_000)  # doctest: +SKIP
    """
    model = read_tflite(path)
    first = [input] if input else _only(path, [port.name for port in model.inputs], "input")
    last = [output] if output else _only(path, [port.name for port in model.outputs], "output")
    names = {node.place for node in model.program.nodes}
    ending = _ending(model, last[0])
    if output == LOGITS and LOGITS not in names:
        end = _only(path, [port.name for port in model.outputs], "output")
        ending = _ending(model, end[0])
        if ending is None:
            raise BridgeError(
                f"{path}: ends in no softmax or sigmoid, so output='logits' is its own"
            )
        last = [ending[1]]
        kind = "sigmoid" if ending[0] == "LOGISTIC" else "softmax"
    else:
        kind = None if ending is None or ending[0] == "LOG_SOFTMAX" else "probabilities"
    cut = read_tflite(path, inputs=first, outputs=last)
    return as_classifier(
        cut,
        cut.inputs[0].shape,
        sample_rate=sample_rate,
        reads=reads,
        labels=labels,
        outputs=outputs or kind,
    )


def _only(path: str | Path, names: list[str], what: str) -> list[str]:
    if len(names) == 1:
        return names
    raise BridgeError(f"{path}: has {len(names)} {what}s, name one by {what}=: {', '.join(names)}")


def _ending(model: TfliteModel, name: str) -> tuple[str, str] | None:
    """Operator that makes probabilities, and the tensor in front of it; None if the graph has none.

    Operators that only change the shape are passed.
    """
    program = model.program
    makers = {index: node for node in program.nodes for index in node.outputs}
    places = {node.outputs[0]: node.place for node in program.nodes}
    index = next((at for at, place in places.items() if place == name), None)
    while index in makers:
        node = makers[index]
        if node.operator.name in ENDINGS:
            before = node.inputs[0]
            return node.operator.name, places.get(before, "")
        if node.operator.name not in ("RESHAPE", "SQUEEZE"):
            return None
        index = node.inputs[0]
    return None
