"""Sequences of tensors, as lists whose length is known while tracing; optional values."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, is_static, module
from audioxai_jax.models.bridges.onnx.operators.shapes import split_sizes


def _place(call: Call, place: Any, default: int) -> int:
    return default if place is None else int(call.static(place, "the place").item())


def _at(call: Call, sequence: Any, place: Any) -> Any:
    return sequence[_place(call, place, 0)]


def _insert(call: Call, sequence: Any, value: Any, place: Any = None) -> Any:
    where = _place(call, place, len(sequence))
    where = where + len(sequence) if where < 0 else where
    return ([*sequence[:where], value, *sequence[where:]],)


def _erase(call: Call, sequence: Any, place: Any = None) -> Any:
    where = _place(call, place, -1) % len(sequence)
    return ([*sequence[:where], *sequence[where + 1 :]],)


def _split(call: Call, x: Any, split: Any = None) -> Any:
    """Pieces along an axis: of one size, of sizes told, or of 1."""
    axis = call.get("axis", 0) % x.ndim
    size = x.shape[axis]
    if split is None:
        pieces: tuple[int, ...] = (1,) * size
    elif np.ndim(split) == 0:
        each = int(call.static(split, "the size").item())
        pieces = tuple(min(each, size - i) for i in range(0, size, each))
    else:
        pieces = split_sizes(call, size, split, 1)
    parts = module(x).split(x, np.cumsum(pieces)[:-1].tolist(), axis=axis)
    if split is None and not call.get("keepdims", 1):
        parts = [part.squeeze(axis) for part in parts]
    return (list(parts),)


def _concat(call: Call, sequence: Any) -> Any:
    axis = call.require("axis")
    xp = np if is_static(*sequence) else jnp
    if call.get("new_axis", 0):
        return xp.stack(sequence, axis=axis)
    return xp.concatenate(sequence, axis=axis)


def _map(call: Call, sequence: Any, *others: Any) -> Any:
    """A body for each element; other sequences give an element each, tensors themselves."""
    rounds = [
        call.run(
            call.require("body"),
            (one, *(other[i] if isinstance(other, list) else other for other in others)),
        )
        for i, one in enumerate(sequence)
    ]
    return tuple(list(column) for column in zip(*rounds, strict=True))


def _element(call: Call, value: Any = None) -> Any:
    if value is None:
        raise call.refusal("an optional value is not there", "bind it by fixed=")
    return (value,)


TABLE = {
    "SequenceConstruct": Operator(lambda call, *values: ([*values],)),
    "SequenceEmpty": Operator(lambda call: ([],)),
    "SequenceAt": Operator(_at, static=(1,)),
    "SequenceInsert": Operator(_insert, static=(2,)),
    "SequenceErase": Operator(_erase, static=(1,)),
    "SequenceLength": Operator(
        lambda call, sequence: np.asarray(len(sequence), np.int64), by_shape=True
    ),
    "SequenceMap": Operator(_map),
    "SplitToSequence": Operator(_split, static=(1,)),
    "ConcatFromSequence": Operator(_concat),
    "Optional": Operator(lambda call, value=None: (value,)),
    "OptionalGetElement": Operator(_element),
    "OptionalHasElement": Operator(
        lambda call, value=None: np.asarray(value is not None), by_shape=True
    ),
}
