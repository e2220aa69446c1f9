"""Named points inside a model: where activations and relevance can be read."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

import jax
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, as_model, record
from audioxai_jax.propagation import layout
from audioxai_jax.propagation.lowering.lower import operations
from audioxai_jax.propagation.lowering.operations import Operation
from audioxai_jax.tracing.graph import Equation, Graph, evaluate
from audioxai_jax.tracing.reading import WHOLE
from audioxai_jax.tracing.trace import leaf_names, trace
from audioxai_jax.types import Model


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


def split(model: Model, x: Array, name: str) -> tuple[Array, Model]:
    """Cuts a model in two at a named point.

    Returns:
      The activation there, and the rest of the model as a function of it: for layer
      attributions and Grad-CAM. The rest is a model whose leaves keep their names. What else it
      needs of the part before, such as the other branch of a residual sum, is constant in it.

    Raises:
      ValueError: as `find`.
    """
    graph, leaves, number = _whole(model, x, lambda graph: find(graph, operations(graph), name))
    return _cut(graph, model, leaves, x, number)


def split_last(model: Model, x: Array, kind: str) -> tuple[Array, Model]:
    """As `split`, behind the last operation of a kind, its bias included.

    Raises:
      ValueError: if there is none.
    """
    graph, leaves, number = _whole(model, x, lambda graph: _last(graph, kind))
    return _cut(graph, model, leaves, x, number)


def split_with_axes(
    model: Model, x: Array, name: str | None, kind: str
) -> tuple[Array, Model, layout.Axes]:
    """As `split`, or `split_last` without a name, and what the activation's axes are."""
    place = lambda graph: (
        _last(graph, kind) if name is None else find(graph, operations(graph), name)
    )
    graph, leaves, number = _whole(model, x, place)
    activation, rest = _cut(graph, model, leaves, x, number)
    return activation, rest, layout.axes(graph)[number]


def _whole(model: Model, x: Array, place: Callable[[Graph], int]) -> tuple[Graph, list[Array], int]:
    """A trace that keeps derivatives of a model's own, unless the place is inside of them."""
    graph, leaves = trace(model, x, WHOLE)
    try:
        return graph, leaves, place(graph)
    except ValueError:
        pass
    graph, leaves = trace(model, x)
    return graph, leaves, place(graph)


def _last(graph: Graph, kind: str) -> int:
    found = operations(graph)
    values = [operation.outputs[0] for operation in found if operation.kind == kind]
    if not values:
        told = ", ".join(dict.fromkeys(operation.kind for operation in found)) or "none"
        raise ValueError(
            f"the model has no operation of kind {kind!r}: name a point (at=...). Its operations "
            f"are of the kinds {told}"
        )
    return values[-1]


def _cut(
    graph: Graph, model: Model, leaves: list[Array], x: Array, number: int
) -> tuple[Array, Model]:
    known = {**graph.constants, **dict(zip(graph.inputs, [*leaves, x], strict=True))}
    maker = next(i for i, e in enumerate(graph.equations) if number in e.outputs)
    values = evaluate(graph.equations[: maker + 1], known)
    after, carried = _after(graph, maker, number)
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(as_model(model))]
    names = leaf_names([(path, None) for path in paths])
    inputs = dict(zip(names, graph.inputs, strict=False))
    inputs |= {f"before the cut/{n}": n for n in carried}
    settled = Static((graph, after, tuple(inputs.items()), number))
    return values[number], Partial(_rest, settled, {name: values[n] for name, n in inputs.items()})


def _after(graph: Graph, maker: int, number: int) -> tuple[tuple[Equation, ...], list[int]]:
    """The equations of the rest, and which values of the part before it reads.

    What does not depend on the input is computed in the rest, from the leaves of the model.
    """
    reached = {graph.inputs[-1]}
    for equation in graph.equations:
        if not reached.isdisjoint(equation.inputs):
            reached.update(equation.outputs)
    wanted, made, kept = set(graph.outputs), {number}, []
    for place, equation in reversed(list(enumerate(graph.equations))):
        before = place <= maker and not reached.isdisjoint(equation.outputs)
        if not before and not wanted.isdisjoint(equation.outputs):
            wanted.update(equation.inputs)
            made.update(equation.outputs)
            kept.append(equation)
    return tuple(kept[::-1]), sorted(wanted & reached - made)


def _rest(settled: Static, leaves: dict[str, Array], activation: Array) -> Array:
    graph, after, inputs, number = settled.value  # type: ignore[misc]
    known = {**graph.constants, **{n: leaves[name] for name, n in inputs}, number: activation}
    return evaluate(after, known)[graph.outputs[0]]
