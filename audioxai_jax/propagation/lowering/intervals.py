"""Bounds of values that are known before anything is computed, from the code alone.

They tell what is never negative, and gates from signals: a gate lies between 0 and 1, be it a
sigmoid, one written with tanh or exp, or a line that is cut off (hard sigmoid).
"""

import math
from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.tracing.graph import Equation, Graph

Span = tuple[float, float]
"""The lowest and the highest value that there can be."""

ANY = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)
FIXED = dict.fromkeys("relu abs exp exp2 square sqrt erfc cosh".split(), POSITIVE) | {
    "logistic": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "erf": (-1.0, 1.0),
}
"""Of functions, whatever their input. A ReLU's signal is not a gate, however small."""


def is_gate(span: Span) -> bool:
    return span[0] >= 0 and span[1] <= 1 + 1e-6


class Bounds:
    """What is known of a graph's values."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._makers = {out: eqn for eqn in graph.equations for out in eqn.outputs}

    def of(self, operation: Operation, known: Mapping[int, Span]) -> Span:
        """Of an operation's outputs, given those of its inputs."""
        if operation.name in FIXED:
            return FIXED[operation.name]
        spans = [known.get(value, ANY) for value in operation.inputs]
        if operation.kind in ("route", "max"):
            return self._moved(operation, spans)
        if operation.keeps_sign and all(low >= 0 for low, _ in spans):
            return POSITIVE
        pointwise = operation.kind in ("affine", "scale") or operation.name in STEPS
        return self._along(operation, spans[0]) if pointwise and len(spans) == 1 else ANY

    def _moved(self, operation: Operation, spans: list[Span]) -> Span:
        """Of values that are moved, and of constants put among them."""
        equation = operation.equation
        real = lambda value: jnp.issubdtype(self._graph.shapes[value].dtype, jnp.inexact)
        filled = [v for v in equation.inputs if v not in operation.inputs and real(v)]
        spans = spans + [self._constant(value) for value in filled]
        return min(low for low, _ in spans), max(high for _, high in spans)

    def _along(self, operation: Operation, span: Span) -> Span:
        """Through functions of single values, one after the other."""
        (value,) = operation.inputs
        for equation in operation.equations:
            if equation.name not in STEPS:
                return ANY
            operands = [span if n == value else self._constant(n) for n in equation.inputs]
            span, value = STEPS[equation.name](*operands), equation.outputs[0]
        return span

    def _constant(self, value: int) -> Span:
        """Of numbers written in the code."""
        maker: Equation | None = self._makers.get(value)
        if maker is not None and maker.name in (SHAPES | CASTS) - {"neg"}:
            return self._constant(maker.inputs[0])
        number = self._graph.constants.get(value)
        if not isinstance(number, np.ndarray) or not number.size or number.dtype.kind not in "iuf":
            return ANY
        return float(np.min(number)), float(np.max(number))


def _times(a: Span, b: Span) -> Span:
    corners = [0.0 if 0 in (p, q) else p * q for p in a for q in b]
    return min(corners), max(corners)


def _over(a: Span, b: Span) -> Span:
    if b[0] < 0 < b[1]:
        return ANY
    low, high = (math.copysign(math.inf, sum(b)) if end == 0 else 1 / end for end in b[::-1])
    return _times(a, (low, high))


STEPS: dict[str, Callable[..., Span]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "neg": lambda a: (-a[1], -a[0]),
    "mul": _times,
    "div": _over,
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "clamp": lambda low, x, high: (
        min(max(x[0], low[0]), high[0]),
        min(max(x[1], low[1]), high[1]),
    ),
}
