"""Evaluates a graph, node by node, in JAX; what depends on nothing stays NumPy's."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import Graph, Node, Port
from audioxai_jax.models.bridges.onnx.operators import OPERATORS
from audioxai_jax.models.bridges.onnx.operators.base import Call, Whole, is_static


class Program:
    """A graph with the constants that it computes with; equal if their fingerprints are."""

    def __init__(self, graph: Graph, constants: Mapping[str, np.ndarray], fingerprint: str) -> None:
        self.graph, self.constants, self.fingerprint = graph, constants, fingerprint

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Program({len(self.graph.nodes)} nodes, {self.fingerprint[:12]})"


@record(static=("program", "labels"))
class OnnxModel:
    """An ONNX graph as a JAX function; a pytree whose leaves are the weights, by their names.

    Attributes:
      params: weights by their ONNX names, in the precision that the file stores.
      program: graph without weights; files that differ in weights alone compile once.
      labels: names of the outputs that the file tells, or None.
    """

    params: dict[str, Array] = dataclasses.field(repr=False)
    program: Program
    labels: tuple[str, ...] | None = dataclasses.field(default=None, compare=False)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Names, shapes and types of what it is called with."""
        return self.program.graph.inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        """Names, shapes and types of what it returns."""
        return self.program.graph.outputs

    @relaxed()
    def __call__(self, *arrays: Any) -> Any:
        """The output, or a tuple of several.

        Raises:
          BridgeError: if the inputs do not fit, or shapes depend on their values.
        """
        if len(arrays) != len(self.inputs):
            names = ", ".join(port.name for port in self.inputs)
            raise BridgeError(
                f"the model takes {len(self.inputs)} arrays ({names}), got {len(arrays)}"
            )
        values: dict[str, Any] = {**self.program.constants, **self.params}
        for port, array in zip(self.inputs, arrays, strict=True):
            values[port.name] = _fitting(port, array)
        outputs = run(self.program.graph, values)
        outputs = [jax.tree.map(jnp.asarray, output) for output in outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _fitting(port: Port, array: Any) -> Array:
    array = jnp.asarray(array)
    sizes = port.shape
    if sizes is not None:
        same = len(sizes) == array.ndim and all(
            size in (None, given) for size, given in zip(sizes, array.shape, strict=True)
        )
        if not same:
            told = ", ".join("?" if size is None else str(size) for size in sizes)
            raise BridgeError(
                f"the input {port.name!r} must be [{told}], got {list(array.shape)}: give it "
                "that shape"
            )
    return array


def run(graph: Graph, values: Mapping[str, Any]) -> list[Any]:
    """Values of a graph's outputs, those of its inputs and of all that it captures given."""
    known = dict(values)
    for node in graph.nodes:
        results = _evaluate(node, known)
        known.update(zip(node.outputs, results))
    outputs = [known[port.name] for port in graph.outputs]
    return [value.value if isinstance(value, Whole) else value for value in outputs]


def with_plain_weights(
    graph: Graph, tensors: Mapping[str, np.ndarray]
) -> tuple[Graph, dict[str, np.ndarray]]:
    """A graph whose quantised weights are what they stand for, under the name of that tensor."""
    plain = [
        node
        for node in graph.nodes
        if node.operator == "DequantizeLinear" and all(name in tensors for name in node.reads)
    ]
    made = {node.outputs[0]: _evaluate(node, tensors)[0] for node in plain}
    kept = tuple(node for node in graph.nodes if node not in plain)
    return dataclasses.replace(graph, nodes=kept), {**tensors, **made}


def _evaluate(node: Node, known: Mapping[str, Any]) -> tuple[Any, ...]:
    """The outputs of a node; NumPy's if all that it reads is."""
    inputs = [known[name] if name else None for name in node.inputs]

    def inner(graph: Graph, given: Sequence[Any]) -> list[Any]:
        names = (port.name for port in graph.inputs)
        return run(graph, {**known, **dict(zip(names, given, strict=True))})

    operator = OPERATORS[node.domain, node.operator]
    call, zero = Call(node, inner), None
    if not operator.whole:
        first = inputs[0] if inputs else None
        if operator.moves and isinstance(first, Whole) and np.size(first.zero) == 1:
            inputs[0], zero = first.centred, first.zero
        inputs = [value.value if isinstance(value, Whole) else value for value in inputs]
    plain = all(is_static(known[name]) for name in node.reads)
    try:
        if plain:
            with jax.ensure_compile_time_eval(), np.errstate(all="ignore"):
                results = _as_tuple(operator.compute(call, *inputs))
            return jax.tree.map(np.asarray, results)
        with jax.named_scope(node.name):
            results = _as_tuple(operator.compute(call, *inputs))
        if zero is not None:
            floating = lambda value: jnp.issubdtype(value.dtype, jnp.floating)  # not places
            return tuple(Whole(one, zero) if floating(one) else one for one in results)
    except BridgeError:
        raise
    except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        shapes = ", ".join(str(list(np.shape(value))) for value in inputs if value is not None)
        raise BridgeError(
            f"{node}: {str(error).strip().splitlines()[0]} (inputs {shapes}): check the shape of "
            "the model's input"
        ) from error
    return jax.tree.map(lambda value: np.asarray(value) if np.isscalar(value) else value, results)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
