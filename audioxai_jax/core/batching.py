"""Over examples: keys, chunks of memory, devices. The only place that knows batches."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from audioxai_jax.core.checks import WrongType
from audioxai_jax.core.contracts import as_first_index, as_key
from audioxai_jax.core.programs import compiled

ROWS_ON_CPU = 4
ROWS_ON_ACCELERATOR = 64


def map_examples(
    function: Callable[[Any, Any, Array], Any],
    shared: Any,
    examples: Any,
    *,
    key: Array,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Any:
    """Maps `function(shared, example, key)` over the leading axis of `examples`.

    Example i gets the key `fold_in(key, first_index + i)`, whatever the chunk and the
    devices. The last chunk is padded with copies of its last example, which are
    dropped again, so all chunks share one compilation.

    Args:
      function: pure, of one example; its identity is the compilation's cache key, so
        pass a function of a module, not a fresh closure.
      shared: pytree handed whole to each call (parameters, methods).
      examples: pytree; each leaf has the leading axis N.
      key: one key for all.
      chunk: examples per device and step: more memory, not always more speed. "auto" is
        4 on CPU and 64 on accelerators (an example of integrated gradients is already
        a batch of its steps).
      devices: devices over which each chunk is split; all local devices if None.
      first_index: index of the first example in a larger collection.

    Returns:
      The results with a leading axis N, in order.

    Raises:
      ValueError: for an empty batch, unequal leading axes, or a chunk below 1.
    """
    parts = list(
        iterate_examples(
            function,
            shared,
            examples,
            key=key,
            chunk=chunk,
            devices=devices,
            first_index=first_index,
        )
    )
    return parts[0] if len(parts) == 1 else jax.tree.map(_concatenate, *parts)


def iterate_examples(
    function: Callable[[Any, Any, Array], Any],
    shared: Any,
    examples: Any,
    *,
    key: Array,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Iterator[Any]:
    """As `map_examples`, but yields the results chunk by chunk as they are ready."""
    size = _batch_size(examples)
    devices = as_devices(devices)[:size]
    first_index, key = as_first_index(first_index, size), as_key(key)
    rows = _chunk_size(chunk, devices, size) * len(devices)
    everywhere = NamedSharding(Mesh(np.asarray(devices), ("examples",)), PartitionSpec())
    shared, key = jax.device_put((shared, key), everywhere)

    for start in range(0, size, rows):
        wanted = np.arange(start, start + rows)
        index = np.minimum(wanted, size - 1)
        part = examples
        if rows != size:
            part = jax.tree.map(lambda leaf: leaf[index], examples)  # noqa: B023
        part, numbers = spread((part, (index + first_index).astype(np.uint32)), devices)
        result = _map_chunk(function, shared, part, key, numbers)
        if start + rows > size:
            result = jax.tree.map(lambda leaf: leaf[: size - start], result)  # noqa: B023
        yield result


def _concatenate(*leaves: Array) -> Array:
    return jnp.concatenate(leaves)


def spread(examples: Any, devices: list) -> Any:
    """Puts a part of the examples, whose number the devices divide, on each device."""
    mesh = Mesh(np.asarray(devices), ("examples",))
    return jax.device_put(examples, NamedSharding(mesh, PartitionSpec("examples")))


@functools.partial(compiled, static_argnums=0)
def _map_chunk(function, shared, examples, key: Array, numbers: Array):
    def one(example, number):
        return function(shared, example, jax.random.fold_in(key, number))

    return jax.vmap(one)(examples, numbers)


def _batch_size(examples: Any) -> int:
    sizes = {np.shape(leaf)[0] if np.ndim(leaf) else 0 for leaf in jax.tree.leaves(examples)}
    if len(sizes) != 1:
        raise ValueError(f"all examples need the same leading axis, got sizes {sorted(sizes)}")
    (size,) = sizes
    if size == 0:
        raise ValueError("the batch is empty: give at least one example")
    return size


def _chunk_size(chunk: int | str, devices: list, size: int) -> int:
    rows = check_chunk(chunk)
    if isinstance(rows, str):
        rows = ROWS_ON_CPU if devices[0].platform == "cpu" else ROWS_ON_ACCELERATOR
    return min(rows, -(-size // len(devices)))


def check_chunk(chunk: Any) -> int | str:
    """A whole number from 1 up, or "auto".

    Raises:
      WrongType, ValueError: for anything else.
    """
    if chunk == "auto":
        return "auto"
    if isinstance(chunk, str) or isinstance(chunk, bool) or not isinstance(chunk, int | np.integer):
        raise WrongType(f"chunk must be a positive whole number or 'auto', got {chunk!r}")
    if chunk < 1:
        raise ValueError(f"chunk must be a positive whole number or 'auto', got {chunk!r}")
    return int(chunk)


def as_devices(devices: Any) -> list[jax.Device]:  # type: ignore[valid-type]
    """All local devices if None.

    Raises:
      WrongType, ValueError: for anything but a list of devices, or an empty one.
    """
    if devices is None:
        return jax.local_devices()
    if not isinstance(devices, (list, tuple)) or not all(
        isinstance(device, jax.Device) for device in devices
    ):
        raise WrongType("devices must be a list of JAX devices, such as jax.local_devices()")
    if not devices:
        raise ValueError("the list of devices is empty: name at least one, or leave it out for all")
    return list(devices)
