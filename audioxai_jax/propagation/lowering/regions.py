"""Regions: several equations that are one operation, recognised by what they compute.

A region leads from one value to another that depends on the input through it alone. Nothing
is recognised by name, so that the GELU, softmax or layer norm of any library, or of your own,
is found.
"""

import dataclasses

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, DataFlow
from audioxai_jax.tracing.graph import Equation, Graph

UNARY = frozenset(
    "abs acos acosh asin asinh atan atanh bessel_i0e bessel_i1e cbrt cos cosh digamma erf erf_inv "
    "erfc exp exp2 expm1 integer_pow lgamma log log1p logistic rsqrt sin sinh sqrt square tan "
    "tanh".split()
)
POINTWISE = UNARY | CASTS | frozenset("add sub mul div max min pow select_n clamp add_any".split())
DECISIONS = frozenset("gt lt ge le eq ne and or not is_finite sign floor ceil round".split())
CHOSEN = frozenset({"select_n"})
MOVED = (SHAPES | CASTS | CHOSEN) - {"neg"}
MASKED = MOVED | {"mul"}


@dataclasses.dataclass(frozen=True)
class Region:
    """From `input` to `output` by `equations`.

    Attributes:
      statistic: value of a normaliser that it divides by or multiplies with.
      signal: equations of a normaliser from the input to the output, the statistic given.
    """

    kind: str
    name: str
    input: int
    output: int
    equations: tuple[Equation, ...]
    statistic: int | None = None
    signal: tuple[Equation, ...] = ()


def activation(flow: DataFlow, equation: Equation) -> Region | None:
    """A function of single values: one that multiplies two of them, or decides by one.

    GELU, SiLU, x * x; ELU, leaky ReLU and others that are written with `where`.
    """
    output, operands = equation.outputs[0], flow.dependent(equation)
    if equation.name not in ("mul", "div", "select_n") or not operands:
        return None
    decided = any(n in flow.graph.touched and n not in operands for n in equation.inputs)
    decided |= equation.name == "select_n" and equation.inputs[0] in operands
    if not decided and (equation.name == "select_n" or len(operands) != 2):
        return None
    start = flow.decider(output)
    if start not in flow.graph.depends or not flow.inexact(start):
        return None
    equations, shape = flow.between(start, output, deciding=True), flow.shape(start)
    known = POINTWISE | DECISIONS
    if any(e.name not in known or flow.shape(e.outputs[0]) != shape for e in equations):
        return None
    name = "relu" if _rectifies(flow, equation, start) else "activation"
    return Region("activation", name, start, output, equations)


def of_single_values(graph: Graph) -> bool:
    """Whether a graph is a function of single values of one shape."""
    (shape, *others) = {graph.shapes[n].shape for n in graph.depends}
    names = (e.name for e in graph.equations if graph.depends.intersection(e.outputs))
    return not others and all(name in POINTWISE | DECISIONS for name in names)


def _rectifies(flow: DataFlow, equation: Equation, start: int) -> bool:
    """`where(x > 0, x, 0)`, or x times `x > 0`, however the comparison is written."""
    if equation.name == "select_n":
        decision, otherwise, value = (*equation.inputs, -1)[:3]
        positive = flow.is_zero(otherwise)  # else it chooses zero where the comparison holds
        if not positive:
            value, otherwise = otherwise, value
        if not flow.is_zero(otherwise):
            return False
    elif equation.name == "mul":
        value, decision = sorted(equation.inputs, key=lambda n: n != start)
        positive = True
    else:
        return False
    maker = flow.makers.get(decision)
    while maker is not None and maker.name in CASTS:
        maker = flow.makers.get(maker.inputs[0])
    if value != start or maker is None or maker.name not in ("gt", "ge", "lt", "le"):
        return False
    left, right = maker.inputs
    rises = maker.name in ("gt", "ge")
    if left == start and flow.is_zero(right):
        return rises == positive
    return right == start and flow.is_zero(left) and rises != positive


def softmax(flow: DataFlow, equation: Equation) -> Region | None:
    """`exp(x) / sum(exp(x))`, whatever was subtracted from x before, with masks or without."""
    if equation.name != "div" or common_start(flow, equation) is None:
        return None
    top = source(flow, equation.inputs[0], MASKED)
    bottom = source(flow, equation.inputs[1], MASKED | {"add", "max"})
    total, exponential = flow.makers.get(bottom), flow.makers.get(top)
    if total is None or exponential is None or total.name != "reduce_sum":
        return None
    if exponential.name != "exp" or source(flow, total.inputs[0], MASKED) != top:
        return None
    start = _unshifted(flow, exponential.inputs[0], shapes=False)
    output = equation.outputs[0]
    return Region("softmax", "softmax", start, output, flow.between(start, output))


def logsumexp(flow: DataFlow, equation: Equation) -> Region | None:
    """`log(sum(exp(x)))`, with what was subtracted from x before added again."""
    if equation.name != "log":
        return None
    total = flow.makers.get(source(flow, equation.inputs[0]))
    if total is not None and total.name == "abs":  # as in jax.nn.logsumexp
        total = flow.makers.get(total.inputs[0])
    if total is None or total.name != "reduce_sum":
        return None
    exponential = flow.makers.get(source(flow, total.inputs[0]))
    if exponential is None or exponential.name != "exp":
        return None
    start, tail = _unshifted(flow, exponential.inputs[0], shapes=False), equation
    user = flow.only_consumer(equation.outputs[0])
    if user is not None and user.name == "add":
        tail = user
    output = tail.outputs[0]
    return Region("softmax", "logsumexp", start, output, flow.between(start, output))


def log_softmax(flow: DataFlow, equation: Equation) -> bool:
    """Whether an equation is `x - log(sum(exp(x)))`."""
    if equation.name != "sub" or len(flow.dependent(equation)) != 2:
        return False
    value = _unshifted(flow, equation.inputs[1])
    for name in ("log", "reduce_sum", "exp"):
        maker = flow.makers.get(value)
        if maker is not None and maker.name == "abs":  # as in jax.nn.logsumexp
            maker = flow.makers.get(maker.inputs[0])
        if maker is None or maker.name != name:
            return False
        value = _unshifted(flow, maker.inputs[0])
    return value == _unshifted(flow, equation.inputs[0])


def common_start(flow: DataFlow, equation: Equation) -> int | None:
    """Where both factors of a product or quotient come from, if it is one value."""
    operands = flow.dependent(equation)
    if equation.name not in ("mul", "div") or len(operands) != 2:
        return None
    start = flow.dominator(equation.outputs[0])
    return None if start < 0 else start


def source(flow: DataFlow, value: int, through: frozenset[str] = MOVED) -> int:
    """Back through changes of shape, type and masks."""
    while (maker := flow.makers.get(value)) is not None:
        operands = flow.dependent(maker)
        if maker.name not in through or len(operands) != 1:
            break
        value = operands[0]
    return value


def _unshifted(flow: DataFlow, value: int, *, shapes: bool = True) -> int:
    """Back through shifts as well: by constants, or by what is the same for all of x."""
    while True:
        value = source(flow, value, MOVED if shapes else CHOSEN)
        shift = flow.makers.get(value)
        if shift is None or shift.name not in ("sub", "add"):
            return value
        operands, first = flow.dependent(shift), shift.inputs[0]
        if len(operands) == 2 and (shift.name == "add" or flow.dominator(value) != first):
            return value
        value = operands[0]
