"""Norms, recognised by what they compute: layer, group, instance, RMS, L1, L2 and min-max norms."""

import numpy as np

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, Reader
from audioxai_jax.propagation.lowering.fuse import POINTWISE, Region, common_start
from audioxai_jax.tracing.graph import Equation

LINEAR = CASTS | SHAPES | frozenset("add sub mul div reduce_sum add_any".split())
EXTREMES = frozenset({"reduce_max", "reduce_min"})
REDUCTIONS = EXTREMES | {"reduce_sum"}
INVERSE = frozenset("rsqrt div pow integer_pow".split())


def normaliser(reader: Reader, equation: Equation) -> Region | None:
    """x, perhaps centred, divided by a statistic of x: layer, group, instance and RMS norm.

    A constant scale and shift right after it belong to it. What is subtracted may be a minimum
    or maximum of x, too: it counts as given, as the statistic does.
    """
    start = common_start(reader, equation)
    if start is None:
        return None
    reduced = _reduced(reader, start, equation.outputs[0])
    flags = [value in reduced for value in equation.inputs]
    if flags == [False, True]:
        signal, statistic = equation.inputs
    elif flags == [True, False] and equation.name == "mul":
        statistic, signal = equation.inputs
    else:
        return None
    given = [e for e in reader.between(start, signal) if statistic in e.outputs]
    if given or _linear_path(reader, start, signal) is None:
        return None
    if equation.name == "mul" and not _is_inverse(reader, statistic):
        return None
    centred = reader.makers.get(start)
    if centred is not None and centred.name == "sub" and signal == start:
        before, mean = centred.inputs
        if reader.dominator(start) == before and mean in _reduced(reader, before, start):
            if _linear_path(reader, before, start) is not None:
                start = before
    tail = [equation]
    while (user := reader.only_consumer(tail[-1].outputs[0])) is not None:
        keeps = reader.shape(user.outputs[0]) == reader.shape(tail[-1].outputs[0])
        if user.name not in ("mul", "add", "sub") or not keeps:
            break
        tail.append(user)
    output = tail[-1].outputs[0]
    return Region(
        "normalise",
        "normalise",
        start,
        output,
        reader.between(start, output),
        statistic=statistic,
        signal=(*(_linear_path(reader, start, signal) or ()), *tail),
    )


def _is_inverse(reader: Reader, value: int) -> bool:
    """Whether a statistic is one over something, perhaps scaled by constants."""
    while (maker := reader.makers.get(value)) is not None:
        operands = reader.dependent(maker)
        if maker.name in INVERSE:
            if maker.name == "div":
                return maker.inputs[1] in operands
            exponent = reader.graph.constants.get(maker.inputs[-1])
            power = maker.params.get("y", -1 if maker.name == "rsqrt" else exponent)
            return isinstance(power, (int, np.ndarray)) and bool(power < 0)
        if maker.name not in SHAPES | CASTS | {"mul"} or len(operands) != 1:
            return False
        value = operands[0]
    return False


def _reduced(
    reader: Reader, start: int, end: int, reductions: frozenset[str] = REDUCTIONS
) -> set[int]:
    """Values between the two that know of `start` by sums or maxima over it alone."""
    found: set[int] = set()
    for equation in reader.between(start, end):
        operands, reduces = reader.dependent(equation), equation.name in reductions
        if equation.name == "dot_general":  # of no axis but those of both, as einsum("fc,fc->f")
            _, (batch, _) = equation.params["dimension_numbers"]
            if len(operands) != 2 or len(batch) != len(reader.shape(equation.outputs[0])):
                return set()
            reduces = "reduce_sum" in reductions
        elif equation.name not in POINTWISE | SHAPES | REDUCTIONS:
            return set()
        if reduces or all(operand in found for operand in operands):
            found |= set(equation.outputs)
    return found


def _linear_path(reader: Reader, start: int, end: int) -> tuple[Equation, ...] | None:
    """The equations between the two, extremes given, if they are linear then; else None."""
    between = reader.between(start, end)
    given = _reduced(reader, start, end, EXTREMES)
    path = tuple(equation for equation in between if given.isdisjoint(equation.outputs))
    for equation in path:
        both = len(reader.dependent(equation)) > 1
        inverse = equation.name == "div" and equation.inputs[1] in reader.graph.depends
        if equation.name not in LINEAR or inverse or (both and equation.name == "mul"):
            return None
    return path
