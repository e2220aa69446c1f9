"""The layers of any model whose parameters are leaves, in the order in which they are used.

A layer is what its parameters' names have in common: "conv_0/kernel" and "conv_0/bias" are
"conv_0". The order is that of the computation: a layer comes where one of its parameters first
meets something that depends on the input.
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import as_model
from audioxai_jax.tracing.graph import Graph
from audioxai_jax.tracing.trace import leaf_names, trace
from audioxai_jax.types import Model


def parent(name: str) -> str:
    """The name without its last part, "conv_0" of "conv_0/kernel" or "conv_0.kernel"."""
    folder, _, _ = name.replace(".", "/").rpartition("/")
    return folder or name


def layers(
    model: Model, x: Array, group: Callable[[str], str] = parent
) -> dict[str, tuple[int, ...]]:
    """The layers of a model, nearest to the input first.

    Args:
      model: one example to logits; a pytree whose leaves are its parameters, such as
        `records.bind` and `jax.tree_util.Partial` make. Nothing is computed.
      x: an input, or its shape and dtype.
      group: function from the name of a parameter to that of its layer.

    Returns:
      By name of a layer, the places of its parameters among the leaves of
      `records.as_model(model)`. Only
      floating-point arrays of two numbers or more that the result is computed from: the others
      cannot be drawn anew.

    Raises:
      ValueError: if there is no such layer: a function that closes over its parameters, or one
        whose arguments are all plain numbers.
    """
    model = as_model(model)
    found = jax.tree_util.tree_leaves_with_path(model)
    names = leaf_names(found)
    drawable = {
        name: number
        for number, (name, (_, leaf)) in enumerate(zip(names, found, strict=True))
        if jnp.size(leaf) > 1 and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    }
    graph, _ = trace(model, x)
    met = [*_used(graph, meeting=True)]
    before = [name for name in _used(graph, meeting=False) if name not in set(met)]
    order: dict[str, list[int]] = {}
    for name in dict.fromkeys([*before, *met]):
        if name in drawable:
            order.setdefault(group(name), []).append(drawable[name])
    if not order:
        raise ValueError(
            "the model has no parameters that could be drawn anew: they must be its leaves, as "
            "in jax.tree_util.Partial(apply, params)"
        )
    return {layer: tuple(sorted(numbers)) for layer, numbers in order.items()}


def _used(graph: Graph, meeting: bool) -> Iterator[str]:
    """Names of parameters in the order of use: with what depends on the input, or at all."""
    for equation in graph.equations:
        for inner in equation.graphs:
            yield from _used(inner, meeting)
        if not meeting or any(number in graph.touched for number in equation.inputs):
            for number in equation.inputs:
                yield from graph.paths.get(number, ())
