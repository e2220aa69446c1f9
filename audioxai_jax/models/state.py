"""Models that take their state as an input, as streaming detectors of voices do.

Such a model is `(state, frame) -> (state, output)`. Bound to its first state it is a model of one
frame; carried over the frames it is one of a whole clip, whose outputs are wrapped further by
`over_time`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import as_model
from audioxai_jax.types import Model

Stepping = Callable[[Any, Array], tuple[Any, Array]]
"""`(state, frame) -> (state, output)`, a pytree or a function."""


def with_state(model: Stepping, initial: Any) -> Model:
    """One frame alone, from a first state.

    Args:
      model: `(state, frame) -> (state, output)`.
      initial: first state, any pytree of arrays; leaves of the new model.

    Returns:
      `frame -> output`.

    Raises:
      ValueError: when called, if the model does not return a pair.

    >>> import jax.numpy as jnp
    >>> with_state(lambda h, x: (h + x, h + x), jnp.ones(2))(jnp.ones(2)).tolist()
    [2.0, 2.0]
    """
    return Partial(_with_state, as_model(model), jax.tree.map(jnp.asarray, initial))


def carried(model: Stepping, initial: Any) -> Model:
    """All frames one after the other, the state carried from each to the next, by `lax.scan`.

    Args:
      model: `(state, frame) -> (state, output)`.
      initial: state before the first frame, any pytree of arrays; leaves of the new model.

    Returns:
      `frames [F, ..] -> outputs [F, ..]`.

    Raises:
      ValueError: when called, if the model does not return a pair, or a state of another
        structure, shape or dtype.

    >>> import jax.numpy as jnp
    >>> carried(lambda h, x: (h + x, h + x), jnp.zeros(1))(jnp.ones((3, 1))).tolist()
    [[1.0], [2.0], [3.0]]
    """
    return Partial(_carried, as_model(model), jax.tree.map(jnp.asarray, initial))


def _with_state(model: Stepping, initial: Any, x: Array) -> Array:
    return _pair(model(initial, x), "with_state")[1]


def _carried(model: Stepping, initial: Any, x: Array) -> Array:
    def step(state: Any, frame: Array) -> tuple[Any, Array]:
        after, output = _pair(model(state, frame), "carried")
        _check_state(state, after)
        return after, output

    return jax.lax.scan(step, initial, x)[1]


def _pair(returned: Any, who: str) -> tuple[Any, Array]:
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ValueError(
            f"{who}: the model must return (state, output), got {type(returned).__name__}: return "
            "the state first, as jax.lax.scan has it"
        )
    return returned


def _check_state(before: Any, after: Any) -> None:
    same = jax.tree.structure(before) == jax.tree.structure(after)
    if same and _kinds(before) == _kinds(after):
        return
    told = [", ".join(_kinds(state)) for state in (after, before)]
    raise ValueError(
        f"carried: the model returns the state as {told[0]}, it was {told[1]}: give an initial "
        "state of the shapes and dtypes that the model returns"
    )


def _kinds(state: Any) -> list[str]:
    leaves = jax.tree.leaves(state)
    return [f"{jnp.result_type(leaf)} {list(jnp.shape(leaf))}" for leaf in leaves]
