"""Models of Keras 3 on its JAX backend: functions of their variables, under their paths."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.equality import Same
from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.records import record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.bridges.classifier import as_classifier
from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.keras_graph import (
    LOGITS,
    ending,
    inputs_of,
    is_functional,
    outputs_of,
    port,
    tensor_named,
)
from audioxai_jax.models.bridges.onnx.graph import Port
from audioxai_jax.types import Classifier

Names = tuple[tuple[str, ...], tuple[str, ...]]


@record(static=("model", "inputs", "outputs", "fixed", "names", "constants"))
class KerasModel:
    """A Keras model as a JAX function, in inference mode.

    Attributes:
      model: the Keras model, of which only the structure is used; each object has its programs.
      inputs: tensors that the function takes, in their order.
      outputs: tensors that it returns; empty if a subclass does not tell.
      fixed: values of the other inputs, by name.
      names: paths of the variables that are trained, and of the others.
      constants: values of variables that hold whole numbers, by path.
      params: the others by path, such as "dense/kernel"; the leaves.
    """

    model: Same
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    fixed: tuple[tuple[str, np.ndarray], ...] = dataclasses.field(repr=False)
    names: Names = dataclasses.field(repr=False)
    constants: tuple[tuple[str, np.ndarray], ...] = dataclasses.field(repr=False)
    params: dict[str, Array] = dataclasses.field(repr=False)

    @relaxed()
    def __call__(self, *arrays: Array) -> Any:
        """The output, or a tuple of several, of arrays for the inputs, in their order.

        Raises:
          BridgeError: for another number of arrays.
        """
        if len(arrays) != len(self.inputs):
            told = ", ".join(port.name for port in self.inputs)
            raise BridgeError(
                f"the Keras model has {len(self.inputs)} inputs ({told}), got {len(arrays)}"
            )
        model = self.model.value
        values = {**dict(self.constants), **self.params}
        variables = [[jnp.asarray(values[name]) for name in part] for part in self.names]
        given = dict(self.fixed)
        given |= {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        tensors = list(arrays)
        if is_functional(model):
            tensors = [[jnp.asarray(given[name]) for name in inputs_of(model)]]
        result, _ = model.stateless_call(*variables, *tensors, training=False)
        results = list(result.values()) if isinstance(result, dict) else result
        if not isinstance(results, (list, tuple)):
            return results
        return results[0] if len(results) == 1 else tuple(results)


def read_keras(
    model: Any,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    fixed: Mapping[str, Any] | None = None,
) -> KerasModel:
    """A Keras model as a JAX function of arrays, whose leaves are its variables.

    Batch normalisation uses its running statistics, and dropout is off. Later steps of training
    are not seen: read the model again. Layouts are the model's own, a batch first.

    Args:
      model: a built model of Keras 3; functional, sequential, or a subclass.
      inputs: names of its inputs; all that `fixed` does not bind if empty.
      outputs: names of its outputs, of layers, or "logits" for what goes into the ending softmax
        or sigmoid; its outputs if empty.
      fixed: values of other inputs by name, with their batch of one.

    Raises:
      BridgeError: on another backend than JAX, for a model that is not built, or a name that is
        not there.
      MissingExtra: if Keras is not installed.
    """
    with needed_by("audioxai_jax.from_keras"):
        import keras  # pyright: ignore[reportMissingImports]
    _check(keras, model)
    bound = {name: np.asarray(value) for name, value in (fixed or {}).items()}
    if not is_functional(model):
        if inputs or outputs or bound:
            raise BridgeError(
                f"{type(model).__name__} is a subclass of keras.Model, whose tensors have no "
                "names: leave out input=, output= and fixed=, or wrap it in a functional model"
            )
        return _function(model, (Port("input", None, ""),), (), (), {})
    known = inputs_of(model)
    for name in (*inputs, *bound):
        if name not in known:
            raise BridgeError(
                f"the Keras model has no input {name!r}: it has {nearest(name, known)}"
            )
    wanted = tuple(inputs) or tuple(name for name in known if name not in bound)
    missing = [name for name in known if name not in (*wanted, *bound)]
    if missing:
        raise BridgeError(f"the Keras model also reads {', '.join(missing)}: bind it by fixed=")
    ends, instead = {}, {}
    for name in outputs or outputs_of(model):
        ends[name], replaced = tensor_named(model, name)
        instead |= replaced
    inner: Any = keras
    part = inner.Model(list(model.inputs), list(ends.values()))
    return _function(
        part,
        tuple(port(name, known[name]) for name in wanted),
        tuple(port(name, tensor) for name, tensor in ends.items()),
        tuple(sorted(bound.items())),
        instead,
    )


def _check(keras: Any, model: Any) -> None:
    backend = keras.config.backend()
    if backend != "jax":
        raise BridgeError(
            f"Keras runs on {backend}: set KERAS_BACKEND=jax before Keras is imported, and load "
            "the model again"
        )
    if not isinstance(model, keras.Model):
        raise BridgeError(f"expected a keras.Model, got {type(model).__name__}: load it by keras")
    if not model.built:
        raise BridgeError(
            f"the Keras model {model.name!r} has no weights yet: call it once on a batch of sounds"
        )


def _function(model: Any, first: Any, last: Any, fixed: Any, instead: dict[int, Any]) -> KerasModel:
    """The record; `instead` has the variables whose values and paths others take, by identity."""
    names, constants, parameters = [], {}, {}
    for variables in (model.trainable_variables, model.non_trainable_variables):
        part = []
        for variable in variables:
            source = instead.get(id(variable), variable)
            name = source.path
            while name in parameters or name in constants:
                name += "_"
            part.append(name)
            value = np.asarray(source.value)
            if jnp.issubdtype(value.dtype, jnp.floating):
                parameters[name] = jnp.asarray(value)
            else:
                constants[name] = value
        names.append(tuple(part))
    settled = tuple(sorted(constants.items()))
    return KerasModel(Same(model), first, last, fixed, tuple(names), settled, parameters)


def from_keras(
    model: Any,
    *,
    sample_rate: int | None = None,
    reads: Domain | None = None,
    input: str | None = None,
    output: str | None = None,
    fixed: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
) -> Classifier:
    """A Keras 3 model as a classifier; set KERAS_BACKEND=jax before Keras is imported.

    Args:
      model: a built model, as for `read_keras`.
      sample_rate: sample rate in Hz of a model that reads a waveform; this or `reads`.
      reads: domain whose features the model reads.
      input: name of the input that is explained; None for the only one that `fixed` leaves.
      output: name of an output or of a layer, or "logits" for what goes into the ending softmax
        or sigmoid; None for the only output.
      fixed: values of other inputs by name, with their batch of one.
      labels: names of the outputs.
      outputs: kind of the outputs, see `Classifier`; None for what the model ends in.

    Raises:
      BridgeError: as `read_keras`, and for several inputs or outputs of which none is named.
    """
    chosen = ((input,) if input else (), (output,) if output else ())
    function = read_keras(model, inputs=chosen[0], outputs=chosen[1], fixed=fixed)
    for ports, what in ((function.inputs, "input"), (function.outputs, "output")):
        if len(ports) > 1:
            names = ", ".join(port.name for port in ports)
            raise BridgeError(
                f"the Keras model has {len(ports)} {what}s: name one by {what}=, of {names}"
            )
    first = function.inputs[0]
    if first.dtype and not jnp.issubdtype(jnp.dtype(first.dtype), jnp.floating):
        raise BridgeError(
            f"the input {first.name!r} is {first.dtype}, and only floating point can be explained"
        )
    return as_classifier(
        function,
        first.shape,
        sample_rate=sample_rate,
        reads=reads,
        labels=labels,
        outputs=outputs or _kind(model, output),
        dtype=first.dtype,
    )


def _kind(model: Any, output: str | None) -> str | None:
    """What the outputs are, by the ending of the model."""
    end = ending(model)
    if end is None:
        return None
    if output == LOGITS and LOGITS not in outputs_of(model):
        return end[1]
    return "probabilities" if output is None or output in outputs_of(model) else None
