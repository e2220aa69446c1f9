"""Your own Flax networks as models, functions of one example that are pytrees.

Others need no adapter: a function of parameters becomes a model by
`jax.tree_util.Partial(function, params)`, and an Equinox module is one already.
"""

from typing import Any

from flax import linen as nn
from flax import nnx
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.records import Static
from audioxai_jax.types import Model


def from_linen(module: nn.Module, variables: Any) -> Model:
    """A Linen module and its variables.

    Modules with equal fields share one compilation, and so do all variables of one shape.

    Args:
      module: called with one example and nothing else. Dropout and the update of batch
        statistics are switched off in its fields: `deterministic`, `use_running_average`.
      variables: what `module.init` returned, or training made of it: `{"params": ..}`.

    >>> import jax, jax.numpy as jnp
    >>> module = nn.Dense(3)
    >>> variables = module.init(jax.random.key(0), jnp.ones(2))
    >>> from_linen(module, variables)(jnp.ones(2)).shape
    (3,)
    """
    return Partial(_apply_linen, Static(module), variables)


def from_nnx(module: nnx.Module) -> Model:
    """An NNX module as it is now; later changes of it are not seen.

    Modules of equal structure share one compilation, whatever their parameters.

    Args:
      module: called with one example and nothing else. Call `module.eval()` before, which
        switches dropout and the update of batch statistics off.

    >>> import jax.numpy as jnp
    >>> from_nnx(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))(jnp.ones(2)).shape
    (3,)
    """
    graph, state = nnx.split(module)
    return Partial(_apply_nnx, Static(graph), nnx.as_pure(state))


def _apply_linen(module: Static, variables: Any, x: Array) -> Array:
    return module.value.apply(variables, x)  # type: ignore[attr-defined]


def _apply_nnx(graph: Static, state: Any, x: Array) -> Array:
    return nnx.merge(graph.value, state)(x)  # type: ignore[arg-type,operator]
