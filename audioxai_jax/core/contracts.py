"""What models, methods, latents and keys have to be: refused in one line if they are not.

As `audioxai_jax.core.checks` of arrays: types and shapes alone, so that it works under `jit` and
`vmap`.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import WrongType, as_floats, check_audio, kind, whole

INDICES = 2**32
"""Number of examples that have keys of their own: `fold_in` takes 32 bits."""
UNITS = ("feature", "cell")
"""What may come first among the units of a codec's latent."""


def check_model(model: Any, name: str = "the classifier") -> None:
    """Refuses what cannot be called as a model.

    Raises:
      WrongType: saying what to pass.
    """
    if callable(model) and not inspect.isclass(model):
        if told := _unfit(model, 1):
            called = getattr(model, "__name__", type(model).__name__)
            raise WrongType(f"{name}: {called} must take one example, (x): {told}")
        return
    do = "pass a callable, e.g. jax.tree_util.Partial(apply, params)"
    if isinstance(model, str):
        do = "load it first, by audioxai_jax.load_classifier"
    if inspect.isclass(model):
        do = f"make one, {model.__name__}(..)"
    got = kind(model) if isinstance(model, str) or inspect.isclass(model) else type(model).__name__
    raise WrongType(f"{name}: expected a function of one example, got {got}: {do}")


def check_method(method: Any) -> None:
    """Refuses what cannot be called as a method, such as a factory that was not called.

    Raises:
      WrongType: saying what to do.
    """
    function = getattr(method, "func", method)  # as_model wraps functions
    name = getattr(function, "__name__", type(method).__name__)
    do = ""
    if isinstance(method, str):
        do = ": write its factory, such as audioxai_jax.lrp(); audioxai_jax.METHODS names all"
    elif inspect.isclass(method):
        do = f": make one, {name}(..)"
    elif callable(method):
        try:
            signature = inspect.signature(method)
            signature.bind(None, None, None, key=None)
            return
        except ValueError:
            return  # a callable that does not say what it takes
        except TypeError as error:
            do = f" (write {name}()?)" if _factory(signature) else ""
            raise WrongType(
                f"the method {name} must take (model, x, target, *, key): {error}{do}"
            ) from None
    raise WrongType(f"the method is {kind(method)}, expected a method{do}")


def _factory(signature: inspect.Signature) -> bool:
    empty = inspect.Parameter.empty
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not empty or p.kind in kinds for p in signature.parameters.values())


def check_latent(latent: Any, who: str = "encode") -> None:
    """Refuses anything but a latent `[F, C]`.

    Raises:
      WrongType: for anything but one floating-point array.
      ValueError: for another shape.
    """
    wanted = f"{who} must return a latent [frames, channels], got"
    if not hasattr(latent, "shape") or not hasattr(latent, "dtype"):
        raise WrongType(f"{wanted} {kind(latent)}: return the one array that the classifier reads")
    if len(latent.shape) != 2 or 0 in latent.shape:
        raise ValueError(f"{wanted} {tuple(latent.shape)}")
    if not jnp.issubdtype(latent.dtype, jnp.floating):
        do = "return floating point, of codes their codewords"
        raise WrongType(f"{wanted} {latent.dtype}: {do}")


def as_cells(cells: Any, unit: Any) -> tuple[int, ...] | None:
    """The band of each channel of a codec, as `types.Codec` describes it; None if it has no bands.

    Raises:
      WrongType, ValueError: for anything but numbers of bands, or a unit that the codec lacks.
    """
    check_unit(unit)
    if cells is None:
        if unit == "cell":
            raise ValueError("unit 'cell' needs cells: give the band of each channel, or 'feature'")
        return None
    if isinstance(cells, str) or not hasattr(cells, "__iter__"):
        raise WrongType(f"cells must be the band of each channel, got {kind(cells)}")
    bands = tuple(whole(band, "a band of cells", 0) for band in cells)
    if not bands or set(bands) != set(range(max(bands) + 1)):
        raise ValueError(f"cells must have a channel for each band from 0 on, got {list(bands)}")
    return bands


