"""What an attribution will cost, before it runs."""

import functools
import os
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.core.checks import as_array, check_floating, whole
from audioxai_jax.core.contracts import check_method, check_model
from audioxai_jax.core.records import as_model, record
from audioxai_jax.engine.estimator import CHUNK, Estimator, rechunk
from audioxai_jax.types import Method, Model, attribute


@record(static=("chunk", "evaluations", "flops", "peak_bytes"))
class Cost:
    """What one example costs.

    Attributes:
      chunk: evaluations of the model at once.
      evaluations: evaluations of the model in all, at most; a few checks come on top.
      flops: floating-point operations in all, at most, as the compiler counts them. What it
        finds in a loop, of a method inside a method, it counts once.
      peak_bytes: memory that one step needs beside its arguments.
    """

    chunk: int
    evaluations: int
    flops: float
    peak_bytes: int


def preview(method: Method, model: Model, x: Any, *, chunk: int = CHUNK) -> Cost:
    """Compiles a method for one example and reads what it will cost; nothing is run.

    Args:
      method, model: method and model, see `attribute`.
      x: an example, or its `jax.ShapeDtypeStruct`.
      chunk: evaluations of the model at once.

    >>> from audioxai_jax import integrated_gradients
    >>> model = lambda x: jnp.tanh(jnp.ones((10, 64)) @ jnp.sin(x))
    >>> cost = preview(integrated_gradients(steps=100), model, jnp.zeros(64), chunk=50)
    >>> cost.evaluations, cost.chunk, cost.flops > 100 * 2 * 10 * 64
    (100, 50, True)
    """
    check_method(method)
    check_model(model, "the model")
    model, x, chunk = as_model(model), as_array(x, "the input"), whole(chunk, "chunk")
    check_floating(x, "the input")
    x = jax.ShapeDtypeStruct(x.shape, x.dtype)
    method, rows = rechunk(method, chunk, x)
    lowered = _lower(method, model, x, 1)
    total = _evaluations(method, x)
    stops = method.milestones(x) if isinstance(method, Estimator) else (1,)
    steps = -(-stops[-1] // getattr(method, "chunk", 1))
    return Cost(rows, total, steps * _known(lowered.cost_analysis(), "flops"), _peak(lowered))


def fitting_rows(method: Any, model: Model, x: Any, device: Any, targets: int = 1) -> int:
    """Evaluations at once: `CHUNK`, or the number that half of the device's free memory can hold.

    Most models are known to fit by what their operations touch; the others are compiled.
    """
    free, rows = free_bytes(device) / 2, CHUNK
    while rows > 1:
        inner, used = rechunk(method, rows, x)
        leaves, structure = jax.tree.flatten((inner, model, x))
        step = structure, tuple(map(_type, leaves)), max(1, rows // used)
        if targets * _touched(*step) <= free or targets * _needed(*step) <= free:
            break
        rows //= 4
    return rows


@functools.lru_cache(maxsize=128)
def _touched(structure: Any, types: Any, examples: int) -> float:
    """Bytes that the operations of a step read and write; remembered, for it takes 15 ms."""
    method, model, x = jax.tree.unflatten(structure, types)
    return _known(_lower(method, model, x, examples).cost_analysis(), "bytes accessed")


@functools.lru_cache(maxsize=128)
def _needed(structure: Any, types: Any, examples: int) -> int:
    """Bytes that a step needs at once; remembered, for it takes a compilation."""
    method, model, x = jax.tree.unflatten(structure, types)
    return _peak(_lower(method, model, x, examples))


def _type(leaf: Any) -> jax.ShapeDtypeStruct:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    found = jax.typeof(leaf)
    return jax.ShapeDtypeStruct(found.shape, found.dtype, weak_type=found.weak_type)


def free_bytes(device: Any) -> float:
    """Free memory of a device; infinite where it cannot be known."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return float("inf")


def _lower(method: Any, model: Model, x: Any, examples: int) -> Any:
    """One step of an estimator, or all of another method, for some examples at once."""
    batch = jax.ShapeDtypeStruct((examples, *x.shape), x.dtype)
    return _step.lower(method, model, batch, jax.ShapeDtypeStruct((), jnp.int32), jax.random.key(0))


@jax.jit
def _step(method: Any, model: Model, batch: Any, target: Any, key: Any) -> Any:
    def one(x: Any) -> Any:
        if not isinstance(method, Estimator):
            return attribute(method, model, x, target, key=key)
        state = method.init(model, x, target, key=key)
        numbers = jnp.arange(method.chunk, dtype=jnp.int32)
        return method.step(model, x, target, state, numbers, numbers >= 0, key=key)

    return jax.vmap(one)(batch)


def _evaluations(method: Any, x: Any) -> int:
    own = method.milestones(x)[-1] if isinstance(method, Estimator) else 1
    inner = [part for part in vars(method).values() if isinstance(part, Method)]
    return own * max([_evaluations(part, x) for part in inner], default=1)


def _known(analysis: Any, name: str) -> float:
    return float((analysis or {}).get(name, 0.0))


def _peak(lowered: Any) -> int:
    memory = lowered.compile().memory_analysis()
    return int(memory.temp_size_in_bytes + memory.output_size_in_bytes) if memory else 0
