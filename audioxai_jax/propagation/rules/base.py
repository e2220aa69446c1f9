"""What a rule is, and what most rules are made of.

A rule takes relevance through one operation, from its output to its input:

    rule(lin, x, w, b, z, R) -> relevance of x

=====  ======================================================================================
`lin`  the operation without its bias, `lin(x, w)`: a convolution and a matrix product look alike
`x`    its input; a tuple if several values come in
`w`    its weight, `None` if it has none; `b` its bias, 0.0 if it has none
`z`    its output, `lin(x, w) + b`
`R`    relevance of the output, shaped as z
=====  ======================================================================================

The result is shaped as x. A rule may return `Shares` instead, which also say what the bias and
the stabiliser took; then the ledger can tell. Sources: S. Bach et al., "On Pixel-Wise
Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation", PLOS ONE
2015; G. Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import record

WEIGHTED = ("conv", "dense", "affine", "scale")
"""Kinds of operations that have a weight."""

Linear = Callable[[Any, Any], Array]


class Reference(NamedTuple):
    """The same operation at the reference: its input, weight and output there."""

    x: Any
    w: Any
    z: Any


class Rule(Protocol):
    """See the text above; a plain function is a rule, too. Three further members are optional:

    ===================  ====================================================================
    `kinds`              names of the kinds of operations that the rule is for; all kinds if it
                         has no such attribute: see `LimitedRule`
    `for_nonnegative()`  the rule for inputs that are known to have no negative values: see
                         `SignedRule`
    `takes_reference`    True for rules that compare with a reference: see `ComparingRule`
    ===================  ====================================================================
    """

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Any: ...


class LimitedRule(Rule, Protocol):
    """A rule for some kinds of operations; for others it is refused before computing."""

    @property
    def kinds(self) -> tuple[str, ...]: ...


class SignedRule(Rule, Protocol):
    """A rule that treats inputs below zero apart, and can leave that out after a ReLU."""

    def for_nonnegative(self) -> Rule: ...


class ComparingRule(Protocol):
    """A rule that gets `reference=`, the operation at another input of the model (DeepLIFT)."""

    @property
    def takes_reference(self) -> bool: ...

    def __call__(
        self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any, *, reference: Reference
    ) -> Any: ...


def kinds_of(rule: Any) -> tuple[str, ...] | None:
    """The kinds of operations that a rule is for; None for all."""
    return getattr(_plain(rule), "kinds", None)


def for_inputs(rule: Any, nonnegative: bool) -> Any:
    """The rule to use, given whether the input is known to have no negative values."""
    simpler = getattr(_plain(rule), "for_nonnegative", None)
    return simpler() if nonnegative and simpler is not None else rule


def takes_reference(rule: Any) -> bool:
    """Whether a rule compares with a reference, and cannot do without one."""
    return getattr(_plain(rule), "takes_reference", False)


def _plain(rule: Any) -> Any:
    """A composite wraps functions, whose attributes stay theirs."""
    return rule.func if isinstance(rule, Partial) else rule


@record()
class Shares:
    """Where the relevance of an output went: to the input, to the bias, to the stabiliser."""

    relevance: Any
    bias: Array | float = 0.0
    stabiliser: Array | float = 0.0

    def times(self, factor: float) -> "Shares":
        return jax.tree.map(lambda part: factor * part, self)

    def plus(self, other: "Shares") -> "Shares":
        return jax.tree.map(jnp.add, self, other)


def divide(numerator: Array, denominator: Array) -> Array:
    """The quotient, and 0 where the denominator is 0; its gradient is finite, too."""
    zero = denominator == 0
    return jnp.where(zero, 0, numerator / jnp.where(zero, 1, denominator))


def rms(z: Array) -> Array:
    """Root of the mean square, for values of any size."""
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(z), initial=0))
    mean = jnp.mean(divide(z, largest) ** 2)
    return jnp.where(mean > 0, largest * jnp.sqrt(jnp.where(mean > 0, mean, 1)), 0)


def stabilise(z: Array, epsilon: float, absolute: bool = False) -> Array:
    """z, moved away from zero by `epsilon`, in units of its root mean square over the example.

    Args:
      absolute: epsilon as it is, whatever the size of z. In float32, small values of z are then
        either swamped or not stabilised at all.
    """
    size = 1 if absolute else rms(z)
    return z + jnp.where(z < 0, -epsilon, epsilon) * size


def transposed(lin: Linear, x: Any, w: Any) -> Callable[[Array], Any]:
    """The transpose of `x -> lin(x, w)`, from something like z to something like x."""
    _, back = jax.vjp(lambda x: lin(x, w), x)
    return lambda s: back(s)[0]


def share(
    lin: Linear,
    terms: Sequence[tuple[Any, Any]],
    b: Array | float,
    R: Array,
    epsilon: float,
    absolute: bool = False,
    total: Array | None = None,
) -> Shares:
    """Relevance in proportion to what terms and bias contribute to their total:

        R_i = sum over terms (x, w) of  x_i sum_j w_ij s_j,   s_j = R_j / total_j

    Args:
      total: sum of `lin(x, w)` over the terms, plus b, if it is known.
    """
    if total is None:
        parts = [lin(x, w) for x, w in terms]
        total = sum(parts[1:], parts[0]) + b
    s = divide(R, stabilise(total, epsilon, absolute))
    found = [multiply(x, transposed(lin, x, w)(s)) for x, w in terms]
    relevance = found[0]
    for other in found[1:]:
        relevance = jax.tree.map(jnp.add, relevance, other)
    return Shares(relevance, jnp.sum(multiply(b, s)), jnp.sum(R - multiply(total, s)))


def multiply(x: Any, gradient: Any) -> Any:
    """The product; infinite values of x, as masks have them, count as 0."""
    return jax.tree.map(lambda x, g: jnp.where(jnp.isfinite(x), x, 0) * g, x, gradient)


def positive(x: Any) -> Any:
    return jax.tree.map(lambda v: jnp.maximum(v, 0), x)


def negative(x: Any) -> Any:
    return jax.tree.map(lambda v: jnp.minimum(v, 0), x)
