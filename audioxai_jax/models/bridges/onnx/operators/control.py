"""Control flow: branches chosen while tracing, loops of a known number of rounds, scans."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, is_static

MOST_UNROLLED = 16
"""Rounds of a loop that are written out; more are one `scan` where what is carried keeps shape."""


def _if(call: Call, condition: Any) -> Any:
    chosen = bool(call.static(condition, "the condition").all())
    branch = call.require("then_branch" if chosen else "else_branch")
    return tuple(call.run(branch, ()))


def _rounds(call: Call, limit: Any, condition: Any) -> int:
    if limit is None:
        raise call.refusal(
            "the number of rounds is not told, only a condition", "export it with a fixed number"
        )
    count = int(call.static(limit, "the number of rounds").item())
    start = condition is None or bool(call.static(condition, "the condition").all())
    return count if start else 0


def _loop(call: Call, limit: Any, condition: Any, *carried: Any) -> Any:
    """Rounds written out, or one scan if there are many and shapes stay."""
    body, count = call.require("body"), _rounds(call, limit, condition)
    if count > MOST_UNROLLED and _can_scan(call, body, carried):
        return _scanned(call, body, count, carried)
    collected: list[tuple[Any, ...]] = []
    go = np.asarray(True)
    state: tuple[Any, ...] = carried
    for number in range(count):
        out = call.run(body, (np.asarray(number, np.int64), go, *state))
        go, state = out[0], tuple(out[1 : 1 + len(carried)])
        collected.append(tuple(out[1 + len(carried) :]))
        if not bool(call.static(go, "the condition to go on").all()):
            break
    rows = len(body.outputs) - 1 - len(carried)
    empty = np.zeros((0,), np.float32)
    stacked = [_stacked([row[i] for row in collected]) if collected else empty for i in range(rows)]
    return (*state, *stacked)


def _stacked(values: list[Any]) -> Any:
    return np.stack(values) if is_static(*values) else jnp.stack([jnp.asarray(v) for v in values])


def _can_scan(call: Call, body: Any, carried: tuple[Any, ...]) -> bool:
    """Whether what is carried keeps its shapes and types, with a counter that is not known."""
    if any(isinstance(value, list) for value in carried):
        return False

    def once(number: Any, *state: Any) -> Any:
        out = call.run(body, (number, np.asarray(True), *state))
        if not (is_static(out[0]) and bool(out[0].all())):
            raise ValueError("the condition changes")
        return tuple(map(jnp.asarray, out[1:]))

    start = tuple(map(jnp.asarray, carried))
    try:
        shapes = jax.eval_shape(once, jnp.asarray(0), *start)
    except (ValueError, TypeError):  # a round needs to know its number, or ends the loop
        return False
    pairs = zip(shapes, start)
    return all((a.shape, a.dtype) == (b.shape, b.dtype) for a, b in pairs)


def _scanned(call: Call, body: Any, count: int, carried: tuple[Any, ...]) -> tuple[Any, ...]:
    def step(state: Any, number: Any) -> Any:
        out = [jnp.asarray(v) for v in call.run(body, (number, np.asarray(True), *state))]
        return tuple(out[1 : 1 + len(carried)]), tuple(out[1 + len(carried) :])

    state, rows = jax.lax.scan(step, tuple(map(jnp.asarray, carried)), jnp.arange(count))
    return (*state, *rows)


def _flags(call: Call, name: str, count: int) -> tuple[int, ...]:
    return tuple(call.get(name, (0,) * count))


def _scan(call: Call, *values: Any) -> Any:
    """One scan over axes of some inputs, with what is carried (opset 9 and later)."""
    if call.version < 9:
        raise call.refusal("the scan of opset 8 has a batch axis", "convert it to a later opset")
    body, number = call.require("body"), call.require("num_scan_inputs")
    carried, xs = values[: len(values) - number], values[len(values) - number :]
    rows = len(body.outputs) - len(carried)
    backwards, axes = (
        _flags(call, f"scan_input_{what}", number) for what in ("directions", "axes")
    )
    moved = [
        jnp.flip(rolled, 0) if flag else rolled
        for x, axis, flag in zip(xs, axes, backwards, strict=True)
        for rolled in [jnp.moveaxis(jnp.asarray(x), axis, 0)]
    ]

    def step(state: Any, given: Any) -> Any:
        out = [jnp.asarray(v) for v in call.run(body, (*state, *given))]
        return tuple(out[: len(carried)]), tuple(out[len(carried) :])

    state, collected = jax.lax.scan(step, tuple(map(jnp.asarray, carried)), tuple(moved))
    flips, places = (_flags(call, f"scan_output_{what}", rows) for what in ("directions", "axes"))
    shown = [
        jnp.moveaxis(jnp.flip(y, 0) if flip else y, 0, place)
        for y, flip, place in zip(collected, flips, places, strict=True)
    ]
    return (*state, *shown)


TABLE = {
    "If": Operator(_if, static=(0,)),
    "Loop": Operator(_loop, static=(0, 1)),
    "Scan": Operator(_scan),
}
