"""Relevance for many examples at once, with the memory of a few.

The second driver of estimators: their steps are taken from outside, so that loops stay out of
compiled programs (convolutions in them are slow on CPUs), and an example that is done makes room
for the next one.
"""

import functools
from collections.abc import Iterator
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.batching import map_examples, spread
from audioxai_jax.cost import fitting_rows
from audioxai_jax.estimators import CHUNK, Estimator, rechunk
from audioxai_jax.types import Attribution, Method, Model, as_model, attribute, check_attribution

SHRINK = 4
"""Places are given up when a quarter of them would do: each number of places is compiled."""


def attribute_batch(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int | None = None,
    *,
    key: Array | None = None,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Attribution:
    """Relevance of each feature of each example.

    Example i draws from `fold_in(key, first_index + i)`: results do not depend on how examples
    are batched, chunked or spread over devices, but for the last digits.

    Args:
      method: any; of estimators the steps are taken here, see `estimators`.
      model: one example to logits `[K]`.
      x: examples `[N, ...]`, floating point.
      target: a class for all, one for each `[N]`, or several for each `[N, M]`, which share
        their forward passes; each example's own prediction if None.
      key: for everything random; `jax.random.key(0)` if None.
      chunk: evaluations of the model at once and per device: examples, and within these the
        steps or samples of the method. "auto" is 64, or fewer if they would not fit in memory.
      devices: examples are spread over these; all local devices if None.
      first_index: index of the first example in a larger collection.

    Returns:
      Relevance `[N, ...]` (`[N, M, ...]` for several targets), and `info` with such axes.

    Raises:
      ValueError: for examples, targets or chunks that do not fit, before anything is computed.
    """
    model = as_model(model)
    if not isinstance(method, Estimator):
        method = cast(Method, as_model(method))
    key = jax.random.key(0) if key is None else key
    _check(model, x, chunk)
    devices = list(jax.local_devices() if devices is None else devices)[: x.shape[0]]
    if target is None:
        rows = CHUNK if chunk == "auto" else int(chunk)
        target = map_examples(_predict, model, x, key=key, chunk=rows, devices=devices)
    target = check_targets(model, x, target)
    if chunk == "auto":
        one = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
        chunk = fitting_rows(method, model, one, devices[0], targets=target[0].size)
    indices = np.arange(first_index, first_index + x.shape[0], dtype=np.uint32)
    if isinstance(method, Estimator):
        found = dict(_stepwise(method, model, (x, target, indices), key, int(chunk), devices))
        parts = [found[number] for number in range(x.shape[0])]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
    return map_examples(
        _one, (method, model), (x, target), key=key, chunk=int(chunk), devices=devices,
        first_index=first_index,
    )  # fmt: skip


def attribute_classes(
    method: Method, model: Model, x: Array, classes: Array | None = None, *, key: Array
) -> Attribution:
    """Relevance of one example for several classes (all if None), `[K, ...]`, in one pass.

    What does not depend on the class, above all the forward passes, is computed once.
    """
    if classes is None:
        classes = jnp.arange(jax.eval_shape(as_model(model), x).shape[0])
    return jax.vmap(lambda target: attribute(method, model, x, target, key=key))(classes)


def check_targets(model: Model, x: Array, target: Array | int) -> Array:
    """Targets as int32 `[N]` or `[N, M]`.

    Raises:
      ValueError: if their shape does not fit, they are no whole numbers, or one is no class.
    """
    logits = jax.eval_shape(model, jax.ShapeDtypeStruct(x.shape[1:], x.dtype))
    if not hasattr(logits, "shape") or len(logits.shape) != 1:
        shape = getattr(logits, "shape", type(logits).__name__)
        raise ValueError(f"the model must return logits [K] of one example, got {shape}")
    target = jnp.asarray(target)
    if not jnp.issubdtype(target.dtype, jnp.integer):
        raise ValueError(f"targets must be whole numbers, got {target.dtype}")
    if target.ndim == 0:
        target = jnp.broadcast_to(target, x.shape[:1])
    if target.ndim > 2 or target.shape[0] != x.shape[0] or target.size == 0:
        raise ValueError(
            f"targets {list(target.shape)} do not fit {x.shape[0]} examples: give one class, "
            "one for each [N], or several for each [N, M]"
        )
    low, high, classes = int(target.min()), int(target.max()), logits.shape[0]
    if low < 0 or high >= classes:
        raise ValueError(
            f"target {low if low < 0 else high} is not a class: the model has {classes}, "
            f"0 to {classes - 1}"
        )
    return target.astype(jnp.int32)


def _check(model: Model, x: Array, chunk: int | str) -> None:
    if x.ndim == 0 or x.shape[0] == 0:
        raise ValueError(f"x must be a batch of examples [N, ...], got {list(x.shape)}")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"the input is {x.dtype}, expected floating point: convert it first")
    if chunk != "auto" and (not isinstance(chunk, int) or chunk < 1):
        raise ValueError(f"chunk must be a positive whole number or 'auto', got {chunk!r}")


