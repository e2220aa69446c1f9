"""Records and functions as pytrees: what crosses `jit` as an argument, and compiles once.

Closures bake their arrays into compiled programs, and are compiled anew for each closure.
Methods are records, and models are functions bound to parameters: equal ones share a program.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, dataclass_transform

import jax
import numpy as np
from jax import Array
from jax.tree_util import GetAttrKey, Partial, register_pytree_with_keys

from audioxai_jax.core.equality import Same, exact
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.core.training_mode import named, parts_in_training, refusal, wants_training

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def record(*, static: tuple[str, ...] = ()) -> Callable[[type[T]], type[T]]:
    """Class decorator: a frozen dataclass that is a pytree; `static` fields are hashed.

    Two records of one class with equal static fields have one pytree structure, so `jit`
    compiles once for both; fields that are not static may be arrays and are traced. Static
    fields are compared by `equality.exact`: 1, 1.0 and True are three values. Those declared with
    `dataclasses.field(compare=False)`, such as a manifest, travel along and are not compared: a
    record that comes out of a compiled program carries that of the first one that went in.

    The class is part of the structure. `jax.tree_util.register_dataclass` leaves it out of
    comparisons (jaxlib 0.10.2): two methods with equal fields would be one to the cache of
    `jit` whenever their hashes fall together, about once in a hundred times, and the second
    would silently give the first one's numbers.
    """

    def decorate(cls: type[T]) -> type[T]:
        cls = dataclasses.dataclass(frozen=True)(cls)
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        data = [name for name in fields if name not in static]
        compared = tuple(fields[name].compare for name in static)

        def flatten(node: T) -> tuple[tuple[Any, ...], Hashable]:
            settled = _Settled(cls, tuple(getattr(node, name) for name in static), compared)
            return tuple(getattr(node, name) for name in data), settled

        def flatten_with_keys(node: T) -> tuple[tuple[Any, ...], Hashable]:
            leaves, structure = flatten(node)
            return tuple(zip(map(GetAttrKey, data), leaves, strict=True)), structure

        def unflatten(structure: Any, leaves: Any) -> T:
            node = object.__new__(cls)
            for name, value in (*zip(static, structure.values), *zip(data, leaves)):
                object.__setattr__(node, name, value)
            return node

        register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
        return cls

    return decorate


class _Settled:
    """The class and the static fields of a record, compared exactly."""

    def __init__(self, kind: type, values: tuple[Any, ...], compared: tuple[bool, ...]) -> None:
        self.kind, self.values, self.compared = kind, values, compared

    @functools.cached_property
    def key(self) -> Hashable:
        return self.kind, exact(tuple(itertools.compress(self.values, self.compared)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Settled) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"{self.kind.__name__}{self.values}"


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


@relaxed()
def _apply(settled: Static, params: Any, x: Array) -> Array:
    apply, config = settled.value  # type: ignore[misc]
    return apply(config, params, x)


def as_model(function: Callable[..., Any]) -> Callable[[Array], Array]:
    """Makes a pytree of anything callable, so that it can be an argument of `jit`.

    Pytrees whose leaves are all arrays are returned as they are. A pytree with other leaves
    (an Equinox module holds its activation functions, sizes, rates and switches) is split:
    arrays stay leaves, the rest becomes structure, numbers too, NumPy's scalars among them. A
    plain function becomes a leafless `Partial`; arrays that it closes over are constants of the
    compiled program, as of `jax.jit`. Of a module that it closes over, or of anything else that
    changes, the program keeps the arrays of the first call: later steps of training are not
    seen. Pass the module itself, after it changed: one of NNX by `nets.adapters.from_nnx`.

    Raises:
      TypeError: if `function` is not callable.
    """
    if not callable(function):
        raise TypeError(
            f"expected a function of one example, got {type(function).__name__}: pass a "
            "callable, e.g. jax.tree_util.Partial(apply, params)"
        )
    if isinstance(function, functools.partial) and not isinstance(function, Partial):
        function = Partial(function.func, *function.args, **function.keywords)
    found, structure = jax.tree_util.tree_flatten_with_path(function)
    if not parts_in_training(function):
        if len(found) == 1 and found[0][1] is function:
            return Partial(function if _is_hashable(function) else Same(function))
        if all(_is_array(leaf) for _, leaf in found):
            return function
    arrays: dict[str, Array] = {}
    others: list[tuple[str | None, Hashable]] = []
    for path, leaf in found:
        if _is_array(leaf):
            name = _unused(jax.tree_util.keystr(path, simple=True, separator="/"), arrays)
            arrays[name] = leaf
            others.append((name, None))
        else:
            others.append((None, leaf if _is_hashable(exact(leaf)) else Same(leaf)))
    return Partial(_call_split, Static((structure, tuple(others))), arrays)


def as_method(function: Any) -> Any:
    """As `as_model`, for methods: records stay what they are, the numbers among them leaves."""
    return function if dataclasses.is_dataclass(function) else as_model(function)


@jax.jit
def _call(function, x):
    return function(x)


def output_shape(model: Callable[[Array], Any], x: Any) -> Any:
    """Shape and dtype of what a model, a pytree, returns; traced once for each kind of both."""
    return _call.eval_shape(model, jax.ShapeDtypeStruct(x.shape, x.dtype))


def _unused(name: str, names: dict[str, Array]) -> str:
    while name in names:
        name += "_"
    return name


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_array(leaf: Any) -> bool:
    """Numbers are not: they steer loops and branches, which can't be traced."""
    if isinstance(leaf, (type, np.generic)):
        return False
    if isinstance(leaf, np.ndarray):
        countable = leaf.dtype.kind in "biu"
        return leaf.dtype.kind not in "OSUMm" and not (countable and leaf.ndim == 0)
    return isinstance(leaf, Array) or hasattr(leaf, "__array__")


def unsplit(model: Any) -> Any:
    """The model with what `as_model` split put together again, also within other models."""
    is_split = lambda node: isinstance(node, Partial) and node.func is _call_split
    whole = lambda node: _rebuilt(*node.args) if is_split(node) else node
    return jax.tree.map(whole, model, is_leaf=is_split)


def _rebuilt(split: Static, arrays: dict[str, Array]) -> Callable[..., Any]:
    structure, others = split.value  # type: ignore[misc]
    leaves = [
        other.value if isinstance(other, Same) else other if name is None else arrays[name]
        for name, other in others
    ]
    return jax.tree.unflatten(structure, leaves)


def _call_split(split: Static, arrays: dict[str, Array], *args, **keywords):
    model = _rebuilt(split, arrays)
    try:
        return model(*args, **keywords)
    except Exception as error:
        trains = parts_in_training(model) if wants_training(error) else []
        if not trains:
            raise
        reason = str(error).split("\n")[0].split(" (https://")[0].rstrip(".")
        raise refusal(f"{named(trains)}: {reason}") from error
