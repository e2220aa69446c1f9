"""Methods inside methods: what the combinators share."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution.saliency import signed_gradient
from audioxai_jax.core.checks import WrongType
from audioxai_jax.core.contracts import check_method
from audioxai_jax.core.records import as_method
from audioxai_jax.engine.estimator import CHUNK
from audioxai_jax.types import Method


def inner(method: Method | None, name: str) -> Any:
    """The method inside a combinator; the signed gradient if None.

    Raises:
      ValueError: if it is not a method.
    """
    if method is None:
        return signed_gradient()
    if not callable(method):
        raise WrongType(
            f"{name}: the method inside must be a Method, got {type(method).__name__}: make one "
            "with its factory, e.g. integrated_gradients()"
        )
    check_method(method)
    return as_method(method)


def calls_per_chunk(method: Any) -> int:
    """How many calls of a method make `CHUNK` evaluations at once, at least one."""
    return max(1, CHUNK // _at_once(method))


def _at_once(method: Any) -> int:
    if not dataclasses.is_dataclass(method):
        return 1
    parts = [getattr(method, field.name) for field in dataclasses.fields(method)]
    inside = max([_at_once(part) for part in parts if callable(part)], default=1)
    return getattr(method, "chunk", 1) * inside


def takes_baseline(method: Any) -> bool:
    """Whether a method, or one inside it, has a field `baseline`."""
    if not dataclasses.is_dataclass(method):
        return False
    parts = {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
    return "baseline" in parts or any(takes_baseline(p) for p in parts.values() if callable(p))


def with_baseline(method: Any, baseline: Array) -> Any:
    """The method with another baseline, wherever it has one."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(method):
        part = getattr(method, field.name)
        if field.name == "baseline":
            changes["baseline"] = baseline
        elif callable(part) and takes_baseline(part):
            changes[field.name] = with_baseline(part, baseline)
    return dataclasses.replace(method, **changes)


def baselines_like(baselines: Any, x: Any) -> Array:
    """Several baselines, `[B, ...]`, each in the input's shape; a number is one of them.

    Raises:
      ValueError: for another shape, or an empty list.
    """
    baselines = jnp.asarray(baselines, x.dtype)
    if baselines.ndim == 0:
        return jnp.broadcast_to(baselines, (1, *x.shape))
    if baselines.ndim != len(x.shape) + 1 or baselines.shape[1:] != x.shape or not len(baselines):
        shape = ", ".join(["B", *map(str, x.shape)])
        raise ValueError(
            f"the baselines {list(baselines.shape)} do not fit the input {list(x.shape)}: give a "
            f"number, or one or more of the input's shape, [{shape}]"
        )
    return baselines


def numbers_as_floats(value: Any) -> Any:
    """Whole numbers would be taken for structure of the method, not for a leaf."""
    return float(value) if isinstance(value, int) else value