def _predict(model: Model, x: Array, key: Array) -> Array:
    del key
    return jnp.argmax(model(x)).astype(jnp.int32)


def _one(shared: Any, example: Any, key: Array) -> Attribution:
    (method, model), (x, target) = shared, example
    return _for_targets(lambda target: attribute(method, model, x, target, key=key), target)


def _for_targets(function: Any, target: Array, *state: Any) -> Any:
    """`function(target, *state)`, over an axis of targets if there is one."""
    return jax.vmap(function)(target, *state) if target.ndim else function(target, *state)


def _stepwise(
    method: Any, model: Model, examples: Any, key: Array, rows: int, devices: list
) -> Iterator[tuple[int, Attribution]]:
    """Places for as many examples as there are rows: who is done leaves, the next comes in."""
    total, width = len(examples[2]), len(devices)
    one = jax.ShapeDtypeStruct(examples[0].shape[1:], examples[0].dtype)
    stops = np.asarray(method.milestones(one))
    places = width * min(rows, -(-total // width))
    batches = [range(start, min(start + places, total)) for start in range(0, total, places)]

    def fresh() -> tuple[Any, list[int]]:
        numbers = batches.pop(0)
        padded = np.resize(numbers, places)
        part = spread(jax.tree.map(lambda leaf: leaf[padded], examples), devices)
        return (part, _start(method, model, part, key)), list(numbers)

    pool, guests = fresh()
    spare, waiting = None, []  # examples that are started, but have no place yet
    counts = np.zeros(places, np.int32)
    while guests:
        step, _ = rechunk(method, max(1, rows * width // len(counts)), one)
        pool = pool[0], _advance(step, model, *pool, spread(counts, devices), key)
        before, counts = counts, np.minimum(counts + step.chunk, stops[-1]).astype(np.int32)
        passed = np.any((before[:, None] < stops) & (stops <= counts[:, None]), axis=1)
        if not passed[: len(guests)].any():
            continue
        now = spread(counts, devices)
        done = np.asarray(_done(method, *pool, now)) & passed | (counts == stops[-1])
        leaving = [slot for slot in range(len(guests)) if done[slot]]
        if not leaving:
            continue
        found = jax.device_get(_read(method, model, *pool, now))
        for slot in leaving:
            yield guests[slot], jax.tree.map(lambda leaf: leaf[slot], found)  # noqa: B023

        staying = [slot for slot in range(len(guests)) if not done[slot]]
        if not waiting and batches:
            spare, numbers = fresh()
            waiting = list(enumerate(numbers))
        free = places - len(staying)
        entering, waiting = waiting[:free], waiting[free:]
        slots = staying + [len(counts) + slot for slot, _ in entering]
        guests = [guests[slot] for slot in staying] + [number for _, number in entering]
        size = len(counts)
        while not (waiting or batches) and len(guests) <= size // SHRINK >= width:
            size = width * (size // SHRINK // width)
        if guests:
            index = np.resize(slots, size)  # places without a guest repeat the others
            counts = np.concatenate([counts, np.zeros(places, np.int32)])[index]
            pool = spread(_take(pool, spare if entering else pool, index), devices)


@jax.jit
def _start(method: Any, model: Model, examples: Any, key: Array) -> Any:
    def one(example: Any) -> Any:
        x, target, index = example
        init = lambda target: method.init(model, x, target, key=jax.random.fold_in(key, index))
        return _for_targets(init, target)

    return jax.vmap(one)(examples)


@functools.partial(jax.jit, donate_argnums=3)
def _advance(
    method: Any, model: Model, examples: Any, state: Any, counts: Array, key: Array
) -> Any:
    def one(example: Any, state: Any, count: Array) -> Any:
        x, target, index = example
        own = jax.random.fold_in(key, index)
        numbers = count + jnp.arange(method.chunk, dtype=jnp.int32)
        valid = numbers < method.milestones(x)[-1]
        step = lambda target, state: method.step(model, x, target, state, numbers, valid, key=own)
        return _for_targets(step, target, state)

    return jax.vmap(one)(examples, state, counts)


@jax.jit
def _done(method: Any, examples: Any, state: Any, counts: Array) -> Array:
    def one(example: Any, state: Any, count: Array) -> Array:
        return jnp.all(_for_targets(lambda _, s: method.done(s, count), example[1], state))

    return jax.vmap(one)(examples, state, counts)


@jax.jit
def _read(method: Any, model: Model, examples: Any, state: Any, counts: Array) -> Attribution:
    def one(example: Any, state: Any, count: Array) -> Attribution:
        x, target, _ = example
        read = lambda target, state: method.read(model, x, target, state, count)
        check = lambda *given: check_attribution(read(*given), x, type(method).__name__)
        return _for_targets(check, target, state)

    return jax.vmap(one)(examples, state, counts)


@jax.jit
def _take(pool: Any, spare: Any, index: Array) -> Any:
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[index], pool, spare)
