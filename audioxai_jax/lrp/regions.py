"""Regions: several equations that are one operation, recognised by what they compute.

A region leads from one value to another that depends on the input through it alone. Nothing
is recognised by name, so that the GELU, softmax or layer norm of any library, or of your own,
is found.
"""

import dataclasses
from collections.abc import Iterable

from audioxai_jax.graph import Equation, Graph

UNARY = frozenset(
    "abs acos acosh asin asinh atan atanh bessel_i0e bessel_i1e cbrt cos cosh digamma erf erf_inv "
    "erfc exp exp2 expm1 integer_pow lgamma log log1p logistic rsqrt sin sinh sqrt square tan "
    "tanh".split()
)
CASTS = frozenset("convert_element_type copy copy_p reduce_precision name neg".split())
POINTWISE = UNARY | CASTS | frozenset("add sub mul div max min pow select_n clamp add_any".split())
SHAPES = frozenset("reshape squeeze expand_dims broadcast_in_dim transpose".split())
LINEAR = CASTS | SHAPES | frozenset("add sub mul div reduce_sum add_any".split())
REDUCTIONS = frozenset("reduce_sum reduce_max".split())


@dataclasses.dataclass(frozen=True)
class Region:
    """From `input` to `output` by `equations`.

    Attributes:
      statistic: for a normaliser, the value that it divides by or multiplies with.
      signal: for a normaliser, the equations from the input to the output, the statistic given.
    """

    kind: str
    name: str
    input: int
    output: int
    equations: tuple[Equation, ...]
    statistic: int | None = None
    signal: tuple[Equation, ...] = ()


