"""What a graph consists of, as far as relevance is concerned.

Equations of a trace are finer than what rules are written for: a convolution and its bias, a
batch norm after it, the eight equations of a GELU. `lowering.lower.operations` makes
operations of them; each is of one kind:

=========== =======================================================================
kind        what it is
=========== =======================================================================
conv, dense product with a constant operand, its bias and what scales it included (a product with
            what the code makes up, as patches are cut by an identity, is a sum)
affine      a shift, perhaps with a scale, that no product takes up (a batch norm after a ReLU)
scale       multiplication by constants
sum         sums and means over axes or windows
add         sum of two values
route       reshape, slice, pad, concatenate, gather: values that move
max         maxima and minima over axes, windows or two values; sort
activation  any function of single values: ReLU (by its own name, relu), GELU, ELU, tanh, exp
product     of two values; gate, if one of them is known to lie between 0 and 1, as a sigmoid
matmul      product of two values as matrices; attention, if one of them comes from a softmax,
            masked or divided by its sum after it or not; so is softmax pooling, a sum of products
atan2       angle of two values, such as the parts of a spectrum
softmax     exp(x) / sum, recognised by what it computes; by name also logsumexp
decision    comparisons, casts and what is chosen by them, where an input and a reference are
            compared; elsewhere such values count as constants
custom      a function with a derivative of its own, and nothing but cuts inside; an activation,
            if that derivative is one of single values
normalise   x, perhaps centred, divided by a statistic of x; recognised in the same way
scan, cond  control flow around other operations
=========== =======================================================================

Any other primitive is a kind of its own, by its name.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from audioxai_jax.tracing.graph import Equation, Values

PARAMETRIC = frozenset({"conv", "dense"})

Linear = Callable[[Any, Any], Any]
"""`lin(x, w)`: an operation without its bias. Linear in x, but for activation, max and softmax."""

Prepared = tuple[Linear, Any, Any]
"""What rules get of an operation: lin, w (None if it has none), b (0.0 if it has none)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Operation:
    """A group of equations that one rule takes relevance through.

    Attributes:
      kind: see the table above.
      name: the primitive, or a clearer name such as "relu".
      inputs: values that depend on the input, in the order in which rules get them.
      outputs: values that it computes; more than one for few kinds only.
      prepare: function from all values to what rules get: a function `lin(x, w)`, w (or None), b.
      equations: the last one computes the outputs.
      path: path of the model's leaf that is its weight, such as "conv_0/kernel", "" if it has none.
      keeps_sign: whether inputs without negative values give such outputs.
      nonnegative: whether its input is known to have no negative values.
      rectifies: whether it is a ReLU, or one that ends somewhere, as ReLU6.
      first, last: position of the parametric operations on a way from input to output.
      bodies: the operations of each graph inside a control flow.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    prepare: Callable[[Values], Prepared]
    equations: tuple[Equation, ...]
    path: str = ""
    keeps_sign: bool = False
    nonnegative: bool = False
    rectifies: bool = False
    first: bool = False
    last: bool = False
    bodies: tuple[tuple["Operation", ...], ...] = ()

    @property
    def equation(self) -> Equation:
        return self.equations[-1]

    @property
    def scope(self) -> str:
        return self.equations[0].scope

    @property
    def source(self) -> str:
        return next((e.source for e in self.equations if e.source), "")

    @property
    def label(self) -> str:
        """What it is and where, such as "conv conv_0/kernel"."""
        what = self.kind if self.name in (self.kind, "") else f"{self.kind}:{self.name}"
        return f"{what} {self.path or self.scope}".strip()
