"""Records and functions as pytrees: what crosses `jit` as an argument, and compiles once.

Closures bake their arrays into compiled programs, and are compiled anew for each closure.
Methods are records, and models are functions bound to parameters: equal ones share a program.
"""

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, dataclass_transform

import jax
from jax import Array
from jax.tree_util import GetAttrKey, Partial, register_pytree_with_keys

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(*, static: tuple[str, ...] = ()) -> Callable[[type[T]], type[T]]:
    """Class decorator: a frozen dataclass that is a pytree; `static` fields are hashed.

    Two records of one class with equal static fields have one pytree structure, so `jit`
    compiles once for both; fields that are not static may be arrays and are traced.

    The class is part of the structure. `jax.tree_util.register_dataclass` leaves it out of
    comparisons (jaxlib 0.10.2): two methods with equal fields would be one to the cache of
    `jit` whenever their hashes fall together, about once in a hundred times, and the second
    would silently give the first one's numbers.
    """

    def decorate(cls: type[T]) -> type[T]:
        cls = dataclasses.dataclass(frozen=True)(cls)
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        data = [name for name in names if name not in static]

        def flatten(node: T) -> tuple[tuple[Any, ...], Hashable]:
            settled = tuple(getattr(node, name) for name in static)
            return tuple(getattr(node, name) for name in data), (cls, settled)

        def flatten_with_keys(node: T) -> tuple[tuple[Any, ...], Hashable]:
            leaves, structure = flatten(node)
            return tuple(zip(map(GetAttrKey, data), leaves, strict=True)), structure

        def unflatten(structure: Any, leaves: Any) -> T:
            node = object.__new__(cls)
            for name, value in (*zip(static, structure[1]), *zip(data, leaves)):
                object.__setattr__(node, name, value)
            return node

        register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
        return cls

    return decorate


@record(static=("value",))
class Static:
    """A hashable value that travels in a pytree as structure, not as a leaf."""

    value: Hashable


def bind(apply: Callable[..., Array], config: Hashable, params: Any) -> Callable[[Array], Array]:
    """`x -> apply(config, params, x)`, with the parameters as leaves of the function.

    Equal configurations share one compilation, however often they are bound.
    """
    return Partial(_apply, Static((apply, config)), params)


def bound(function: Any) -> tuple[Callable[..., Array], Hashable, Any] | None:
    """(apply, config, params) of a function that `bind` made; None for all others."""
    if not isinstance(function, Partial) or function.func is not _apply:
        return None
    settled, params = function.args
    return *settled.value, params


def _apply(settled: Static, params: Any, x: Array) -> Array:
    apply, config = settled.value  # type: ignore[misc]
    return apply(config, params, x)


def as_model(function: Callable[..., Any]) -> Callable[[Array], Array]:
    """Makes a pytree of anything callable, so that it can be an argument of `jit`.

    Pytrees whose leaves are all arrays or floats are returned as they are. A pytree with
    other leaves (an Equinox module holds its activation functions, sizes and switches) is
    split: arrays and floats stay leaves, the rest becomes structure. A plain function
    becomes a leafless `Partial`; arrays that it closes over are constants of the compiled
    program.

    Raises:
      TypeError: if `function` is not callable.
    """
    if not callable(function):
        raise TypeError(
            f"expected a function of one example, got {type(function).__name__}: pass a "
            "callable, e.g. jax.tree_util.Partial(apply, params)"
        )
    leaves, structure = jax.tree.flatten(function)
    if len(leaves) == 1 and leaves[0] is function:
        return Partial(function)
    is_array = [_is_array(leaf) for leaf in leaves]
    if all(is_array):
        return function
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(function)]
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path in paths]
    found = list(zip(names, leaves, is_array, strict=True))
    arrays = {name: leaf for name, leaf, array in found if array}
    others = tuple((name, None if array else leaf) for name, leaf, array in found)
    return Partial(_call_split, Static((structure, others)), arrays)


@jax.jit
def _call(function, x):
    return function(x)


def output_shape(model: Callable[[Array], Any], x: Any) -> Any:
    """Shape and dtype of what a model, a pytree, returns; traced once for each kind of both."""
    return _call.eval_shape(model, jax.ShapeDtypeStruct(x.shape, x.dtype))


def _is_array(leaf) -> bool:
    """Integers and booleans are not: they steer loops and branches, which can't be traced."""
    return isinstance(leaf, (Array, float, complex)) or hasattr(leaf, "__array__")


def _call_split(split: Static, arrays: dict[str, Array], *args, **keywords):
    structure, others = split.value  # type: ignore[misc]
    leaves = [arrays.get(name, other) for name, other in others]
    return jax.tree.unflatten(structure, leaves)(*args, **keywords)
