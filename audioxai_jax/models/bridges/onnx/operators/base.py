"""What an operator is: a row of a table, and what its function is given.

What depends neither on inputs nor on weights is NumPy's while a model is traced: shapes, indices
and their arithmetic leave no equation behind. A function of an operator uses `module(*values)`
where it may meet either.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.onnx.graph import DTYPES, Graph, Node


@dataclasses.dataclass(frozen=True)
class Operator:
    """A row of the table.

    Attributes:
      compute: `(call, *inputs) -> output`, or a tuple of outputs; None for inputs left out.
      static: positions of inputs that must be known while tracing, such as a shape; -1 for all.
      by_shape: whether it reads nothing but the shape of its first input.
    """

    compute: Callable[..., Any]
    static: tuple[int, ...] = ()
    by_shape: bool = False


@dataclasses.dataclass(frozen=True)
class Call:
    """One evaluation of a node.

    Attributes:
      node: the node.
      run: `(graph, values of its inputs) -> values of its outputs`, for branches and bodies.
    """

    node: Node
    run: Callable[[Graph, Sequence[Any]], list[Any]]

    @property
    def version(self) -> int:
        return self.node.version

    @property
    def outputs(self) -> int:
        """Number of outputs that the node has."""
        return len(self.node.outputs)

    def wants(self, place: int) -> bool:
        """Whether an output is used by its name."""
        return place < len(self.node.outputs) and bool(self.node.outputs[place])

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an attribute."""
        return self.node.attributes.get(name, default)

    def require(self, name: str) -> Any:
        """The value of an attribute that must be there."""
        if name not in self.node.attributes:
            raise self.refusal(f"the attribute {name!r} is missing", "check the file")
        return self.node.attributes[name]

    def refusal(self, problem: str, todo: str) -> BridgeError:
        """An error that names the node."""
        return BridgeError(f"{self.node}: {problem}: {todo}")

    def static(self, value: Any, what: str) -> np.ndarray:
        """A value that must be known while tracing.

        Raises:
          BridgeError: if it depends on the data.
        """
        if isinstance(value, np.ndarray):
            return value
        raise self.refusal(
            f"{what} depends on the values of an input, so that shapes or the flow of control "
            "would change from clip to clip",
            "bind that input by fixed=, or export the model with fixed shapes",
        )

    def integers(self, value: Any, what: str) -> tuple[int, ...]:
        """Whole numbers that must be known while tracing."""
        return tuple(int(one) for one in np.ravel(self.static(value, what)))


def is_static(*values: Any) -> bool:
    """Whether all are known while tracing; None is."""
    return all(value is None or isinstance(value, np.ndarray) for value in values)


def module(*values: Any) -> Any:
    """NumPy if all values are known while tracing, else `jax.numpy`."""
    return np if is_static(*values) else jnp


def dtype_of(number: int, call: Call) -> Any:
    """The type of a number of ONNX, as this process computes with it where it is JAX's."""
    if number not in DTYPES:
        raise call.refusal(f"the type {number} is not computed with", "export it in float32")
    return np.dtype(DTYPES[number])


def cast(value: Any, dtype: Any) -> Any:
    """A value in another type: NumPy's as told, JAX's as far as this process has it."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype)
    return jnp.asarray(value).astype(jax.dtypes.canonicalize_dtype(dtype))


def alike(*values: Any) -> tuple[Any, ...]:
    """JAX arrays of one type, the widest among them; None stays."""
    arrays = [None if value is None else jnp.asarray(value) for value in values]
    dtype = jnp.result_type(*(array for array in arrays if array is not None))
    return tuple(None if array is None else array.astype(dtype) for array in arrays)


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front."""
    return tuple(axis + rank if axis < 0 else axis for axis in axes)


def simple(function: Callable[..., Any], *static: int) -> Operator:
    """An operator that is a function of its inputs alone, given the array module first."""
    return Operator(lambda call, *values: function(module(*values), *values), static)
