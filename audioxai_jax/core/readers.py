"""What the fields of a classifier have to be: refused in one line if they are not."""

import inspect
from typing import Any

import jax.numpy as jnp

from audioxai_jax.core.checks import WrongType, kind

OUTPUTS = ("softmax", "sigmoid", "probabilities", "value")
"""What a classifier's outputs are: what makes probabilities of them, or values; see
`types.Classifier`."""
DOMAIN = ("analyse", "synthesise", "base", "size", "units", "axes")


def check_domain(domain: Any, name: str = "domain") -> None:
    """Refuses anything but a `domains.protocol.Domain`, such as a codec or a factory.

    Raises:
      WrongType: saying what to write.
    """
    made = not inspect.isclass(domain)
    if made and all(callable(getattr(domain, part, None)) for part in DOMAIN):
        return
    do = "write e.g. audioxai_jax.domains.samples(16000)"
    got = kind(domain)
    if hasattr(domain, "encode") and hasattr(domain, "decode"):
        do = "write audioxai_jax.domains.latent(codec)"
    elif inspect.isfunction(domain):
        do = f"write {domain.__name__}(..)"
        got = domain.__name__
    raise WrongType(f"{name} must be a domain, got {got}: {do}")


def check_features(features: Any, who: str) -> None:
    """Refuses anything but one array of floating point that is not empty.

    Raises:
      WrongType, ValueError: naming the domain.
    """
    if not hasattr(features, "shape") or not hasattr(features, "dtype"):
        raise WrongType(f"{who} must analyse a sound into one array, got {kind(features)}")
    if not jnp.issubdtype(features.dtype, jnp.floating):
        do = "give complex ones a last axis of 2, real and imaginary parts"
        raise WrongType(f"{who} must analyse into floating point, got {features.dtype}: {do}")
    if not features.shape or 0 in features.shape:
        raise ValueError(f"{who} has no features of this sound: their shape is {features.shape}")


def as_labels(labels: Any, name: str = "labels") -> tuple[str, ...]:
    """Names of classes: texts that differ.

    Raises:
      WrongType: for anything but a sequence of texts.
      ValueError: for a name that is there twice.
    """
    if isinstance(labels, (str, bytes, dict)) or not hasattr(labels, "__iter__"):
        raise WrongType(f"{name} must be a tuple of texts, got {kind(labels)}")
    names = tuple(labels)
    for place, label in enumerate(names):
        if not isinstance(label, str):
            raise WrongType(f"{name} must be texts, entry {place} is {kind(label)}")
        if label in names[:place]:
            raise ValueError(f"{name} must differ: {str(label)!r} is there twice")
    return tuple(map(str, names))


def check_labelled(labels: Any, background: Any, outputs: Any) -> None:
    """Refuses fields of a `Classifier` that do not fit each other; labels may be None.

    Raises:
      WrongType, ValueError: naming the field.
    """
    names = None if labels is None else as_labels(labels)
    if names == ():
        raise ValueError("labels are empty: name each output of the model, or leave them out")
    for label in as_labels(background, "background"):
        if label not in (names or ()):
            raise ValueError(f"background {label!r} is not among the labels")
    if outputs not in (None, *OUTPUTS):
        raise ValueError(f"outputs {outputs!r}: choose one of {', '.join(OUTPUTS)}")
    if outputs == "softmax" and names is not None and len(names) == 1:
        raise ValueError(
            "a softmax of one output is always 1: say outputs='sigmoid' of a single logit"
        )
