"""The vocabulary of the library: read this page first.

Everything here describes ONE example. Batches, chunks of memory and devices are
added from outside (`audioxai_jax.batching`), never inside a method.

======== ==================================================================
word     meaning
======== ==================================================================
audio    waveform, float32 `[T]`, mono, nominally in [-1, 1]
latent   what a codec's encoder makes of it, float32 `[F, C]`: F frames at
         `sample_rate / hop` per second, C channels
logits   the classifier's unnormalised scores, `[K]`
target   integer class whose logit is explained, scalar
relevance  how much each input feature speaks for the target, shaped as the input
======== ==================================================================
"""

import dataclasses
import inspect
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar, dataclass_transform, runtime_checkable

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.tree_util import GetAttrKey, Partial, register_pytree_with_keys

T = TypeVar("T")

Model = Callable[[Array], Array]
"""A function of one example, `x -> y`, that is also a pytree, such as
`jax.tree_util.Partial(function, params)`: it crosses `jit` as an argument, so one
compilation serves every set of parameters. `as_model` makes one of anything callable.
"""

Info = dict[str, Array]
"""What a method knows about its own result: arrays. Always the keys of `make_info`."""


def make_info(
    completeness_gap: Array | float = jnp.nan,
    evaluations: Array | int = 0,
    *,
    change: Array | float = jnp.nan,
    standard_error: Array | float = jnp.nan,
) -> Info:
    """Builds the record that every method returns beside its relevance.

    Args:
      completeness_gap: `|sum(relevance) - (f(x) - f(baseline))| / |f(x) - f(baseline)|`
        for methods that promise completeness, NaN for the others.
      evaluations: how often the model was evaluated, forward alone or with its gradient,
        checks included.
      change: for methods that refine their result until it settles: by how much the last
        refinement changed relevance, relative to the largest; NaN for the others.
      standard_error: of relevance that was sampled, of its shape; NaN for the others.

    "finite", whether all relevance is finite, is filled in by `attribute`.
    """
    return {
        "completeness_gap": jnp.asarray(completeness_gap, jnp.result_type(float)),
        "evaluations": jnp.asarray(evaluations, jnp.int32),
        "change": jnp.asarray(change, jnp.result_type(float)),
        "standard_error": jnp.asarray(standard_error, jnp.result_type(float)),
        "finite": jnp.asarray(True),
    }


def completeness_gap(relevance: Array, change: Array) -> Array:
    """`|sum(relevance) - change| / |change|`: how far relevance is from summing to a change."""
    scale = jnp.maximum(jnp.abs(change), jnp.finfo(change.dtype).tiny)
    return jnp.abs(jnp.sum(relevance) - change) / scale


@runtime_checkable
class Method(Protocol):
    """An attribution method: a frozen, callable pytree made by a factory.

    Hyper-parameters are static with equality (equal factories compile once), arrays
    such as baselines are leaves. `key` is always accepted; deterministic methods
    leave it unused.
    """

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> "Attribution": ...


@runtime_checkable
class Masker(Protocol):
    """`relevance -> mask` of the same shape with values in [0, 1]; 1 keeps a feature."""

    def __call__(self, relevance: Array) -> Array: ...


@runtime_checkable
class Base(Protocol):
    """`(codec, latent, key) -> latent`: the values that stand in for removed features."""

    def __call__(self, codec: "Codec", latent: Array, key: Array) -> Array: ...


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


@record()
class Attribution:
    """Relevance of one example, shaped as the method's input, and what is known of it."""

    relevance: Array
    info: Info


@record(static=("sample_rate", "hop", "name", "fingerprint"))
class Codec:
    """An encoder, a decoder and what is needed to use them.

    Attributes:
      encode: `audio [T] -> latent [F, C]`, with F = ceil(T / hop).
      decode: `latent [F, C] -> audio [F * hop]`, or longer; the excess is cut.
      sample_rate: of the audio, Hz.
      hop: samples per latent frame.
      mean: mean latent over the training data `[C]`, or None if it is not known.
      name: how the codec is named in reports and by the classifiers made for it.
      fingerprint: sha256 of its weights if they came from a file, else "".
    """

    encode: Model
    decode: Model
    sample_rate: int
    hop: int
    mean: Array | None = None
    name: str = "custom"
    fingerprint: str = ""


@record(static=("labels", "codec", "frames", "background", "codec_fingerprint"))
class Classifier:
    """A model on latents and what its outputs mean.

    Attributes:
      model: `latent [frames, C] -> logits [K]`.
      labels: K names, in the order of the logits.
      codec: name of the codec whose latents it reads.
      frames: latent frames that it reads at once; None if any number will do.
      background: labels, such as "_silence_", that hold for a long clip only if they
        hold for each part of it (see `audioxai_jax.windows`).
      codec_fingerprint: that of the codec it was trained with, "" if it is not known.
    """

    model: Model
    labels: tuple[str, ...]
    codec: str = "custom"
    frames: int | None = None
    background: tuple[str, ...] = ()
    codec_fingerprint: str = ""


