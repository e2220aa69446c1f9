"""What cannot be explained is refused, in words that help, before anything is computed."""

from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.propagation import softmax_check
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.propagation.rules.base import kinds_of
from audioxai_jax.tracing.complex_parts import is_linear
from audioxai_jax.tracing.graph import Graph

ADVICE = {
    "while": "write the loop as lax.scan, whose number of steps is known",
}


class UncoveredOperation(ValueError):
    """No rule of the composite is for an operation."""


class SoftmaxOutput(ValueError):
    """The model ends in a softmax."""


def uncovered(composite: Any, operation: Operation, graph: Graph) -> UncoveredOperation:
    """The error for an operation without a rule."""
    if any(_is_complex(graph, n) for n in (*operation.inputs, *operation.outputs)):
        return _complex(operation, graph)
    before, after = (
        [str(list(graph.shapes[n].shape)) for n in numbers]
        for numbers in (operation.inputs, operation.outputs)
    )
    place = f" at {operation.source}" if operation.source else ""
    where = "".join(
        f", {what} {text!r}"
        for what, text in (("parameter", operation.path), ("name stack", operation.scope))
        if text
    )
    tried = ", ".join(map(repr, composite.patterns)) or "none"
    known = ADVICE.get(operation.name, "")
    return UncoveredOperation(
        f"no rule for {operation.name or operation.kind}{place}: "
        f"{', '.join(before)} -> {', '.join(after)}{where}. Patterns tried: {tried}. "
        + (f"For LRP, {known}. " if known else "")
        + f"To cover it, add (kind({operation.kind!r}), rule) to the composite's entries, with a "
        "rule of your own, or pass_through() if it is a function of single values"
    )


def _complex(operation: Operation, graph: Graph) -> UncoveredOperation:
    """The error for complex values, which names what is not written by their parts."""
    culprit = operation.equation
    for equation in graph.equations:
        moving = [number in graph.depends for number in equation.inputs]
        ends = (*equation.inputs, *equation.outputs)
        if any(moving) and any(_is_complex(graph, n) for n in ends):
            if not is_linear(equation.name, moving):
                culprit = equation
                break
    place = f" at {culprit.source}" if culprit.source else ""
    by_parts = "relevance is real. Write it by the real and imaginary parts, z.real and z.imag"
    advice = ADVICE.get(culprit.name, by_parts)
    return UncoveredOperation(f"no rule for {culprit.name} of complex values{place}: {advice}")


def _is_complex(graph: Graph, number: int) -> bool:
    return jnp.issubdtype(graph.shapes[number].dtype, jnp.complexfloating)


def no_reference(operation: Operation) -> UncoveredOperation:
    place = f" at {operation.source}" if operation.source else ""
    return UncoveredOperation(
        f"no rule for {operation.name}{place}: the input and its reference could take different "
        "branches; write it with jnp.where, or use another method"
    )


def lacks_reference(operation: Operation, rule: Any) -> ValueError:
    return ValueError(
        f"the rule {rule!r} of {operation.label} compares with a reference: give propagate("
        "reference=), another input of the model"
    )


def check_output(graph: Graph, found: tuple[Operation, ...]) -> None:
    """Refuses a model that returns probabilities.

    Raises:
      SoftmaxOutput: if it ends in a softmax, see `endings.softmax_at_end`.
    """
    ending = softmax_check.softmax_at_end(graph, found)
    if ending is not None:
        end, operation = ending
        place = f" at {operation.source}" if operation.source else ""
        raise SoftmaxOutput(
            f"the model ends in {end}{place}: its outputs depend on all logits, so that relevance "
            "would speak for and against all classes at once. Explain the logits: leave the "
            "softmax off"
        )


def check_kind(operation: Operation, rule: Any) -> None:
    """Refuses a rule for an operation of a kind that it is not made for.

    Raises:
      ValueError: naming both.
    """
    kinds = kinds_of(rule)
    if kinds is not None and operation.kind not in kinds:
        raise ValueError(
            f"the rule {rule!r} is for operations of kind {', '.join(kinds)}, and not for "
            f"{operation.label}"
        )


def check_shape(operation: Operation, rule: Any, found: Any, x: Any) -> None:
    """Refuses what a user's rule returns if it is not shaped as its input.

    Raises:
      ValueError: naming the rule, the operation and both shapes.
    """
    shapes = lambda tree: [jnp.shape(leaf) for leaf in jax.tree.leaves(tree)]
    same = jax.tree.structure(found) == jax.tree.structure(x) and shapes(found) == shapes(x)
    if not same:
        name = getattr(getattr(rule, "func", None), "__name__", repr(rule))
        raise ValueError(
            f"the rule {name} returned relevance {shapes(found)} for the input {shapes(x)} of "
            f"{operation.label}: they must have the same shape"
        )