class Reader:
    """A graph with its cross-references: makers, consumers and dominators of values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.consumers = graph.consumers()
        self.makers = {out: eqn for eqn in graph.equations for out in eqn.outputs}
        self._order = {id(equation): i for i, equation in enumerate(graph.equations)}
        self._taken: set[int] = set()
        self._dominator: dict[int, int] = {-1: -1}
        for number in graph.inputs:
            self._dominator[number] = -1
        for equation in graph.equations:
            if operands := self.dependent(equation):
                nearest = operands[0]
                for operand in operands[1:]:
                    nearest = self._common(nearest, operand)
                self._dominator |= dict.fromkeys(equation.outputs, nearest)

    def _common(self, a: int, b: int) -> int:
        """Numbers grow along every path, so the larger one cannot dominate the other."""
        while a != b:
            if a > b:
                a = self._dominator[a]
            else:
                b = self._dominator[b]
        return a

    def dependent(self, equation: Equation) -> list[int]:
        """Its operands that depend on the input, repetitions included."""
        return [number for number in equation.inputs if number in self.graph.depends]

    def dominator(self, value: int) -> int:
        """The nearest value that all paths from the input go through; -1 if there is none."""
        return self._dominator[value]

    def shape(self, value: int) -> tuple[int, ...]:
        return self.graph.shapes[value].shape

    def between(self, start: int, end: int) -> tuple[Equation, ...]:
        """The equations on the paths from a dominator of `end`, in their order."""
        found: dict[int, Equation] = {}
        pending = [end]
        while pending:
            value = pending.pop()
            if value == start or value not in self.makers:
                continue
            equation = self.makers[value]
            if id(equation) not in found:
                found[id(equation)] = equation
                pending += self.dependent(equation)
        return tuple(sorted(found.values(), key=lambda equation: self._order[id(equation)]))

    def only_consumer(self, value: int) -> Equation | None:
        """The one equation that uses a value, if nothing else does and it is not yet taken."""
        users = self.consumers.get(value, [])
        if len(users) != 1 or value in self.graph.outputs or self.taken(users[0]):
            return None
        return users[0] if self.dependent(users[0]) == [value] else None

    def taken(self, equation: Equation) -> bool:
        return id(equation) in self._taken

    def take(self, equations: Iterable[Equation]) -> None:
        """Marks what belongs to an operation, but for values that others use too."""
        *inner, last = equations
        self._taken.add(id(last))
        for equation in reversed(inner):
            users = [user for out in equation.outputs for user in self.consumers.get(out, [])]
            if not set(equation.outputs) & set(self.graph.outputs):
                if all(self.taken(user) for user in users):
                    self._taken.add(id(equation))

    def varying(self, value: int) -> set[int]:
        """Axes along which a constant may differ."""
        shape = self.shape(value)
        maker = self.makers.get(value)
        if maker is not None and maker.name == "broadcast_in_dim":
            below = self.varying(maker.inputs[0])
            axes = {maker.params["broadcast_dimensions"][axis] for axis in below}
        else:
            axes = set(range(len(shape)))
        return {axis for axis in axes if shape[axis] > 1}


def activation(reader: Reader, equation: Equation) -> Region | None:
    """A function of single values whose last step multiplies two of them: GELU, SiLU, x * x."""
    output = equation.outputs[0]
    start = _common_start(reader, equation)
    if start is None:
        return None
    equations = reader.between(start, output)
    shape = reader.shape(start)
    if any(e.name not in POINTWISE or reader.shape(e.outputs[0]) != shape for e in equations):
        return None
    return Region("activation", "activation", start, output, equations)


def softmax(reader: Reader, equation: Equation) -> Region | None:
    """`exp(x) / sum(exp(x))`, whatever was subtracted from x before."""
    if equation.name != "div" or _common_start(reader, equation) is None:
        return None
    top, bottom = (_source(reader, value) for value in equation.inputs)
    total, exponential = reader.makers.get(bottom), reader.makers.get(top)
    if total is None or exponential is None or total.name != "reduce_sum":
        return None
    if exponential.name != "exp" or _source(reader, total.inputs[0]) != top:
        return None
    start = _unshifted(reader, exponential.inputs[0], shapes=False)
    output = equation.outputs[0]
    return Region("softmax", "softmax", start, output, reader.between(start, output))


def log_softmax(reader: Reader, equation: Equation) -> bool:
    """Whether an equation is `x - log(sum(exp(x)))`."""
    if equation.name != "sub" or len(reader.dependent(equation)) != 2:
        return False
    value = _unshifted(reader, equation.inputs[1])
    for name in ("log", "reduce_sum", "exp"):
        maker = reader.makers.get(value)
        if maker is not None and maker.name == "abs":  # as in jax.nn.logsumexp
            maker = reader.makers.get(maker.inputs[0])
        if maker is None or maker.name != name:
            return False
        value = _unshifted(reader, maker.inputs[0])
    return value == _unshifted(reader, equation.inputs[0])


def normaliser(reader: Reader, equation: Equation) -> Region | None:
    """x, perhaps centred, divided by a statistic of x: layer, group, instance and RMS norm.

    A constant scale and shift right after it belong to it.
    """
    start = _common_start(reader, equation)
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
    if not _is_linear(reader, start, signal):
        return None
    centred = reader.makers.get(start)
    if centred is not None and centred.name == "sub" and signal == start:
        before, mean = centred.inputs
        if reader.dominator(start) == before and mean in _reduced(reader, before, start):
            if _is_linear(reader, before, start):
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
        signal=(*reader.between(start, signal), *tail),
    )


def _common_start(reader: Reader, equation: Equation) -> int | None:
    """Where both factors of a product or quotient come from, if it is one value."""
    operands = reader.dependent(equation)
    if equation.name not in ("mul", "div") or len(operands) != 2:
        return None
    start = reader.dominator(equation.outputs[0])
    return None if start < 0 else start


def _source(reader: Reader, value: int) -> int:
    """Back through changes of shape, type and masks."""
    while (maker := reader.makers.get(value)) is not None:
        operands = reader.dependent(maker)
        passes = maker.name in (SHAPES | CASTS | {"select_n"}) and maker.name != "neg"
        if not passes or len(operands) != 1:
            break
        value = operands[0]
    return value


def _unshifted(reader: Reader, value: int, *, shapes: bool = True) -> int:
    """Back through shifts as well: by constants, or by what is the same for all of x."""
    while True:
        value = _source(reader, value) if shapes else value
        shift = reader.makers.get(value)
        if shift is None or shift.name not in ("sub", "add"):
            return value
        operands, first = reader.dependent(shift), shift.inputs[0]
        if len(operands) == 2 and (shift.name == "add" or reader.dominator(value) != first):
            return value
        if len(operands) == 1 and not shapes and shift.name == "add":
            return value
        value = operands[0]


def _reduced(reader: Reader, start: int, end: int) -> set[int]:
    """Values between the two that know of `start` by sums or maxima over it alone."""
    found: set[int] = set()
    for equation in reader.between(start, end):
        operands = reader.dependent(equation)
        if equation.name not in POINTWISE | SHAPES | REDUCTIONS:
            return set()
        if equation.name in REDUCTIONS or all(operand in found for operand in operands):
            found |= set(equation.outputs)
    return found


def _is_linear(reader: Reader, start: int, end: int) -> bool:
    for equation in reader.between(start, end):
        both = len(reader.dependent(equation)) > 1
        inverse = equation.name == "div" and equation.inputs[1] in reader.graph.depends
        if equation.name not in LINEAR or inverse or (both and equation.name == "mul"):
            return False
    return True
