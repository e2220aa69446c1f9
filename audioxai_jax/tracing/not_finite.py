"""The operation that makes a gradient NaN or infinite: at silence, mostly.

The square root, the logarithm and the angle have no finite derivative at 0, and one such value
spoils the gradient of all features. The model is computed equation by equation, forwards and
backwards, and what is not finite is followed from the input's gradient to where it began.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model, record
from audioxai_jax.tracing.graph import Equation, Graph
from audioxai_jax.tracing.reading import WHOLE
from audioxai_jax.tracing.states import Seen, seen
from audioxai_jax.tracing.trace import trace
from audioxai_jax.types import Model


@record(static=("name", "source", "scope", "path", "what"))
class NotFinite:
    """Where a model's value or gradient begins to be NaN or infinite.

    Attributes:
      name: primitive, such as "sqrt", or name of a function with a derivative of its own; "input"
        for an input that is not finite itself.
      source: "file:line (function)" of the user's code, "" if it is not known.
      scope: name stack, such as "Net/block_0", "" if there is none.
      path: first leaf of the model that the operation reads, "" if it reads none.
      what: "value" if the model's output is not finite, "gradient" if only its derivative is.
    """

    name: str
    source: str
    scope: str
    path: str
    what: str

    @property
    def place(self) -> str:
        """All that is known of the operation, such as "sqrt at net.py:7 (forward)"."""
        named = (("at", self.source), ("in", self.scope), ("with parameter", self.path))
        return " ".join([self.name, *(f"{word} {text}" for word, text in named if text)])


def first_not_finite(model: Model, x: Array, target: int | None = None) -> NotFinite | None:
    """The first operation whose value or gradient is not finite at `x`; None if all are.

    First in the order of computing: forwards for values, backwards for gradients. An infinite
    value inside that harms neither the output nor the gradient, as in a mask, is not reported.

    Args:
      model: function of one example to any one array.
      x: one example, floating point.
      target: index of the output whose gradient is meant; the sum of all if None.

    Raises:
      ValueError: as `trace`, or if the output has no such target.
    """
    model, x = as_model(model), jnp.asarray(x)
    graph, _ = trace(model, x, WHOLE)
    size = graph.shapes[graph.outputs[0]].shape
    if target is not None and not (size and -size[0] <= target < size[0]):
        raise ValueError(f"target {target} is none of the model's outputs {list(size)}")
    if not bool(jnp.all(jnp.isfinite(x))):
        return NotFinite("input", "", "", "", "value")
    states = jax.device_get(_states(model, x, target))
    if states.values[graph.outputs[0]]:
        return _told(graph, _value(graph, states, graph.outputs[0]), "value")
    if states.slopes[graph.inputs[-1]]:
        return _told(graph, _gradient(graph, states, graph.inputs[-1]), "gradient")
    return None


def _in_program(model: Model, x: Array, target: int | None) -> Seen:
    graph, leaves = trace(model, x, WHOLE)
    shape = graph.shapes[graph.outputs[0]]
    slope = jnp.ones(shape.shape, shape.dtype)
    if target is not None:
        slope = jnp.zeros_like(slope).at[target].set(1)
    return seen(graph, [*leaves, x], {graph.outputs[0]: slope})[1]


_states = compiled(_in_program, static_argnums=2)

Place = tuple[Graph, Equation]


def _told(graph: Graph, place: Place | None, what: str) -> NotFinite:
    if place is None:
        return NotFinite("input", "", "", "", what)
    graph, equation = place
    origins = [graph.paths.get(n, ()) for n in equation.inputs if n not in graph.depends]
    path = next((names[0] for names in origins if names), "")
    inner = equation.params.get("call_jaxpr", equation.params.get("fun_jaxpr"))
    name = equation.name if inner is None else inner.jaxpr.debug_info.func_name
    return NotFinite(name, equation.source, equation.scope, path, what)


def _value(graph: Graph, states: Seen, number: int) -> Place | None:
    """Follows a value that is not finite back to the equation whose operands all are.

    Of several the first one that is NaN; what does not depend on the input, as a mask of minus
    infinity, is not followed.
    """
    makers = {out: place for place, e in enumerate(graph.equations) for out in e.outputs}
    while number in makers:
        place = makers[number]
        operands = graph.equations[place].inputs
        wrong = [n for n in operands if states.values[n] and n in graph.depends]
        if not wrong:
            return _inside(graph, states, place, gradient=False)
        number = max(wrong, key=lambda n: states.values[n])
    return None


def _gradient(graph: Graph, states: Seen, number: int) -> Place | None:
    """Follows a gradient that is not finite to the equation behind which all gradients are."""
    consumers: dict[int, list[int]] = {}
    for place, equation in enumerate(graph.equations):
        for value in dict.fromkeys(equation.inputs):
            consumers.setdefault(value, []).append(place)
    last = None
    while wrong := [p for p in consumers.get(number, ()) if _spoils(graph, states, p, number)]:
        equation = graph.equations[wrong[-1]]
        last = graph, equation
        behind = [n for n in equation.outputs if states.slopes[n]]
        if not behind:
            return _inside(graph, states, wrong[-1], gradient=True)
        number = behind[0]
    return last


def _spoils(graph: Graph, states: Seen, place: int, number: int) -> bool:
    """Whether what an equation hands back to a value is not finite."""
    flags = zip(graph.equations[place].inputs, states.shares[place], strict=True)
    return any(n == number and wrong for n, wrong in flags)


def _inside(graph: Graph, states: Seen, place: int, *, gradient: bool) -> Place:
    """The equation itself, or the one inside of its loop or branch."""
    equation = graph.equations[place]
    if place not in states.bodies:
        return graph, equation
    found = None
    if equation.name == "cond":
        chosen = int(states.chosen[place])
        body, inner = equation.graphs[chosen], states.bodies[place][chosen]
        found = _enter(body, inner, gradient=gradient)
    else:
        (body,), (rows,) = equation.graphs, states.bodies[place]
        steps = range(equation.params["length"])
        for step in reversed(steps) if gradient != equation.params["reverse"] else steps:
            inner = jax.tree.map(lambda row, step=step: row[step], rows)
            found = found or _enter(body, inner, gradient=gradient)
    return found or (graph, equation)


def _enter(body: Graph, states: Seen, *, gradient: bool) -> Place | None:
    """From the first input or output that is not finite, if those on the other side all are."""
    ends = (body.inputs, body.outputs) if gradient else (body.outputs, body.inputs)
    flags = states.slopes if gradient else states.values
    wrong, before = ([n for n in end if n in body.depends and flags[n]] for end in ends)
    follow = _gradient if gradient else _value
    return follow(body, states, wrong[0]) if wrong and not before else None
