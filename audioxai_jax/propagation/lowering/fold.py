"""What a product takes up of the equations after it: its bias, and constant scales.

A shift or a constant scale whose only input is the product belongs to it, also behind changes
of shape: so a batch norm at inference disappears into the convolution before it. A scale goes
into the weight, so that it may differ only along axes that the weight has too.
"""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.propagation.lowering.dataflow import CASTS, SHAPES, DataFlow
from audioxai_jax.tracing.graph import Equation, Values

Owners = list[int | None]
"""For each axis of a product, the axis of the weight that it comes from."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """A constant factor: a value, whether it divides, and its axes with those of the weight."""

    value: int | None  # None: -1
    divides: bool
    axes: tuple[tuple[int, int], ...]

    def positive(self, flow: DataFlow) -> bool:
        """Whether it is known to be, from the code alone."""
        number = flow.graph.constants.get(-1 if self.value is None else self.value)
        return isinstance(number, np.ndarray) and bool(np.all(number > 0))

    def of(self, values: Values, rank: int) -> Array:
        """The factor, ready to be multiplied with a weight of that rank."""
        if self.value is None:
            return jnp.asarray(-1)
        c = values[self.value]
        c = 1 / c if self.divides else c
        if c.ndim == 0:
            return c
        kept = [axis for axis, _ in self.axes]
        c = c[tuple(slice(None) if axis in kept else 0 for axis in range(c.ndim))]
        order = sorted(range(len(kept)), key=lambda i: self.axes[i][1])
        sizes = [1] * rank
        for position, i in enumerate(order):
            sizes[self.axes[i][1]] = c.shape[i]
        return jnp.transpose(c, order).reshape(sizes)


@dataclasses.dataclass(frozen=True)
class Chain:
    """The equations that follow a product, and what they are to it.

    Attributes:
      start: the product's value; each equation has the one before as its only unknown.
      scales: constant factors among them.
      moves: equations that change the shape.
      shifted: whether any of them adds a constant.
    """

    start: int
    equations: tuple[Equation, ...] = ()
    scales: tuple[Scale, ...] = ()
    moves: tuple[Equation, ...] = ()
    shifted: bool = False

    @property
    def output(self) -> int:
        return self.equations[-1].outputs[0] if self.equations else self.start

    def weight(self, values: Values, w: Array) -> Array:
        """The weight with all scales in it."""
        for scale in self.scales:
            w = w * scale.of(values, w.ndim).astype(w.dtype)
        return w

    def move(self, product: Array) -> Array:
        """The product in the shape that it has at the end."""
        for equation in self.moves:
            (product,) = equation(product)
        return product

    def bias(self, values: Values) -> Array | float:
        """What the chain makes of zeros."""
        if not self.shifted:
            return 0.0
        start = values[self.start]
        return self.run(values, jnp.zeros(start.shape, start.dtype))

    def factor(self, values: Values) -> Array:
        """The product of all constant factors, if the chain has no moves."""
        w, unknown = jnp.ones((), values[self.start].dtype), self.start
        for equation in self.equations:
            if equation.name in ("mul", "div"):
                left = equation.inputs[0] == unknown
                c = values[equation.inputs[1 if left else 0]]
                w = w * c if equation.name == "mul" else w / c
            elif equation.name == "neg" or (
                equation.name == "sub" and equation.inputs[1] == unknown
            ):
                w = -w
            unknown = equation.outputs[0]
        return w

    def run(self, values: Values, y: Array) -> Array:
        unknown = self.start
        for equation in self.equations:
            (y,) = equation(*(y if n == unknown else values[n] for n in equation.inputs))
            unknown = equation.outputs[0]
        return y


def follow(flow: DataFlow, start: int, owners: Owners) -> Chain:
    """The chain that follows a product, whose axes come from those of the weight as given."""
    chain = best = Chain(start)
    while (equation := flow.only_consumer(chain.output)) is not None:
        link = _link(flow, equation, chain.output, owners)
        if link is None:
            break
        scales, moved, shifts, owners = link
        chain = Chain(
            start,
            (*chain.equations, equation),
            chain.scales + scales,
            (*chain.moves, equation) if moved else chain.moves,
            chain.shifted or shifts,
        )
        best = chain if not moved else best
    return best


def pointwise(flow: DataFlow, start: int, equation: Equation) -> Chain:
    """The factors and shifts of single values from this equation on."""
    equations, shifted = [equation], False
    while True:
        shifted |= equations[-1].name in ("add", "add_any", "sub")
        value = equations[-1].outputs[0]
        user = flow.only_consumer(value)
        if user is None or flow.shape(user.outputs[0]) != flow.shape(value):
            break
        inverse = user.name == "div" and user.inputs[0] != value
        if user.name not in ("add", "add_any", "sub", "mul", "div", "neg") or inverse:
            break
        equations.append(user)
    return Chain(start, tuple(equations), shifted=shifted)


def owners(flow: DataFlow, equation: Equation, *, left: bool) -> Owners:
    """For each axis of a product, the axis of its constant operand that it comes from.

    Args:
      left: whether the input is the left operand, and the weight the right one.
    """
    if equation.name == "dot_general":
        contracted, batch = equation.params["dimension_numbers"]
        side = 1 if left else 0
        ranks = [len(flow.shape(value)) for value in equation.inputs]
        used = {*contracted[side], *batch[side]}
        free = [axis for axis in range(ranks[side]) if axis not in used]
        other = ranks[1 - side] - len(contracted[1 - side]) - len(batch[1 - side])
        return [*batch[side], *([None] * other + free if left else free + [None] * other)]
    numbers = equation.params["dimension_numbers"]
    found: Owners = [None] * len(numbers.out_spec)
    if left and equation.params["batch_group_count"] == 1:
        found[numbers.out_spec[1]] = numbers.rhs_spec[0]
    return found


def _link(
    flow: DataFlow, equation: Equation, value: int, owners: Owners
) -> tuple[tuple[Scale, ...], bool, bool, Owners] | None:
    """What an equation is to the chain: scales, whether it moves, whether it shifts, owners."""
    before, after = flow.shape(value), flow.shape(equation.outputs[0])
    if equation.name in SHAPES | CASTS - {"neg", "name"}:
        moved = _moved(equation, before, after, owners)
        return None if moved is None else ((), True, False, moved)
    if before != after:
        return None
    if equation.name == "neg":
        return (Scale(None, False, ()),), False, False, owners
    if equation.name not in ("add", "sub", "mul", "div", "add_any"):
        return None
    first = equation.inputs[0] == value
    if equation.name in ("add", "add_any") or (equation.name == "sub" and first):
        return (), False, True, owners
    if equation.name == "sub":
        return (Scale(None, False, ()),), False, True, owners
    if equation.name == "div" and not first:
        return None
    constant = equation.inputs[1 if first else 0]
    axes = sorted(flow.varying(constant))
    found = [(axis, owners[axis]) for axis in axes]
    if any(owner is None for _, owner in found):
        return None
    pairs = tuple((axis, owner) for axis, owner in found if owner is not None)
    return (Scale(constant, equation.name == "div", pairs),), False, False, owners


def _moved(
    equation: Equation, before: tuple[int, ...], after: tuple[int, ...], owners: Owners
) -> Owners | None:
    """Where axes of the weight are after a change of shape; None if values are repeated."""
    if equation.name == "transpose":
        return [owners[axis] for axis in equation.params["permutation"]]
    if math.prod(before) != math.prod(after):
        return None
    long = [owner for owner, size in zip(owners, before, strict=True) if size > 1]
    if [size for size in before if size > 1] != [size for size in after if size > 1]:
        return list[int | None]([None] * len(after))
    rest = iter(long)
    return [next(rest) if size > 1 else None for size in after]
