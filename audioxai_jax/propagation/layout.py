"""What the axes of a value are: channels of a convolution, or positions along axes of the input.

Libraries disagree on the order of axes, and models move them. The dimension numbers of each
convolution say which axis it counts channels along; all others are followed from the input on.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from audioxai_jax.tracing.graph import Equation, Graph
from audioxai_jax.tracing.reading import CALLS, LINEAR

CHANNEL = "channel"
"""Of an axis along which a convolution's outputs are counted."""

REDUCTIONS = frozenset(
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin".split()
)


@dataclasses.dataclass(frozen=True)
class Along:
    """An axis that goes along one of the input.

    Attributes:
      axis: axis of the input.
      level: an axis that is cut in two has () before, and (0,) and (1,) after it: frames before
        the samples in them.
    """

    axis: int
    level: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Joined:
    """Several axes on one, in row-major order.

    Attributes:
      parts: each axis and its size; none if they cannot be told apart any more.
    """

    parts: tuple[tuple["Axis", int], ...] = ()


Axis = Along | Joined | str | None
"""Along an axis of the input or several, channels, or neither, as far as it is known."""

Axes = tuple[Axis, ...]


def axes(graph: Graph) -> dict[int, Axes]:
    """What is known of the axes of each value that depends on the input."""
    found: dict[int, Axes] = {graph.inputs[-1]: ()}
    shape = graph.shapes[graph.inputs[-1]].shape
    found[graph.inputs[-1]] = tuple(Along(axis) for axis in range(len(shape)))
    for equation in graph.equations:
        if any(number in found for number in equation.inputs):
            for out in equation.outputs:
                known = _through(graph, equation, out, found)
                size = graph.shapes[out].shape
                fits = known is not None and len(known) == len(size)
                found[out] = known if fits and known is not None else (None,) * len(size)
    return found


def _through(graph: Graph, equation: Equation, out: int, found: dict[int, Axes]) -> Axes | None:
    name, params = equation.name, equation.params
    shapes = [graph.shapes[number].shape for number in equation.inputs]
    given = [found.get(number) for number in equation.inputs]
    place, first = next((i, known) for i, known in enumerate(given) if known is not None)
    shape = shapes[place]
    after = graph.shapes[out].shape
    if name == "conv_general_dilated":
        return _convolution(params["dimension_numbers"], first) if place == 0 else None
    if name == "dot_general":
        return _product(params["dimension_numbers"], given, shapes)
    if name == "transpose":
        return tuple(first[axis] for axis in params["permutation"])
    if name == "broadcast_in_dim":
        places = params["broadcast_dimensions"]
        return tuple(
            first[places.index(axis)] if axis in places else None for axis in range(len(after))
        )
    if name in ("reshape", "squeeze", "expand_dims"):
        return reshaped(first, shape, after)
    if name in REDUCTIONS:
        return tuple(known for axis, known in enumerate(first) if axis not in params["axes"])
    if name in ("stack", "unstack"):
        at = params["axis"] % max(len(shape), len(after))
        return (
            *first[:at],
            *((None,) if name == "stack" else ()),
            *first[at + (name != "stack") :],
        )
    if name == "scan":
        return None
    if name in CALLS and params.get("name") == LINEAR:  # any feature may be in any sample
        return (Joined(),) * len(after)
    if name == "fft":  # so may any frequency, along the axes that are transformed
        kept = len(first) - len(params["fft_lengths"])
        return (*first[:kept], *(Joined() if one is not None else None for one in first[kept:]))
    if len(shape) == len(after):
        rows = [known for known in given if known is not None and len(known) == len(after)]
        return tuple(next((k for k in column if k is not None), None) for column in zip(*rows))
    return None


def _convolution(numbers: Any, known: Axes) -> Axes:
    made: list[Axis] = [None] * len(numbers.out_spec)
    made[numbers.out_spec[0]] = known[numbers.lhs_spec[0]]
    made[numbers.out_spec[1]] = CHANNEL
    for here, there in zip(numbers.out_spec[2:], numbers.lhs_spec[2:], strict=True):
        made[here] = known[there]
    return tuple(made)


