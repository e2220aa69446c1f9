"""Options of methods, checked when a method is made: one line for what does not fit."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import WrongType, as_array, check_number, whole


def count(value: Any, name: str, option: str, least: int = 1) -> int:
    """A whole number, such as of steps, samples or what is evaluated at once.

    Raises:
      WrongType, ValueError: naming the method and the option.
    """
    return whole(value, f"{name}: {option}", least)


def number(value: Any, name: str, option: str) -> Any:
    """One real number, perhaps traced, as it is.

    Raises:
      WrongType, ValueError: naming the method and the option.
    """
    check_number(value, f"{name}: {option}", "a number")
    return value


def baseline(value: Any, name: str, option: str = "baseline") -> Any:
    """A number or an array of numbers, perhaps traced; numbers of Python as they are.

    Raises:
      WrongType: naming the method, for anything else.
    """
    found = as_array(value, f"{name}: {option}")
    real = jnp.issubdtype(found.dtype, jnp.floating) or jnp.issubdtype(found.dtype, jnp.integer)
    if not real:
        raise WrongType(f"{name}: {option} must be real numbers, got {found.dtype}")
    return value if isinstance(value, int | float) else found


def baseline_like(
    baseline: Array | np.ndarray | float, x: Array, option: str = "baseline"
) -> Array:
    """The baseline, or another option like it, in the input's shape and type.

    Raises:
      ValueError: if it cannot be broadcast to it.
    """
    baseline = jnp.asarray(baseline, x.dtype)
    try:
        return jnp.broadcast_to(baseline, x.shape)
    except ValueError:
        raise ValueError(
            f"the {option} {list(baseline.shape)} does not fit the input {list(x.shape)}: it must "
            "broadcast to it"
        ) from None
