"""A function of a long signal as stages that run window by window, in constant memory.

Convolutions see a bounded neighbourhood and recurrences see the past through a state. A codec is
thus a few `Local` and `Carried` stages, and `run` of them on a signal in pieces gives, joined,
what it gives on the whole: exactly, but for the rounding of sums in another order.

All windows of a `Local` stage are of one size: after the first window nothing is compiled, but
for a last one that lacks samples. A signal of less than a window is done at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from audioxai_jax.core.checks import WrongType, as_array
from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model
from audioxai_jax.nets.stages import Carried, Local, Stage


def run(stages: Sequence[Stage], pieces: Iterable[Any]) -> Iterator[np.ndarray]:
    """Yields pieces of what the stages, one after the other, make of a signal in pieces.

    Args:
      stages: stages of the function.
      pieces: arrays `[n, ..]`, floating point, equal but for n, which may be any number.

    Yields:
      Arrays `[m, ..]`, m any number but 0, as soon as their windows are full.

    Raises:
      ValueError: for pieces that are not as above, or without any row; for a `Local` whose
        function gives other than `gives` rows for each unit of a full window (those ahead may
        be left out).
    """
    flow = _checked(pieces)
    for stage in stages:
        flow = _windows(stage, flow) if isinstance(stage, Local) else _carried(stage, flow)
    return flow


@compiled
def _call(function, *args) -> Any:
    return function(*args)


def _windows(stage: Local, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    takes, gives, size = stage.takes, stage.gives, stage.left + stage.units + stage.right
    function, last = as_model(stage.function), as_model(stage.last or stage.function)
    held = _Held()
    kept = begin = done = 0  # units: first one held, first one of the next window, those given
    for piece in pieces:
        for start in range(0, len(piece), size * takes):
            held.add(piece[start : start + size * takes])
            while held.rows >= (begin - kept + size) * takes:
                held.drop((begin - kept) * takes)
                kept, ready = begin, begin + size - stage.right
                found = np.asarray(_call(function, held.first(size * takes)))
                _check_window(stage, found, size)
                yield found[(done - begin) * gives : (ready - begin) * gives]
                begin, done = begin + stage.units, ready
    total = kept * takes + held.rows
    if done * takes < total:
        begin = max(kept, -(-total // takes) - size)
        held.drop((begin - kept) * takes)
        found = np.asarray(_call(last, held.first(held.rows)))
        yield found[(done - begin) * gives :]


def _check_window(stage: Local, found: np.ndarray, size: int) -> None:
    """A function of other rates than the stage says would lose rows, or repeat them.

    What it makes of the units ahead is dropped, and may be left out.
    """
    fitting = (size * stage.gives, (size - stage.right) * stage.gives)
    if not found.ndim or len(found) not in fitting:
        raise ValueError(
            f"the function of a Local stage gives {list(found.shape)} for {size * stage.takes} "
            f"rows, expected {size * stage.gives} rows: {size} units (left + units + right) of "
            f"takes={stage.takes} and gives={stage.gives}: set takes and gives to its rows of "
            "input and of output per unit, such as takes=codec.hop of an encoder, "
            "gives=codec.hop of a decoder"
        )


def _carried(stage: Carried, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    function, held, state = as_model(stage.function), _Held(), None
    for piece in pieces:
        held.add(piece)
        while held.rows >= stage.rows:
            x = held.first(stage.rows)
            state, found = _call(function, stage.start(x) if state is None else state, x)
            held.drop(stage.rows)
            yield np.asarray(found)
    if held.rows:
        x = held.first(held.rows)
        x = np.pad(x, [(0, stage.rows - len(x))] + [(0, 0)] * (x.ndim - 1))
        _, found = _call(function, stage.start(x) if state is None else state, x)
        yield np.asarray(found)[: held.rows]


class _Held:
    """The rows that wait, joined only when they are wanted."""

    def __init__(self):
        self.parts: list[np.ndarray] = []
        self.rows = 0

    def add(self, piece: np.ndarray) -> None:
        self.parts.append(piece)
        self.rows += len(piece)

    def first(self, rows: int) -> np.ndarray:
        self.parts = [np.concatenate(self.parts)]
        return self.parts[0][:rows]

    def drop(self, rows: int) -> None:
        if rows:
            self.parts = [self.first(self.rows)[rows:].copy()]
            self.rows -= rows


def _checked(pieces: Iterable[Any]) -> Iterator[np.ndarray]:
    wanted, rows = None, 0
    for index, piece in enumerate(pieces):
        array = np.asarray(as_array(piece, f"piece {index}"))
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise WrongType(
                f"piece {index} is {array.dtype}, expected floating point: convert it first, "
                "sound to [-1, 1]"
            )
        if not array.ndim:
            raise ValueError(f"piece {index} is one number: give arrays [n, ..], such as [signal]")
        found = (array.shape[1:], array.dtype)
        wanted = wanted or found
        if found != wanted:
            say = lambda kind: f"[{', '.join(['n', *map(str, kind[0])])}] {kind[1]}"
            raise ValueError(
                f"piece {index} is {say(found)}, those before are {say(wanted)}: "
                "pieces of one signal differ in n alone"
            )
        rows += len(array)
        if len(array):
            yield array
    if not rows:
        raise ValueError("there are no samples and no frames: a signal needs at least one")
