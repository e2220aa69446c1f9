"""Named points inside a model: where activations and relevance can be read."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from jax import Array

from audioxai_jax.graph import Graph, evaluate
from audioxai_jax.lrp.grouping import operations
from audioxai_jax.lrp.operations import Operation
from audioxai_jax.tracing import trace
from audioxai_jax.types import Model, record


@record()
class Point:
    """An activation inside a model, and its relevance, of one shape."""

    activation: Array
    relevance: Array


def find(graph: Graph, found: Sequence[Operation], name: str) -> int:
    """The value that a name stands for.

    A name is that of a `jax.ad_checkpoint.checkpoint_name`, or a glob that fits the parameter
    path (the product with that weight, its bias included) or name stack of one operation.

    Raises:
      ValueError: if it fits no operation, or several.
    """
    named = {o.equation.params["name"]: o.outputs[0] for o in found if o.name == "name"}
    marked = [named[name]] if name in named else []
    fits = lambda o: any(part and fnmatchcase(part, name) for part in (o.path, o.scope))
    values = marked or [o.outputs[0] for o in found if fits(o)]
    if len(values) == 1:
        return values[0]
    known = dict.fromkeys(part for o in found for part in (o.path, o.scope) if part)
    known |= dict.fromkeys(named)
    told = ", ".join(known) or "none; give a value a name by jax.ad_checkpoint.checkpoint_name"
    problem = f"fits {len(values)} operations" if values else "fits no operation"
    raise ValueError(f"the point {name!r} {problem}, expected one. Known: {told}")


def split(model: Model, x: Array, name: str) -> tuple[Array, Callable[[Array], Array]]:
    """Cuts a model in two at a named point.

    Returns:
      The activation there, and the rest of the model as a function of it: for layer
      attributions and Grad-CAM.
    """
    graph, leaves = trace(model, x)
    number = find(graph, operations(graph), name)
    known = {**graph.constants, **dict(zip(graph.inputs, [*leaves, x], strict=True))}
    values = evaluate(graph.equations, known)
    maker = next(i for i, e in enumerate(graph.equations) if number in e.outputs)

    def rest(activation: Array) -> Array:
        known = {**values, number: activation}
        for equation in graph.equations[maker + 1 :]:
            out = equation(*(known[n] for n in equation.inputs))
            known |= dict(zip(equation.outputs, out, strict=True))
        return known[graph.outputs[0]]

    return values[number], rest
