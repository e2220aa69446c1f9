"""What the tables of operators are made of, and what their functions share."""

import dataclasses
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.errors import BridgeError

HIGHEST = jax.lax.Precision.HIGHEST

VECTOR = "vector"
"""Form of an option that is a vector of int32."""
ACTIVATIONS: dict[int, Callable] = {
    0: lambda x: x,
    1: lambda x: jnp.maximum(x, 0),
    2: lambda x: jnp.clip(x, -1, 1),
    3: lambda x: jnp.clip(x, 0, 6),
    4: jnp.tanh,
}
"""The schema's ActivationFunctionType: what an operator applies to its own result."""


@dataclasses.dataclass(frozen=True)
class Operator:
    """A kind of operator.

    Attributes:
      name: name as in the schema's BuiltinOperator.
      apply: `(node, *inputs) -> output`, or a tuple of outputs. Inputs are NumPy arrays if they do
        not depend on the model's input, `jax.Array` otherwise, None if left out, and `Pair` for
        complex values, of which only operators with `pairs` know.
      fields: options: name to field number in the schema, form (as in `struct`, or VECTOR) and
        default.
      pairs: "parts" if it does the same to real and imaginary part, "own" if it reads pairs itself,
        "" if it takes real values only.
    """

    name: str
    apply: Callable[..., Any]
    fields: Mapping[str, tuple[int, str, Any]] = dataclasses.field(default_factory=dict)
    pairs: str = ""


@dataclasses.dataclass(frozen=True)
class Node:
    """One operator of a graph.

    Attributes:
      operator: its kind.
      inputs, outputs: indices of tensors; -1 for an input that is left out.
      options: values of the kind's fields.
      place: name of its first output, for messages.
    """

    operator: Operator
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    place: str

    def refuse(self, reason: str) -> BridgeError:
        """An error that names the operator and its output."""
        return BridgeError(f"operator {self.operator.name} (tensor {self.place!r}): {reason}")


@dataclasses.dataclass(frozen=True)
class Pair:
    """Complex values as real and imaginary part, so that every rule for real values applies."""

    real: Any
    imag: Any

    def map(self, function: Callable[[Any], Any]) -> Any:
        """The function of each part: a pair, or a tuple of pairs."""
        real, imag = function(self.real), function(self.imag)
        if isinstance(real, tuple):
            return tuple(map(Pair, real, imag))
        return Pair(real, imag)


def numpy_or_jax(*values: Any) -> ModuleType:
    """numpy if nothing depends on the model's input, so that shapes are known while tracing."""
    known = all(value is None or isinstance(value, (np.ndarray, np.generic)) for value in values)
    return np if known else jnp


def known(node: Node, value: Any, what: str) -> np.ndarray:
    """A value that must not depend on the model's input.

    Raises:
      BridgeError: if it does.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    raise node.refuse(f"its {what} depends on the model's input or weights, shapes must be fixed")


def whole_numbers(node: Node, value: Any, what: str) -> list[int]:
    """Such a value as a list of numbers."""
    return known(node, value, what).ravel().tolist()


def activated(node: Node, value: Any) -> Any:
    """The result after the activation that is fused with the operator."""
    code = node.options["activation"]
    if code not in ACTIVATIONS:
        raise node.refuse(f"fused activation {code} is not read")
    return ACTIVATIONS[code](value) if code else value
