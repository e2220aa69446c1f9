"""Complex values: what is linear from real values to a real one is one operation.

Relevance is real, so no rule hands it to a spectrum. But a spectrum that is only weighted, moved
and added on its way is the inside of a linear map of real values. Transform, filter and inverse
are one matrix, whose parts need no relevance of their own. Each real value that complex ones lead
to is such an operation: so are the real and the imaginary part that a magnitude or another
function is computed from, which `tracing.complex_values` writes by real equations.
"""

from typing import Any

import jax.numpy as jnp

from audioxai_jax.propagation.lowering.dataflow import DataFlow
from audioxai_jax.propagation.lowering.operations import Operation, Prepared
from audioxai_jax.tracing.complex_parts import JOINED, is_linear
from audioxai_jax.tracing.graph import Equation, Values, function


def linear_part(flow: DataFlow, equation: Equation) -> Operation | None:
    """What leads by complex values to the real value of an equation, if all of it is linear.

    Its inputs are the real values where complex ones begin.
    """
    output = equation.outputs[0]
    if flow.is_complex(output) or not any(map(flow.is_complex, flow.dependent(equation))):
        return None
    makers, inputs, pending = {id(equation): equation}, set(), [equation]
    while pending:
        maker = pending.pop()
        if not _is_linear(flow, maker):
            return None
        for number in flow.dependent(maker):
            if not flow.is_complex(number):
                inputs.add(number)
            elif number not in flow.makers:  # comes into a loop or a branch
                return None
            elif id(before := flow.makers[number]) not in makers:
                makers[id(before)] = before
                pending.append(before)
    return _operation(flow, flow.in_order(makers.values()), tuple(sorted(inputs)), output)


def _operation(
    flow: DataFlow, equations: tuple[Equation, ...], inputs: tuple[int, ...], output: int
) -> Operation:
    shapes = [flow.graph.shapes[number] for number in inputs]
    shifted = any(_shifts(flow, equation) for equation in equations)

    def prepare(values: Values) -> Prepared:
        part = function(equations, values, inputs, (output,))
        whole = lambda x: part(*(x if len(inputs) > 1 else (x,)))[0]
        if not shifted:
            return (lambda x, w: whole(x)), None, 0.0
        zeros: Any = tuple(jnp.zeros(one.shape, one.dtype) for one in shapes)
        b = whole(zeros if len(inputs) > 1 else zeros[0])
        return (lambda x, w: whole(x) - b), None, b

    name = "fft" if any(equation.name == "fft" for equation in equations) else "complex"
    return Operation("sum", name, inputs, (output,), prepare, equations)


def _is_linear(flow: DataFlow, equation: Equation) -> bool:
    """In what depends on the input; what was decided by it counts as constant."""
    operands = flow.dependent(equation)
    if not all(map(flow.inexact, operands)):
        return False
    if flow.graph.compares and not flow.graph.touched.isdisjoint(
        set(equation.inputs) - set(operands)
    ):
        return False  # it may be another constant at the reference
    return is_linear(equation.name, [n in operands for n in equation.inputs])


def _shifts(flow: DataFlow, equation: Equation) -> bool:
    """Whether it adds a constant, or puts one among what it moves."""
    constants = [n for n in equation.inputs if n not in flow.graph.depends and flow.inexact(n)]
    return equation.name in JOINED and not all(map(flow.is_zero, constants))
