"""Steps of estimators taken from outside, for many examples at a time.

Loops stay out of compiled programs, in which convolutions are slow on CPUs, and an example that
is done makes room for the next one.
"""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import spread
from audioxai_jax.core.programs import compiled
from audioxai_jax.engine.estimator import rechunk
from audioxai_jax.types import Attribution, Model, check_attribution

SHRINK = 4
"""Shrink by factors of four only: every slot count is a compilation."""


def stepwise(
    method: Any, model: Model, examples: Any, key: Array, rows: int, devices: list
) -> Iterator[tuple[int, Attribution]]:
    """Runs an estimator for all examples, in a fixed number of slots.

    A finished example frees its slot for the next.

    Args:
      examples: inputs `[N, ...]`, targets `[N]` or `[N, M]`, indices `[N]` for their keys.
      rows: evaluations of the model at once and per device.

    Yields:
      The number of an example and its attribution, as they are done.
    """
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
            yield guests[slot], jax.tree.map(lambda leaf: leaf[slot].copy(), found)  # noqa: B023

        staying = [slot for slot in range(len(guests)) if not done[slot]]
        if not waiting and batches:
            spare, numbers = fresh()
            waiting = list(enumerate(numbers))
        free = places - len(staying)
        entering, waiting = waiting[:free], waiting[free:]
        slots = staying + [len(counts) + slot for slot, _ in entering]
        guests = [guests[slot] for slot in staying] + [number for _, number in entering]
        size = len(counts)
        while not (waiting or batches):
            fewer = size // SHRINK // width * width
            if fewer < max(width, len(guests)):
                break
            size = fewer
        if guests:
            index = np.resize(slots, size)  # places without a guest repeat the others
            counts = np.concatenate([counts, np.zeros(places, np.int32)])[index]
            pool = spread(_take(pool, spare if entering else pool, index), devices)


def for_targets(function: Any, target: Array, *state: Any) -> Any:
    """`function(target, *state)`, over an axis of targets if there is one."""
    return jax.vmap(function)(target, *state) if target.ndim else function(target, *state)


@compiled
def _start(method: Any, model: Model, examples: Any, key: Array) -> Any:
    def one(example: Any) -> Any:
        x, target, index = example
        init = lambda target: method.init(model, x, target, key=jax.random.fold_in(key, index))
        return for_targets(init, target)

    return jax.vmap(one)(examples)


@functools.partial(compiled, donate_argnums=3)
def _advance(
    method: Any, model: Model, examples: Any, state: Any, counts: Array, key: Array
) -> Any:
    def one(example: Any, state: Any, count: Array) -> Any:
        x, target, index = example
        own = jax.random.fold_in(key, index)
        numbers = count + jnp.arange(method.chunk, dtype=jnp.int32)
        valid = numbers < method.milestones(x)[-1]
        step = lambda target, state: method.step(model, x, target, state, numbers, valid, key=own)
        return for_targets(step, target, state)

    return jax.vmap(one)(examples, state, counts)


@compiled
def _done(method: Any, examples: Any, state: Any, counts: Array) -> Array:
    def one(example: Any, state: Any, count: Array) -> Array:
        return jnp.all(for_targets(lambda _, s: method.done(s, count), example[1], state))

    return jax.vmap(one)(examples, state, counts)


@compiled
def _read(method: Any, model: Model, examples: Any, state: Any, counts: Array) -> Attribution:
    def one(example: Any, state: Any, count: Array) -> Attribution:
        x, target, _ = example
        read = lambda target, state: method.read(model, x, target, state, count)
        check = lambda *given: check_attribution(read(*given), x, type(method).__name__)
        return for_targets(check, target, state)

    return jax.vmap(one)(examples, state, counts)


@compiled
def _take(pool: Any, spare: Any, index: Array) -> Any:
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[index], pool, spare)
