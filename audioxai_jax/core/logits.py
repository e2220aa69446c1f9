"""Logits `[K]` of one example, the classes that are asked about, and what logits say."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checks import WrongType, as_array, kind


def check_logits(found: Any, who: str = "the model", of: str = "example") -> None:
    """Refuses anything but logits `[K]`.

    Args:
      found: result of a model, or its shape and dtype.
      who: returned it.
      of: name of the model's input.

    Raises:
      WrongType: for anything but one array, or one that is not floating point.
      ValueError: for another shape.
    """
    wanted = f"{who} must return logits [K] of one {of}, got"
    if not hasattr(found, "shape") or not hasattr(found, "dtype"):
        what = kind(found)
        if isinstance(found, dict) and found:
            what += f" with {', '.join(map(str, list(found)[:4]))}"
        raise WrongType(f"{wanted} {what}: return one array of its entries")
    shape = tuple(found.shape)
    if len(shape) != 1:
        do = ""
        if not shape:
            do = ": a single number is logits [1], return it with shape (1,)"
        elif len(shape) == 2 and shape[0] == 1:
            do = ": take the first row, to drop the axis of examples"
        raise ValueError(f"{wanted} {shape}{do}")
    if shape[0] == 0:
        raise ValueError(f"{wanted} none: there must be one output at least")
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise WrongType(f"{wanted} {found.dtype}: return floating point, the scores themselves")


def as_targets(target: Any, labels: Sequence[str] | None = None) -> Any:
    """Classes as whole numbers, an array of any shape; labels become their places.

    Args:
      target: a whole number, a label, an array or lists of these; traced ones stay as they are.
      labels: labels of the classifier; None for their numbers.

    Raises:
      WrongType: for anything else, truth values and fractions among it.
      ValueError: for a label that the classifier does not have.
    """
    if isinstance(target, np.ndarray) and target.dtype.kind == "U":
        target = target.tolist()
    if isinstance(target, str):
        return np.asarray(_place(target, labels), np.int32)
    if isinstance(target, (list, tuple)):
        parts = [as_targets(one, labels) for one in target]
        if len({np.shape(part) for part in parts}) > 1:
            raise WrongType("targets are lists of unequal length, expected one array of classes")
        traced = any(isinstance(part, Tracer) for part in parts)
        return (jnp.stack if traced else np.asarray)(parts) if parts else np.zeros(0, np.int32)
    if isinstance(target, bytes):
        raise WrongType(f"target {target!r} is bytes, labels are texts: write target.decode()")
    found = as_array(target, "target")
    if not jnp.issubdtype(found.dtype, jnp.integer):
        raise WrongType(f"targets must be whole numbers or labels, got {found.dtype}")
    return found


def _place(label: str, labels: Sequence[str] | None) -> int:
    if labels is None and label.isdecimal():
        return int(label)  # labels are numbers where there are no others
    if labels is None:
        raise WrongType(
            f"target {label!r} is a label, and a function has none: give its number, or a "
            "Classifier, which has labels"
        )
    if label not in labels:
        raise ValueError(f"target {label!r} is not a class: labels are {', '.join(labels)}")
    return list(labels).index(label)


def check_labels(labels: tuple[str, ...], outputs: int) -> None:
    """Raises ValueError unless labels and outputs of the model are equal in number."""
    if len(labels) != outputs:
        told = ", ".join(map(repr, labels[:6])) + ", .." * (len(labels) > 6)
        raise ValueError(
            f"the classifier has {len(labels)} labels ({told}), but its model has {outputs} "
            "outputs: name each output once"
        )


def check_classes(targets: Any, classes: int, who: str = "the model") -> None:
    """Raises ValueError for a target that is not a class; a traced one cannot be checked."""
    if isinstance(targets, Tracer) or not np.size(targets):
        return
    asked = np.asarray(targets)  # on the host: under jit, jnp would trace even a number
    low, high = int(asked.min()), int(asked.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"target {low if low < 0 else high} is not a class: {who} has {classes}, "
            f"0 to {classes - 1}"
        )


def score(model: Callable[[Array], Array], x: Array, target: int | Array) -> Array:
    """The logit that a method explains: `model(x)[target]`, a scalar.

    Raises:
      ValueError: if the model does not return logits `[K]`, or the target is none of the K
        classes (indexing would clamp it; a traced target cannot be checked).
    """
    return select(model(x), as_targets(target, getattr(model, "labels", None)))


def select(logits: Array, target: int | Array) -> Array:
    """The target's logit of all, checked as `score` does.

    Raises:
      ValueError: as `score`.
    """
    check_logits(logits)
    place = as_targets(target)
    if place.ndim:
        raise ValueError(
            f"one target is explained at a time, got {list(place.shape)}: see attribute_classes"
        )
    check_classes(place, logits.shape[0])
    return logits[place]


def decision(logits: Array) -> Array:
    """What a model says: the class with the largest logit, the lowest of equals.

    A single logit says 0, its label holds, if it is above 0, else 1.
    """
    return jnp.argmax(logits) if logits.shape[0] > 1 else (logits[0] <= 0).astype(jnp.int32)


def probabilities(logits: Array) -> Array:
    """Softmax of logits `[K]`; the sigmoid of a single one."""
    return jax.nn.softmax(logits) if logits.shape[0] > 1 else jax.nn.sigmoid(logits)
