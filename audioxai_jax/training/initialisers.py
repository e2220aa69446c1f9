"""Initial weights by name: where a training starts, apart from what the network is."""

import fnmatch
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def he(params: Any, key: Array) -> Any:
    """K. He et al., "Delving Deep into Rectifiers", ICCV 2015: kernels N(0, 2 / inputs), no bias.

    The kernel of "logits", which no rectifier follows, is N(0, 1 / inputs).

    Args:
      params: flax parameters, of which shapes and types are used.
      key: consumed.
    """

    def deviation(name: str, leaf: Array) -> float:
        inputs = leaf.size // leaf.shape[-1]
        return ((1 if name.startswith("logits") else 2) / inputs) ** 0.5

    return _drawn(params, key, deviation, {})


def gaussian(params: Any, key: Array, deviations: Mapping[str, float], biases: Mapping[str, float]):
    """Kernels N(0, deviation^2), constant biases, as Caffe's files have them.

    Args:
      params: flax parameters, of which shapes and types are used.
      key: consumed.
      deviations, biases: values by pattern of the layer's name, the first that fits; biases are 0
        where none does.
    """
    return _drawn(params, key, lambda name, leaf: _first(deviations, name), biases)


def _drawn(params, key, deviation, biases: Mapping[str, float]):
    flat, structure = jax.tree_util.tree_flatten_with_path(params)
    leaves = []
    for index, (path, leaf) in enumerate(flat):
        *_, layer, kind = [str(entry.key) for entry in path]
        if kind == "kernel":
            draw = jax.random.normal(jax.random.fold_in(key, index), leaf.shape, leaf.dtype)
            leaves.append(draw * deviation(layer, leaf))
        else:
            leaves.append(jnp.full(leaf.shape, _first({**biases, "*": 0.0}, layer), leaf.dtype))
    return jax.tree.unflatten(structure, leaves)


def _first(table: Mapping[str, float], name: str) -> float:
    for pattern, value in table.items():
        if fnmatch.fnmatchcase(name, pattern):
            return value
    raise ValueError(f"no pattern of {', '.join(table)} is for the layer {name!r}: add one")
