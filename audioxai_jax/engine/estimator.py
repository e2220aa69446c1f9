"""Methods that add up many evaluations of the model: one description, two drivers.

Integrated Gradients, SmoothGrad, RISE or Shapley sampling are all sums over *samples*: nodes
of a path, draws of noise, masks, steps of a permutation. An `Estimator` says what one example's
sum is made of. `inside` runs it within a program (as part of `explain`, under `jit` and `vmap`,
exported); `attribute_batch` steps many examples from outside, and lets go of those that are
done. Sample number j is the same in both, however many are taken at once: `chunk` costs memory
and time, and changes nothing but the last digits.
"""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.strictness import relaxed
from audioxai_jax.types import Attribution, Model

CHUNK = 64
"""Evaluations of the model at once, unless said otherwise: most CPUs gain nothing beyond."""

UNROLLED = 4
"""Steps that are written out one after the other: on CPUs loops run convolutions slowly."""

State = Any


@runtime_checkable
class Estimator(Protocol):
    """A method, in pieces, and as a whole by `__call__ = run_inside_jit`: pure, of one example."""

    @property
    def chunk(self) -> int:
        """Samples that one step takes at most: a field, or 1 where each sample needs the last."""
        ...

    def milestones(self, x: Array) -> tuple[int, ...]:
        """Counts of samples at which it may be done; the last one ends it in any case."""
        ...

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        """What is known before the first sample."""
        ...

    def step(
        self,
        model: Model,
        x: Array,
        target: Array,
        state: State,
        numbers: Array,
        valid: Array,
        *,
        key: Array,
    ) -> State:
        """Adds the samples `numbers`, int32 `[n]`, n at most `chunk`; those not `valid` count
        nothing. They come in order, without gaps."""
        ...

    def done(self, state: State, count: Array) -> Array:
        """Whether the first `count` samples suffice; asked at milestones and beyond."""
        ...

    def read(
        self, model: Model, x: Array, target: Array, state: State, count: Array
    ) -> Attribution:
        """The result after `count` samples."""
        ...


@relaxed()
def run_inside_jit(
    self: Estimator, model: Model, x: Array, target: Array, *, key: Array
) -> Attribution:
    """Runs an estimator within a program: what its `__call__` is.

    With one milestone the number of steps is known, and the result can be differentiated by
    all modes. With several, a loop ends as soon as the example is done; under `vmap`, as soon
    as all are.
    """
    stops = self.milestones(x)
    total = stops[-1]
    chunk = min(self.chunk, total)
    blocks = -(-total // chunk)

    def body(state: State, block: Any) -> State:
        numbers = block * chunk + jnp.arange(chunk, dtype=jnp.int32)
        return self.step(model, x, target, state, numbers, numbers < total, key=key)

    state = self.init(model, x, target, key=key)
    if len(stops) > 1 and blocks > 1:

        def going(carry: tuple[State, Array]) -> Array:
            state, block = carry
            count = jnp.minimum(block * chunk, total)
            return (block < blocks) & ~((count >= stops[0]) & self.done(state, count))

        state, ran = jax.lax.while_loop(
            going, lambda carry: (body(*carry), carry[1] + 1), (state, jnp.int32(0))
        )
        return self.read(model, x, target, state, jnp.minimum(ran * chunk, total))
    if blocks <= UNROLLED:
        for block in range(blocks):
            state = body(state, block)
    else:
        state, _ = jax.lax.scan(
            lambda state, block: (body(state, block), None),
            state,
            jnp.arange(blocks, dtype=jnp.int32),
        )
    return self.read(model, x, target, state, jnp.int32(total))


def per_sample(values: Array, shape_of: Array) -> Array:
    """`[n]` with axes of length one behind it, to the rank of `shape_of`, `[n, ...]`."""
    return values.reshape(values.shape + (1,) * (shape_of.ndim - values.ndim))


def sum_type(x: Array) -> jnp.dtype:
    """Single precision at least: in half precision a count ends at 256."""
    return jnp.promote_types(x.dtype, jnp.float32)


def rechunk(method: Any, rows: int, x: Array | jax.ShapeDtypeStruct) -> tuple[Any, int]:
    """The method with at most `rows` evaluations of the model at once, methods inside included.

    Returns:
      The method, and how many it now makes at once.
    """
    if not dataclasses.is_dataclass(method):
        return method, 1
    changes: dict[str, Any] = {}
    used = 1
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if dataclasses.is_dataclass(value) and callable(value):
            changes[field.name], inner = rechunk(value, rows, x)
            used = max(used, inner)
    if isinstance(method, Estimator) and "chunk" in (f.name for f in dataclasses.fields(method)):
        stops = method.milestones(x)  # type: ignore[arg-type]
        least = stops[-1] if len(stops) == 1 else method.chunk  # it may be done after a chunk
        own = max(1, min(rows // used, least))
        changes["chunk"], used = own, own * used
    return dataclasses.replace(method, **changes), used  # type: ignore[arg-type]


def check_key(key: Array | None, name: str) -> None:
    """Refuses to draw without a key.

    Raises:
      ValueError: naming the method.
    """
    if key is None:
        raise ValueError(f"{name} draws at random: give it a key, e.g. jax.random.key(0)")