def _product(numbers: Any, given: Sequence[Axes | None], shapes: Sequence[tuple]) -> Axes:
    """The one axis that a constant makes of the one that it sums over takes its place."""
    contracted, batch = numbers
    full = [known or (None,) * len(shape) for known, shape in zip(given, shapes, strict=True)]
    kept: list[list[Axis]] = []
    for side in (0, 1):
        used = {*contracted[side], *batch[side]}
        free = [known for axis, known in enumerate(full[side]) if axis not in used]
        if len(free) == 1 and len(contracted[side]) == 1 and given[side] is None:
            free = [full[1 - side][contracted[1 - side][0]]]
        kept.append(free)
    pairs = zip(*batch, strict=True)
    return (*(full[0][a] or full[1][b] for a, b in pairs), *kept[0], *kept[1])


def reshaped(known: Axes, before: tuple[int, ...], after: tuple[int, ...]) -> Axes:
    """Axes after a change of shape: those that are cut keep their order, as levels.

    Those that are made one are `Joined`, and come apart again where they are cut as before.
    """
    if 0 in before:
        return (None,) * len(after)
    known, before = opened(known, before)
    made: list[Axis] = [None] * len(after)
    i = j = 0
    while i < len(before) and j < len(after):
        start, end = i, j
        left, right = before[i], after[j]
        i, j = i + 1, j + 1
        while left != right:
            if left < right:
                left, i = left * before[i], i + 1
            else:
                right, j = right * after[j], j + 1
        one = [n for n in range(start, i) if before[n] > 1]
        other = [n for n in range(end, j) if after[n] > 1]
        if len(one) == 1 and len(other) == 1:
            made[other[0]] = known[one[0]]
        elif len(one) == 1:
            whole = known[one[0]]
            for part, n in enumerate(other):
                made[n] = Joined() if isinstance(whole, Joined) else whole
                if isinstance(whole, Along):
                    made[n] = Along(whole.axis, (*whole.level, part))
        elif len(other) == 1 and {known[n] for n in one} == {CHANNEL}:
            made[other[0]] = CHANNEL
        elif any(isinstance(known[n], Along | Joined) for n in one):
            parts = tuple((known[n], before[n]) for n in one)
            for n in other:
                made[n] = Joined(parts if len(other) == 1 else ())
        elif not one and i - start == j - end:
            made[end:j] = known[start:i]
    return tuple(made)


def opened(known: Axes, shape: tuple[int, ...]) -> tuple[Axes, tuple[int, ...]]:
    """Axes and sizes with all that were joined apart again; those of another size stay as one."""
    pairs: list[tuple[Axis, int]] = []
    for one, size in zip(known, shape, strict=True):
        parts = one.parts if isinstance(one, Joined) else ()
        fits = parts and math.prod(length for _, length in parts) == size
        pairs += parts if fits else [(one, size)]
    return tuple(one for one, _ in pairs), tuple(size for _, size in pairs)


def in_order(known: Axes) -> bool:
    """Whether the parts of each axis of the input are all there down to some level, each once.

    Samples in frames without the frames are not: they are places in all frames at once.
    """
    levels: dict[int, list[tuple[int, ...]]] = {}
    for one in known:
        if isinstance(one, Along):
            levels.setdefault(one.axis, []).append(one.level)
    for found in map(sorted, levels.values()):
        if any(found[0]) or not all(map(_follows, found[1:], found)):
            return False
    return True


def _follows(level: tuple[int, ...], before: tuple[int, ...]) -> bool:
    """Whether a part is the next after another, or the first of the parts that the next has."""
    for depth in range(min(len(level), len(before))):
        if level[depth] != before[depth]:
            last = depth == len(before) - 1 or before[-1] > 0
            return last and level[depth] == before[depth] + 1 and not any(level[depth + 1 :])
    return False


def merged(known: Axes, shape: tuple[int, ...]) -> tuple[Axes, tuple[int, ...], tuple[int, ...]]:
    """Parts of one axis of the input, next to each other and as one.

    Returns:
      The axes, the order to bring them into, and the shape that makes one of parts.
    """
    levels = {i: one for i, one in enumerate(known) if isinstance(one, Along)}
    order = sorted(range(len(known)), key=lambda i: _place(levels, i))
    made: list[Axis] = []
    sizes: list[int] = []
    for i in order:
        one = Along(levels[i].axis) if i in levels else None
        if made and one is not None and made[-1] == one:
            sizes[-1] *= shape[i]
        else:
            made.append(one)
            sizes.append(shape[i])
    assert math.prod(sizes) == math.prod(shape)
    return tuple(made), tuple(order), tuple(sizes)


def _place(levels: dict[int, Along], i: int) -> tuple:
    """Parts of an axis stand where the first of them stood."""
    if i not in levels:
        return (i, ())
    together = [j for j, one in levels.items() if one.axis == levels[i].axis]
    return (min(together), levels[i].level)