@record()
class Explanation:
    """What `explain` returns for one example; batched, every leaf has a leading axis.

    Attributes:
      target: class explained, int32 scalar.
      latent: `encode(audio)`, `[F, C]`.
      relevance: of each latent feature for the target's logit, `[F, C]`.
      mask: 1 where a feature is kept, `[F, C]`.
      info: see `make_info`.
      sounds: decoded audio `[T]` by name: "reconstruction" (the codec alone),
        "explanation" (kept features), "removed" (all the others) and "random" (as many
        features as are kept, drawn at random).
      logits: the classifier on the original latent ("original") and on each sound
        after it was encoded again, by the same names, `[K]`.
      latent_logits: the classifier on the masked latents themselves, without the trip
        through sound: "explanation", "removed", "random".
      finite: whether all of the above are numbers, and the target is a class; if not, none
        of it can be trusted.
    """

    target: Array
    latent: Array
    relevance: Array
    mask: Array
    info: Info
    sounds: dict[str, Array]
    logits: dict[str, Array]
    latent_logits: dict[str, Array]
    finite: Array


def attribute(method: Method, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
    """Calls a method, perhaps a user's own, and fills in `info["finite"]`.

    Raises:
      ValueError: if the input is not floating point, the method cannot be called as methods
        are, or its result is no `Attribution` with relevance of the input's shape.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"the input is {x.dtype}, expected floating point: convert it first")
    function = getattr(method, "func", method)  # as_model wraps functions
    name = f"the method {getattr(function, '__name__', type(method).__name__)}"
    try:
        inspect.signature(method).bind(model, x, target, key=key)
    except TypeError as error:
        raise ValueError(f"{name} must take (model, x, target, *, key): {error}") from None
    except ValueError:
        pass  # a callable that does not say what it takes
    return check_attribution(method(model, x, target, key=key), x, name)


def check_attribution(found: Any, x: Array, name: str) -> Attribution:
    """What a method returned, checked, with `info["finite"]` filled in.

    Raises:
      ValueError: if it is no `Attribution` with relevance of the input's shape.
    """
    if not isinstance(found, Attribution):
        raise ValueError(f"{name} returned {type(found).__name__}, expected an Attribution")
    if jnp.shape(found.relevance) != x.shape:
        raise ValueError(
            f"{name} returned relevance {list(jnp.shape(found.relevance))} for an input "
            f"{list(x.shape)}: they must have the same shape"
        )
    finite = jnp.all(jnp.isfinite(found.relevance))
    return Attribution(found.relevance, {**found.info, "finite": finite})


def score(model: Model, x: Array, target: int | Array) -> Array:
    """The logit that a method explains: `model(x)[target]`, a scalar.

    Raises:
      ValueError: if the model does not return logits `[K]`, or the target is none of the K
        classes (indexing would clamp it; a traced target cannot be checked).
    """
    return select(model(x), target)


def select(logits: Array, target: int | Array) -> Array:
    """The target's logit of all, checked as `score` does.

    Raises:
      ValueError: as `score`.
    """
    if logits.ndim != 1:
        raise ValueError(f"the model must return logits [K] of one example, got {logits.shape}")
    if not isinstance(target, Tracer) and not 0 <= int(target) < logits.shape[0]:
        raise ValueError(f"target {int(target)} is not a class: the model has {logits.shape[0]}")
    return logits[target]


@record(static=("value",))
class Static:
    """A hashable value that travels in a pytree as structure, not as a leaf."""

    value: Hashable


def bind(apply: Callable[..., Array], config: Hashable, params: Any) -> Model:
    """`x -> apply(config, params, x)`, with the parameters as leaves of the function.

    Equal configurations share one compilation, however often they are bound.
    """
    return Partial(_apply, Static((apply, config)), params)


def _apply(settled: Static, params: Any, x: Array) -> Array:
    apply, config = settled.value  # type: ignore[misc]
    return apply(config, params, x)


def as_model(function: Callable[..., Any]) -> Model:
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


def _is_array(leaf) -> bool:
    """Integers and booleans are not: they steer loops and branches, which can't be traced."""
    return isinstance(leaf, (Array, float, complex)) or hasattr(leaf, "__array__")


def _call_split(split: Static, arrays: dict[str, Array], *args, **keywords):
    structure, others = split.value  # type: ignore[misc]
    leaves = [arrays.get(name, other) for name, other in others]
    return jax.tree.unflatten(structure, leaves)(*args, **keywords)
