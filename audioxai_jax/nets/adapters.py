"""Your own Flax networks as models, functions of one example that are pytrees.

Others need no adapter: a function of parameters becomes a model by
`jax.tree_util.Partial(function, params)`, and an Equinox module is one already.
"""

from typing import Any

from flax import errors, nnx
from flax import linen as nn
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static
from audioxai_jax.core.training_mode import named, parts_in_training, refusal
from audioxai_jax.types import Model

WANTS = (errors.InvalidRngError, errors.ModifyScopeVariableError)
"""What Linen raises if a module draws random numbers, or changes its variables."""


def from_linen(module: nn.Module, variables: Any) -> Model:
    """A Linen module and its variables.

    Modules with equal fields share one compilation, and so do all variables of one shape.

    Args:
      module: called with one example and nothing else. Dropout and the update of batch
        statistics are switched off in its fields: `deterministic`, `use_running_average`.
      variables: result of `module.init`, before or after training: `{"params": ..}`.

    The model raises TrainingMode, naming the submodule, if one draws random numbers or changes
    its variables.

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

    The model raises TrainingMode, naming the submodules, if dropout or batch statistics are on.

    >>> import jax.numpy as jnp
    >>> from_nnx(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))(jnp.ones(2)).shape
    (3,)
    """
    graph, state = nnx.split(module)
    return Partial(_apply_nnx, Static(graph), nnx.as_pure(state))


def _apply_linen(module: Static, variables: Any, x: Array) -> Array:
    place: list[str] = []

    def watch(function, arguments, keywords, context):
        try:
            return function(*arguments, **keywords)
        except WANTS:
            path = "/".join(context.module.path) or "the module itself"
            place.append(f"{path} ({type(context.module).__name__})")
            raise

    try:
        with nn.intercept_methods(watch):
            return module.value.apply(variables, x)  # type: ignore[attr-defined]
    except WANTS as error:
        reason = str(error).split(" (https://")[0].rstrip(".")
        raise refusal(f"{place[0] if place else type(module.value).__name__}: {reason}") from None


def _apply_nnx(graph: Static, state: Any, x: Array) -> Array:
    module = nnx.merge(graph.value, state)  # type: ignore[arg-type]
    before = _moving(module)
    found = module(x)  # type: ignore[operator]
    after, trains = _moving(module), parts_in_training(module)
    moved = [path for path in before if after.get(path) is not before[path]]
    if moved and (trains or any("count" not in path for path in moved)):
        raise refusal(named(trains or ["/".join(map(str, path)) for path in moved]))
    return found


def _moving(module: nnx.Module) -> dict[tuple, Any]:
    """Batch statistics, and how often random numbers were drawn, by their paths."""
    state = nnx.state(module, nnx.Any(nnx.BatchStat, nnx.RngCount))
    return {path: leaf.get_raw_value() for path, leaf in nnx.to_flat_state(state)}
