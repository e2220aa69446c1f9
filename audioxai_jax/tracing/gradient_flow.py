"""The gradient of the logit that is explained; refused where no gradient can flow.

A model that rounds, compares or stops gradients on every way from its input to its output has
gradient zero everywhere: relevance would be zero without a word. That is seen in the trace of
the model, before anything is computed. Relevance that happens to be zero (of a silent clip,
of a saturated unit) is not an error.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.tracing.graph import Equation, Graph
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model, score


class NoGradient(ValueError):
    """The model's output has no differentiable path from its input."""


def value_and_gradient(model: Model, x: Array, target: Array | int) -> tuple[Array, Array]:
    """The target's logit, a scalar, and its derivative by each feature, shaped as `x`.

    Raises:
      NoGradient: if nothing that the model returns can be differentiated by its input.
      ValueError: as `types.score`, or if the input is not floating point.
    """
    check_path(model, x)
    return jax.value_and_grad(lambda point: score(model, point, target))(x)


def gradient(model: Model, x: Array, target: Array | int) -> Array:
    """As `value_and_gradient`, without the value."""
    return value_and_gradient(model, x, target)[1]


def check_path(model: Model, x: Array) -> None:
    """Refuses a model through which no gradient flows.

    Raises:
      NoGradient: saying where the path from input to output is cut.
      ValueError: if the input is not floating point, or the model returns no single array.
    """
    _check_floating(x)
    check_graph(trace(model, x)[0])


def check_graph(graph: Graph) -> None:
    """As `check_path`, for a model that is traced already.

    Raises:
      NoGradient: as `check_path`.
    """
    if graph.outputs[0] in graph.depends:
        return
    _check_reached(graph)
    cuts = _cuts(graph)
    told = dict.fromkeys(_place(equation) for equation in cuts)
    raise NoGradient(
        f"no gradient flows from the input to the output: it is cut by {', '.join(told)}. Explain "
        "the part after it (lrp.split), pass the gradient straight through it "
        "(gradients.straight_through), or use a method that needs none, such as occlusion"
    )


def check_dependence(model: Model, x: Array) -> None:
    """Refuses a model that ignores its input, for methods that need no gradient.

    Raises:
      NoGradient: if nothing that the model computes from its input reaches the output.
      ValueError: as `check_path`.
    """
    _check_floating(x)
    _check_reached(trace(model, x)[0])


def straight_through(quantise: Callable[[Array], Array], x: Array) -> Array:
    """`quantise(x)`, with the gradient of the identity.

    Y. Bengio, N. Leonard, A. Courville, "Estimating or Propagating Gradients Through Stochastic
    Neurons for Conditional Computation", arXiv 1308.3432, section 4. `quantise` must return
    the shape that it gets.

    >>> jax.grad(lambda x: straight_through(jnp.round, x))(0.7).tolist()
    1.0
    """
    return x + jax.lax.stop_gradient(quantise(x) - x)


def _check_floating(x: Array) -> None:
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(
            f"the input is {x.dtype}, expected floating point: whole numbers have no gradient. "
            "Convert the input, not inside the model"
        )


def _check_reached(graph: Graph) -> None:
    reached = {graph.inputs[-1]}
    for equation in graph.equations:
        if not reached.isdisjoint(equation.inputs):
            reached.update(equation.outputs)
    if graph.outputs[0] not in reached:
        raise NoGradient(
            "the model's output does not depend on its input: nothing can be explained. Check that "
            "the model uses its argument"
        )


def _cuts(graph: Graph) -> list[Equation]:
    """The equations that depend on the input, with results that do not."""
    found = []
    for equation in graph.equations:
        goes_in = any(number in graph.depends for number in equation.inputs)
        if goes_in and not any(number in graph.depends for number in equation.outputs):
            inner = [cut for body in equation.graphs for cut in _cuts(body)]
            found += inner or [equation]
    return found


def _place(equation: Equation) -> str:
    if equation.name == "squeeze" and equation.params["dimensions"] == ():  # see tracing.IDENTITY
        return f"whole numbers that are looked up or counted by at {equation.source}"
    return f"{equation.name} at {equation.source}" if equation.source else equation.name
