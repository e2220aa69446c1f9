"""Norms, recognised by what they compute: layer, group, instance, RMS, L1, L2 and min-max norms."""

import numpy as np

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, DataFlow
from audioxai_jax.propagation.lowering.regions import POINTWISE, Region, common_start
from audioxai_jax.tracing.graph import Equation

LINEAR = CASTS | SHAPES | frozenset("add sub mul div reduce_sum add_any".split())
EXTREMES = frozenset({"reduce_max", "reduce_min"})
REDUCTIONS = EXTREMES | {"reduce_sum"}
INVERSE = frozenset("rsqrt div pow integer_pow".split())


def normaliser(flow: DataFlow, equation: Equation) -> Region | None:
    """x, perhaps centred, divided by a statistic of x: layer, group, instance and RMS norm.

    A constant scale and shift right after it belong to it. What is subtracted may be a minimum
    or maximum of x, too: it counts as given, as the statistic does.
    """
    start = common_start(flow, equation)
    if start is None:
        return None
    reduced = _reduced(flow, start, equation.outputs[0])
    flags = [value in reduced for value in equation.inputs]
    if flags == [False, True]:
        signal, statistic = equation.inputs
    elif flags == [True, False] and equation.name == "mul":
        statistic, signal = equation.inputs
    else:
        return None
    given = [e for e in flow.between(start, signal) if statistic in e.outputs]
    if given or _linear_path(flow, start, signal) is None:
        return None
    if equation.name == "mul" and not _is_inverse(flow, statistic):
        return None
    centred = flow.makers.get(start)
    if centred is not None and centred.name == "sub" and signal == start:
        before, mean = centred.inputs
        if flow.dominator(start) == before and mean in _reduced(flow, before, start):
            if _linear_path(flow, before, start) is not None:
                start = before
    tail = [equation]
    while (user := flow.only_consumer(tail[-1].outputs[0])) is not None:
        keeps = flow.shape(user.outputs[0]) == flow.shape(tail[-1].outputs[0])
        if user.name not in ("mul", "add", "sub") or not keeps:
            break
        tail.append(user)
    output = tail[-1].outputs[0]
    return Region(
        "normalise",
        "normalise",
        start,
        output,
        flow.between(start, output),
        statistic=statistic,
        signal=(*(_linear_path(flow, start, signal) or ()), *tail),
    )


def _is_inverse(flow: DataFlow, value: int) -> bool:
    """Whether a statistic is one over something, perhaps scaled by constants."""
    while (maker := flow.makers.get(value)) is not None:
        operands = flow.dependent(maker)
        if maker.name in INVERSE:
            if maker.name == "div":
                return maker.inputs[1] in operands
            exponent = flow.graph.constants.get(maker.inputs[-1])
            power = maker.params.get("y", -1 if maker.name == "rsqrt" else exponent)
            return isinstance(power, (int, np.ndarray)) and bool(power < 0)
        if maker.name not in SHAPES | CASTS | {"mul"} or len(operands) != 1:
            return False
        value = operands[0]
    return False


def _reduced(
    flow: DataFlow, start: int, end: int, reductions: frozenset[str] = REDUCTIONS
) -> set[int]:
    """Values between the two that know of `start` by sums or maxima over it alone."""
    found: set[int] = set()
    for equation in flow.between(start, end):
        operands, reduces = flow.dependent(equation), equation.name in reductions
        if equation.name == "dot_general":  # of no axis but those of both, as einsum("fc,fc->f")
            _, (batch, _) = equation.params["dimension_numbers"]
            if len(operands) != 2 or len(batch) != len(flow.shape(equation.outputs[0])):
                return set()
            reduces = "reduce_sum" in reductions
        elif equation.name not in POINTWISE | SHAPES | REDUCTIONS:
            return set()
        if reduces or all(operand in found for operand in operands):
            found |= set(equation.outputs)
    return found


def _linear_path(flow: DataFlow, start: int, end: int) -> tuple[Equation, ...] | None:
    """The equations between the two, extremes given, if they are linear then; else None."""
    between = flow.between(start, end)
    given = _reduced(flow, start, end, EXTREMES)
    path = tuple(equation for equation in between if given.isdisjoint(equation.outputs))
    for equation in path:
        both = len(flow.dependent(equation)) > 1
        inverse = equation.name == "div" and equation.inputs[1] in flow.graph.depends
        if equation.name not in LINEAR or inverse or (both and equation.name == "mul"):
            return None
    return path
