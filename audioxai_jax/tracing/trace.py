"""Writes a model down as a graph; only `build`, `affine` and `draws` look inside jaxprs."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import keystr, tree_flatten_with_path

from audioxai_jax.core.records import as_model, unsplit
from audioxai_jax.core.training_mode import named, parts_in_training, refusal
from audioxai_jax.tracing.build import build
from audioxai_jax.tracing.draws import training_layers
from audioxai_jax.tracing.graph import Graph
from audioxai_jax.tracing.reading import GRADIENT, Reading
from audioxai_jax.tracing.source import frames_of, source_of
from audioxai_jax.types import Model


def trace(model: Model, x: Array, reading: Reading = GRADIENT) -> tuple[Graph, list[Array]]:
    """Writes `model` down for inputs like `x`; nothing is computed.

    Returns:
      The graph, whose inputs are the model's leaves and then `x`, and the leaves. Only what
      depends on `x` is marked.

    Raises:
      TrainingMode: if dropout or batch statistics are on.
      ValueError: if the model returns anything but one array.
    """
    model = as_model(model)
    found, structure = tree_flatten_with_path(model)
    names, leaves = leaf_names(found), [jnp.asarray(leaf) for _, leaf in found]
    call = lambda leaves, x: jax.tree.unflatten(structure, leaves)(x)
    closed = jax.make_jaxpr(call)(leaves, x)
    if len(closed.jaxpr.outvars) != 1:
        raise ValueError(f"the model returns {len(closed.jaxpr.outvars)} arrays, expected one")
    _refuse_training(closed, model)
    paths = [(name,) for name in names] + [()]
    return build(closed, [False] * len(leaves) + [True], paths, reading), leaves


def _refuse_training(closed: Any, model: Model) -> None:
    found = training_layers(closed, lambda eqn: list(frames_of(eqn)))
    if found:
        places = list(dict.fromkeys(f"{what} at {source_of(eqn)}" for what, eqn in found))
        raise refusal(named(places + parts_in_training(unsplit(model))))


def leaf_names(leaves: Iterable[tuple[Any, Any]]) -> list[str]:
    """Paths such as "conv_0/kernel", without what all of a model's leaves have in common."""
    paths = [keystr(path, simple=True, separator="/").split("/") for path, _ in leaves]
    shared = 0
    while paths and all(len(p) > shared + 1 and p[shared] == paths[0][shared] for p in paths):
        if not paths[0][shared].isdigit() and paths[0][shared] != "params":
            break
        shared += 1
    return ["/".join(path[shared:]).removeprefix("params/") for path in paths]
