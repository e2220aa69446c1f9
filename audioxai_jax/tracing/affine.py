"""The affine beginning of a model: its first layer, mostly, up to the first nonlinearity.

What is affine maps a straight path to a straight path, and its derivative is the same at every
point. An integral of gradients along such a path needs it once forwards and once backwards, not
once for each node: `f(x) = tail(head(x))` with an affine `head` gives

    integral of  d f(b + a (x - b)) / dx  =  head^T  integral of  d tail(h_b + a (h_x - h_b)) / dh
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend import core as jaxprs

from audioxai_jax.core.records import as_model
from audioxai_jax.types import Model

MOVES = frozenset(
    "reshape squeeze expand_dims broadcast_in_dim transpose rev slice dynamic_slice gather "
    "split unstack reduce_sum reduce_window_sum cumsum neg copy copy_p".split()
)
"""Linear in their first operand, given the others."""

SUMS = frozenset("add sub add_any concatenate stack pad".split())
"""Linear in all operands together."""

PRODUCTS = frozenset("dot_general conv_general_dilated".split())
"""Linear in either operand, given the other; what is worth being computed once."""

CALLS = frozenset("jit pjit".split())
"""Only group equations."""

LARGEST = 2.0
"""Largest size of the split's values relative to the input; beyond it nothing is saved."""

Values = tuple[Array, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """A model in two: `head`, affine, from its input to several values; `tail`, from these on."""

    head: Callable[[Array], Values]
    tail: Callable[[Values], Array]


def split(model: Model, x: Array) -> Split:
    """Splits a model for inputs like `x` behind its affine beginning.

    Derivatives that a model defines itself are left as they are: such functions end the beginning.
    A model without a product in it, or with one that makes many values, is all tail.
    """
    leaves, structure = jax.tree.flatten(as_model(model))
    call = lambda leaves, x: jax.tree.unflatten(structure, leaves)(x)
    closed = jax.make_jaxpr(call)(leaves, x)
    whole = Split(lambda x: (x,), lambda values: model(values[0]))
    jaxpr = closed.jaxpr
    if jaxpr.effects or len(jaxpr.outvars) != 1:
        return whole
    entry = jaxpr.invars[-1]
    dependent, affine = _follow(jaxpr, [v is entry for v in jaxpr.invars])
    tail = [e for e in jaxpr.eqns if _reads(e, dependent) and not affine.issuperset(e.outvars)]
    wanted = [v for e in tail for v in e.invars] + list(jaxpr.outvars)
    border = list(dict.fromkeys(v for v in wanted if _is_variable(v) and v in affine))
    later = {id(e) for e in tail}
    head = [e for e in jaxpr.eqns if id(e) not in later]
    gains = any(_has_product(e) for e in head if _reads(e, dependent))
    size = sum(v.aval.size for v in border)
    if not gains or size > LARGEST * x.size:
        return whole
    fixed = [e for e in head if not _reads(e, dependent)]
    known = list(jaxpr.invars[:-1])
    first = _function(closed, known + [entry], border, head)
    rest = _function(closed, known + border, list(jaxpr.outvars), fixed + tail)
    flat = [jnp.asarray(leaf) for leaf in leaves]
    return Split(
        lambda x: tuple(first(*flat, x)),
        lambda values: rest(*flat, *values)[0],
    )


def transposed(head: Callable[[Array], Values], x: Array, values: Values) -> Array:
    """What the derivative of an affine `head` makes of values behind it, shaped as `x`."""
    return jax.vjp(head, x)[1](values)[0]


def _follow(jaxpr: Any, depends: Iterable[bool]) -> tuple[set, set]:
    """The variables that depend on an input, and which of these are affine in it."""
    dependent = {v for v, flag in zip(jaxpr.invars, depends, strict=True) if flag}
    affine = set(dependent)
    for eqn in jaxpr.eqns:
        if _reads(eqn, dependent):
            flags = [_is_variable(v) and v in dependent for v in eqn.invars]
            operands = [v for v, flag in zip(eqn.invars, flags, strict=True) if flag]
            dependent.update(eqn.outvars)
            if affine.issuperset(operands) and _is_affine(eqn, flags):
                affine.update(eqn.outvars)
    return dependent, affine


def _is_affine(eqn: Any, depends: list[bool]) -> bool:
    name = eqn.primitive.name
    moving = {v.aval.dtype for v, flag in zip(eqn.invars, depends, strict=True) if flag}
    if moving | {v.aval.dtype for v in eqn.outvars} != moving:
        return False  # it rounds
    if name in MOVES:
        return not any(depends[1:])
    if name in SUMS:
        return True
    if name in PRODUCTS or name == "mul":
        return sum(depends) == 1
    if name == "div":
        return not depends[1]
    if name == "select_n":
        return not depends[0]
    if name in CALLS:
        inner = eqn.params["jaxpr"].jaxpr
        return not inner.effects and set.__eq__(*_follow(inner, depends))
    return False


def _has_product(eqn: Any) -> bool:
    if eqn.primitive.name in CALLS:
        return any(map(_has_product, eqn.params["jaxpr"].jaxpr.eqns))
    return eqn.primitive.name in PRODUCTS


def _function(closed: Any, inputs: list, outputs: list, eqns: list) -> Callable[..., list]:
    names = {"arg_names": ("",) * len(inputs), "result_paths": ("",) * len(outputs)}
    about = closed.jaxpr.debug_info._replace(**names)
    jaxpr = closed.jaxpr.replace(invars=inputs, outvars=outputs, eqns=eqns, debug_info=about)
    return jaxprs.jaxpr_as_fun(jaxprs.ClosedJaxpr(jaxpr, closed.consts))


def _reads(eqn: Any, variables: set) -> bool:
    return any(_is_variable(v) and v in variables for v in eqn.invars)


def _is_variable(atom: Any) -> bool:
    return not isinstance(atom, jaxprs.Literal)
