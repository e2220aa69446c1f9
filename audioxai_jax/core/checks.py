"""Arrays and audio that go into public functions, checked by type and shape.

Checks work under `jit` and `vmap`, too.

Refusals are one line that says what is wrong, where, and what to do. Values are looked at only
where they are known, outside of a trace.
"""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

LOUDEST = 100.0
"""Largest sample that is taken for sound: 40 dB beyond full scale."""

SCALES = {
    "int8": "divide 8-bit samples by 128",
    "uint8": "subtract 128 from 8-bit samples and divide by 128",
    "int16": "divide 16-bit samples by 32768",
    "int32": "divide 32-bit samples by 2147483648",
}
"""How sound of whole numbers becomes floating point."""


class WrongType(TypeError, ValueError):
    """An argument of the wrong type; also a ValueError, as all other refusals of arguments."""


def kind(value: Any) -> str:
    """What a value is, in words, such as "a tuple"."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def as_array(value: Any, name: str) -> Any:
    """Arrays as they are; lists, numbers and what other libraries call arrays, as arrays.

    Raises:
      WrongType: for anything else.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise WrongType(f"{name} is a masked array: fill what is masked first, by its .filled(0)")
    if isinstance(value, (Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)):
        return value
    if not isinstance(value, (list, tuple, int, float, complex)) and not hasattr(
        value, "__array__"
    ):
        hint = ": give its samples" if hasattr(value, "samples") else ""
        raise WrongType(f"{name} must be an array, got {kind(value)}{hint}")
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if any(isinstance(leaf, np.ma.MaskedArray) for leaf in jax.tree.leaves(value)):
        raise WrongType(f"{name} has masked arrays in it: fill what is masked first")
    numbers = (int, float, complex, np.generic, np.ndarray, Array)
    leaves = jax.tree.leaves(value, is_leaf=_is_none)
    there = any(isinstance(leaf, Array) for leaf in leaves)
    try:
        if all(isinstance(leaf, numbers) for leaf in leaves):
            # on the host if it can be: under jit, jnp would trace even a number
            return jnp.asarray(value) if there else np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        pass
    told = f"{name} is {kind(value)} that makes no array"
    raise WrongType(f"{told}: its entries must be numbers, in rows of one length")


def _is_none(value: Any) -> bool:
    return value is None


def check_floating(values: Any, name: str, do: str = "convert it first") -> None:
    """Refuses arrays of whole numbers, booleans, complex numbers and objects.

    Raises:
      WrongType: saying what to `do`.
    """
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise WrongType(f"{name} must be floating point, got {values.dtype}: {do}")


def as_floats(values: Any, name: str) -> Array:
    """Floating-point numbers of any shape, as a JAX array.

    Raises:
      WrongType: for anything else.
    """
    values = as_array(values, name)
    check_floating(values, name)
    return jnp.asarray(values)


def as_input(x: Any) -> Array:
    """The input of a model, of any shape, as a JAX array.

    Raises:
      TypeError (also a ValueError): if it is not floating point.
    """
    x = as_array(x, "the input")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise WrongType(f"the input is {x.dtype}, expected floating point: convert it first")
    return jnp.asarray(x)


def check_audio(
    audio: Any, name: str = "audio", *, batch: bool = False, empty: bool = False
) -> None:
    """Refuses anything but a waveform, as far as dtype and shape tell.

    Args:
      audio: an array, traced or not, or its `jax.ShapeDtypeStruct`.
      batch: whether it has to be `[N, T]` rather than `[T]`.
      empty: whether it may have no samples.

    Raises:
      WrongType: for samples that are not floating point.
      ValueError: for another shape, or no samples.
    """
    shape = tuple(audio.shape)
    if batch and len(shape) != 2:
        raise ValueError(f"{name} must be a batch [N, T], got shape {shape}")
    if not batch and len(shape) != 1:
        do = "mix channels down first, and use explain_batch or jax.vmap for batches"
        if len(shape) == 2 and 1 in shape:
            one = f"{name}[0]" if shape[0] == 1 else f"{name}[:, 0]"
            do = f"write {one}, or use jax.vmap for a batch of one"
        raise ValueError(f"{name} must be one mono waveform [T], got shape {shape}: {do}")
    do = SCALES.get(str(audio.dtype), "give real samples in [-1, 1]")
    check_floating(audio, name, do)
    if shape[-1] == 0 and not empty:
        raise ValueError(f"{name} has no samples")


def as_samples(audio: Any, name: str = "audio") -> Any:
    """Sound of any number of channels, an array of JAX or NumPy.

    Raises:
      WrongType: for samples that are not floating point.
    """
    audio = as_array(audio, name)
    check_floating(audio, name, SCALES.get(str(audio.dtype), "give real samples in [-1, 1]"))
    return audio


def as_audio(audio: Any, name: str = "audio") -> Array:
    """A waveform `[T]` as a JAX array.

    Raises:
      WrongType, ValueError: as `check_audio`.
    """
    audio = as_array(audio, name)
    check_audio(audio, name)
    return jnp.asarray(audio)


def check_coded(audio: Any, name: str = "audio") -> None:
    """Refuses samples that are not those of data sets, of 16 bits.

    Raises:
      WrongType: for another dtype.
    """
    if audio.dtype != np.int16:
        raise WrongType(
            f"{name} must be 16-bit samples (int16) as data.tasks gives them, got {audio.dtype}: "
            "multiply samples in [-1, 1] by 32768 and round them"
        )


def check_scale(audio: Any, name: str = "audio") -> None:
    """Refuses samples far beyond full scale, where they are known: they were not divided.

    Raises:
      ValueError: if one is beyond `LOUDEST`. NaN and infinity are for others to refuse.
    """
    if isinstance(audio, (Tracer, jax.ShapeDtypeStruct)):
        return
    samples = np.asarray(audio)
    peak = float(np.max(np.abs(samples), initial=0))
    if LOUDEST < peak < float("inf"):
        do = SCALES["int16"] if peak <= 32768 else "bring it to [-1, 1] first"
        raise ValueError(f"{name} has samples as large as {peak:.4g}, full scale is 1: {do}")


def check_number(value: Any, name: str, wanted: str) -> None:
    """Refuses anything but one real number; it may be traced.

    Raises:
      WrongType: for another type, truth values among it.
      ValueError: for an array of several.
    """
    if not isinstance(value, (int, float, np.generic, np.ndarray, Array)) or (
        not jnp.issubdtype(jnp.result_type(value), jnp.floating)
        and not jnp.issubdtype(jnp.result_type(value), jnp.integer)
    ):
        told = repr(value) if isinstance(value, (bool, np.bool_)) else kind(value)
        raise WrongType(f"{name} must be {wanted}, got {told}")
    if jnp.ndim(value):
        raise ValueError(f"{name} must be {wanted}, got an array {list(jnp.shape(value))}")


def whole(value: Any, name: str, least: int | None = 1, most: int | None = None) -> int:
    """A whole number, of NumPy's kinds too; negative ones as well if `least` is None.

    Raises:
      WrongType: for another type.
      ValueError: if it is below `least` or above `most`.
    """
    wanted = "a whole number" if least is None else f"a whole number from {least} up"
    wanted = wanted if most is None else f"a whole number from {least} to {most}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        told = repr(value) if isinstance(value, (float, bool, np.bool_)) else kind(value)
        raise WrongType(f"{name} must be {wanted}, got {told}")
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(f"{name} must be {wanted}, got {value}")
    return int(value)
