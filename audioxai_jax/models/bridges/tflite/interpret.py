"""Evaluates the graph of a .tflite file; what depends on no input is computed while tracing."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import Port
from audioxai_jax.models.bridges.tflite.graph import Program
from audioxai_jax.models.bridges.tflite.operators import Node, Pair


@record(static=("program",))
class TfliteModel:
    """A .tflite graph as a JAX function of its inputs.

    Attributes:
      program: graph without weights.
      params: floating-point constants by the names of their tensors; the leaves.
    """

    program: Program
    params: dict[str, Array] = dataclasses.field(repr=False)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Names, shapes and dtypes of the inputs."""
        return self.program.ports[0]

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Names, shapes and dtypes of the outputs."""
        return self.program.ports[1]

    @relaxed()
    def __call__(self, *arrays: Array) -> Any:
        """The output, or a tuple of several, of arrays for the inputs, in their order.

        Raises:
          BridgeError: for another number of arrays, or shapes that an operator refuses.
        """
        program = self.program
        if len(arrays) != len(program.inputs):
            names = ", ".join(port.name for port in self.inputs)
            raise BridgeError(
                f"the model has {len(program.inputs)} inputs ({names}), got {len(arrays)}"
            )
        values: dict[int, Any] = {-1: None, **program.constants}
        values |= {index: jnp.asarray(self.params[n]) for index, n in program.leaves.items()}
        for index, port, array in zip(program.inputs, self.inputs, arrays, strict=True):
            values[index] = _given(port, array)
        for node in program.nodes:
            results = _evaluate(node, [values[index] for index in node.inputs])
            values |= dict(zip(node.outputs, results))
        results = tuple(map(jnp.asarray, (values[index] for index in program.outputs)))
        return results[0] if len(results) == 1 else results


def _given(port: Port, array: Any) -> Array:
    array = jnp.asarray(array)
    kind = np.dtype(port.dtype).kind
    whole = kind in "iu"
    if whole != (array.dtype.kind in "iu") and kind != "b":
        raise BridgeError(f"input {port.name!r} takes {port.dtype}, got {array.dtype.name}")
    return array.astype(port.dtype) if whole else array


def _evaluate(node: Node, inputs: list[Any]) -> tuple[Any, ...]:
    operator = node.operator
    try:
        if any(isinstance(value, Pair) for value in inputs) and operator.pairs != "own":
            if operator.pairs != "parts" or any(isinstance(value, Pair) for value in inputs[1:]):
                raise node.refuse("complex values are not read here")
            result = inputs[0].map(lambda part: operator.apply(node, part, *inputs[1:]))
        else:
            result = operator.apply(node, *inputs)
    except BridgeError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        shapes = ", ".join(str(list(np.shape(value))) for value in inputs if not _is_pair(value))
        reason = " ".join(str(error).split())[:160]
        raise node.refuse(f"cannot be computed of shapes {shapes}: {reason}") from error
    return result if isinstance(result, tuple) else (result,)


def _is_pair(value: Any) -> bool:
    return value is None or isinstance(value, Pair)