def check_unit(unit: Any) -> None:
    """Raises ValueError for anything but a unit that comes first in a codec's latent."""
    if unit not in UNITS:
        raise ValueError(f"unknown unit {unit!r} of a codec: choose one of {', '.join(UNITS)}")


def as_latent(latent: Any, channels: int, frames: int | None = None) -> Array:
    """A latent `[F, channels]` as a JAX array, with the given number of frames.

    Raises:
      WrongType, ValueError: for anything else.
    """
    latent = as_floats(latent, "the latent")
    if latent.ndim != 2 or latent.shape[1] != channels:
        raise ValueError(f"the latent must be [F, {channels}], got {list(latent.shape)}")
    if frames not in (None, latent.shape[0]):
        raise ValueError(
            f"the network reads {frames} latent frames, got {latent.shape[0]}: of other lengths "
            "give the Classifier itself, which pads clips and reads them by windows"
        )
    return latent


def check_sound(sound: Any, samples: int) -> Array:
    """The first samples of what a decoder returned, `[samples]`.

    Raises:
      WrongType, ValueError: for a shorter sound, or anything but a floating-point waveform.
    """
    if not hasattr(sound, "shape") or not hasattr(sound, "dtype"):
        raise WrongType(f"decode must return a waveform [T], got {kind(sound)}")
    check_audio(sound, "what decode returns")
    if sound.shape[0] < samples:
        raise ValueError(
            f"the decoder returned {sound.shape[0]} samples for a clip of {samples}: "
            "decode must return at least as many samples as were encoded"
        )
    return sound[:samples]


def as_key(key: Any) -> Array:
    """One key.

    Raises:
      WrongType: for anything but a key, such as a seed.
      ValueError: for several keys.
    """
    typed = isinstance(key, Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    raw = isinstance(key, (Array, np.ndarray)) and key.dtype == jnp.uint32 and key.ndim
    if not typed and not raw:
        do = f"jax.random.key({key})" if type(key) is int else "e.g. jax.random.key(0)"
        what = key if type(key) is int else kind(key)
        raise WrongType(f"key must be a key of jax.random, got {what}: write {do}")
    if key.ndim != (0 if typed else 1):
        raise ValueError(f"key must be one key, got an array of keys {list(key.shape)}")
    wanted = jax.eval_shape(_raw_key).shape if raw else ()
    if key.shape != wanted:
        raise ValueError(
            f"key must be a key of jax.random, got uint32 {list(key.shape)} for {list(wanted)}: "
            "write e.g. jax.random.key(0)"
        )
    return jnp.asarray(key) if raw else key  # type: ignore[return-value]


def _raw_key() -> Array:
    return jax.random.key_data(jax.random.key(0))


def as_first_index(value: Any, count: int) -> int:
    """The index of the first of `count` examples in a larger collection; all fit in 32 bits.

    Raises:
      WrongType, ValueError: for anything else.
    """
    first = whole(value, "first_index", 0)
    if first + count > INDICES:
        raise ValueError(
            f"first_index {first} is too large for {count} examples: indices end at {INDICES - 1}"
        )
    return first


def check_callable(value: Any, name: str, takes: str, example: str = "") -> None:
    """Refuses what cannot be called; a class or a factory that was not called, too.

    Raises:
      WrongType: naming what it has to take.
    """
    names = [part.strip() for part in takes.strip("()").split(",")]
    fits = callable(value) and not inspect.isclass(value) and not _unfit(value, len(names))
    if not fits:
        got = getattr(value, "__name__", None) if callable(value) else None
        call = example if got and example.endswith(f".{got}()") else f"write {got}(..)"
        told = f"{got}: {call}" if got else kind(value) + (f": {example}" * bool(example))
        raise WrongType(f"{name} must be a function {takes}, got {told}")


def _unfit(value: Callable[..., Any], number: int) -> str:
    """Why a callable refuses this number of arguments; "" if it does not, as far as it says."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""  # a callable that does not say what it takes
    try:
        signature.bind(*[None] * number)
    except TypeError as error:
        return str(error)
    return ""
