"""Steps of estimators taken from outside, for many examples at a time.

Loops stay out of compiled programs, in which convolutions are slow on CPUs, and an example that
has converged frees its slot for the next one.
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
      The number of an example and its attribution, as they converge.
    """
    total, width = len(examples[2]), len(devices)
    one = jax.ShapeDtypeStruct(examples[0].shape[1:], examples[0].dtype)
    stops = np.asarray(method.milestones(one))
    slots = width * min(rows, -(-total // width))
    batches = [range(start, min(start + slots, total)) for start in range(0, total, slots)]
    start = functools.partial(_start_batch, method, model, examples, key, slots, devices)

    pool, running = start(batches.pop(0))  # the states, and the example in each slot
    started, queue = None, []  # a batch of which some have no slot yet: (row, example)
    counts = np.zeros(slots, np.int32)
    while running:
        step, _ = rechunk(method, max(1, rows * width // len(counts)), one)
        pool = pool[0], _advance(step, model, *pool, spread(counts, devices), key)
        counts, at_stop = _count_on(counts, step.chunk, stops)
        if not at_stop[: len(running)].any():
            continue
        now = spread(counts, devices)
        done = (np.asarray(_done(method, *pool, now)) & at_stop | (counts == stops[-1])).tolist()
        if not any(done[: len(running)]):
            continue
        results = jax.device_get(_read(method, model, *pool, now))
        for slot, example in enumerate(running):
            if done[slot]:
                yield example, jax.tree.map(lambda leaf: leaf[slot].copy(), results)  # noqa: B023

        kept = [slot for slot in range(len(running)) if not done[slot]]
        if not queue and batches:
            started, numbers = start(batches.pop(0))
            queue = list(enumerate(numbers))
        entering, queue = queue[: slots - len(kept)], queue[slots - len(kept) :]
        sources = kept + [len(counts) + row for row, _ in entering]
        running = [running[slot] for slot in kept] + [example for _, example in entering]
        if running:
            last = not (queue or batches)
            size = _fewest_slots(len(counts), len(running), width) if last else len(counts)
            index = np.resize(sources, size)  # slots without an example repeat the others
            counts = np.concatenate([counts, np.zeros(slots, np.int32)])[index]
            pool = spread(_take(pool, started if entering else pool, index), devices)


def _start_batch(
    method: Any, model: Model, examples: Any, key: Array, slots: int, devices: list, batch: range
) -> tuple[Any, list[int]]:
    """The states of a batch of examples, one a slot; the last slots repeat the first."""
    padded = np.resize(batch, slots)
    part = spread(jax.tree.map(lambda leaf: leaf[padded], examples), devices)
    return (part, _start(method, model, part, key)), list(batch)


def _count_on(counts: np.ndarray, chunk: int, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evaluations after a step, and in which slots a milestone was reached by it."""
    after = np.minimum(counts + chunk, stops[-1]).astype(np.int32)
    return after, np.any((counts[:, None] < stops) & (stops <= after[:, None]), axis=1)


def _fewest_slots(size: int, needed: int, width: int) -> int:
    """A quarter of the slots, again and again, as long as they suffice and fill the devices."""
    while (fewer := size // SHRINK // width * width) >= max(width, needed):
        size = fewer
    return size


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
