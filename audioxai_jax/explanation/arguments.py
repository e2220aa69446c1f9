"""What `explain` is given, checked and made ready: one line for whatever does not fit."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution import integrated_gradients
from audioxai_jax.core.checks import WrongType, kind
from audioxai_jax.core.contracts import check_callable, check_latent, check_method, check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_labels, check_logits
from audioxai_jax.core.records import as_method, as_model, output_shape
from audioxai_jax.core.windows import whole_windows, windowed
from audioxai_jax.models.outputs import one_label
from audioxai_jax.synthesis.bases import zero
from audioxai_jax.types import Base, Classifier, Codec, Method, Model


@dataclasses.dataclass(frozen=True)
class Reads:
    """How a classifier reads clips: what of it is part of the compiled program.

    Attributes:
      frames: of a window, or None.
      outputs: "sigmoid" or "probabilities"; None for logits of which the largest counts.
      labels: of the outputs, or None; no part of the program, so that one serves all.
    """

    frames: int | None = None
    outputs: str | None = None
    labels: tuple[str, ...] | None = dataclasses.field(default=None, compare=False)


def reads(classifier: Classifier | Model) -> Reads:
    """How a classifier reads; any length, and logits, if it is no more than a function."""
    if not isinstance(classifier, Classifier):
        return Reads()
    outputs = None if classifier.outputs == "softmax" else classifier.outputs
    return Reads(classifier.frames, outputs, classifier.labels)


def check_codec(codec: Any) -> None:
    """Raises WrongType, saying what to do, for what is no `Codec`, such as a name."""
    if not isinstance(codec, Codec):
        do = "load it first, by audioxai_jax.weights.pretrained.load_codec"
        if isinstance(codec, tuple):
            do = "loaders return (codec, manifest): take the first"
        raise WrongType(f"codec: expected a Codec, got {kind(codec)}: {do}")


def as_settings(
    codec: Any, classifier: Any, method: Any, base: Any
) -> tuple[Codec, Model, Method, Base]:
    """All four as pytrees; a classifier of windows as a model of any length.

    Raises:
      WrongType: for what cannot be used as one, such as a name or a factory.
    """
    check_codec(codec)
    check_model(classifier)
    model = windowed(classifier) if isinstance(classifier, Classifier) else classifier
    method = integrated_gradients() if method is None else method
    check_method(method)
    base = zero() if base is None else base
    check_callable(base, "base", "(codec, latent, key)", "write audioxai_jax.zero()")
    return codec, as_model(model), as_method(method), as_method(base)


def fitting_samples(codec: Codec, how: Reads, shape: tuple[int, ...], dtype: Any) -> int:
    """Samples that a clip `[T]` is padded to: T if its latent fits, else whole windows."""
    (samples,) = shape
    if how.frames is None:
        return samples
    latent = output_shape(as_model(codec.encode), jax.ShapeDtypeStruct(shape, dtype))
    check_latent(latent)
    if latent.shape[0] == how.frames:
        return samples
    return whole_windows(codec.hop, how.frames, samples)


def check_outputs(how: Reads, logits: Any) -> None:
    """Refuses outputs that are no logits `[K]`, or other than there are labels for.

    Args:
      logits: an array, or its shape and dtype.

    Raises:
      WrongType, ValueError: see `logits.check_logits`.
    """
    check_logits(logits, "the classifier", "clip")
    if how.labels is not None:
        check_labels(how.labels, logits.shape[0])


def one_target(target: Any, classifier: Any) -> Array | np.ndarray | None:
    """The class of one clip as a whole number.

    Raises:
      WrongType, ValueError: for what is no class, or several.
    """
    if target is None:
        return None
    found = as_targets(target, getattr(classifier, "labels", None))
    if found.ndim:
        raise ValueError(
            f"one clip has one target, got {list(found.shape)}: see attribute_classes for several"
        )
    return found


def batch_targets(target: Any, classifier: Any, clips: int, classes: int) -> Any:
    """A class for each clip of a batch, `[N]`; one class is that of all.

    Raises:
      WrongType, ValueError: for what is no class, or as many as there are no clips.
    """
    if target is None:
        return None
    found = as_targets(target, getattr(classifier, "labels", None))
    check_classes(found, classes, "the classifier")
    if found.ndim == 0:
        found = jnp.broadcast_to(found, (clips,))
    if found.shape != (clips,):
        raise ValueError(
            f"targets {list(found.shape)} do not fit {clips} clips: give one class, or one for "
            "each [N]"
        )
    return found


def as_base_latent(found: Any, latent: Array) -> Array:
    """What a base returned, in the latent's shape and dtype.

    Raises:
      ValueError: if it does not fit.
    """
    shape = getattr(found, "shape", None)
    try:
        return jnp.broadcast_to(jnp.asarray(found, latent.dtype), latent.shape)
    except (TypeError, ValueError):
        told = kind(found) if shape is None else list(shape)
        raise ValueError(
            f"the base returned {told} for a latent {list(latent.shape)}: it must have its shape"
        ) from None


def says(model: Model, target: Array, how: Reads, classes: int) -> tuple[Model, Array]:
    """A model whose `logits.decision` is the target if and only if the target holds, and it.

    Labels that hold by themselves do so from a probability of one half on, whatever the others.
    """
    alone = how.outputs == "sigmoid" or (how.outputs == "probabilities" and classes == 1)
    if not alone:
        return model, target
    least = 0.5 if how.outputs == "probabilities" else 0.0
    return one_label(model, target, least=least), jnp.zeros_like(target)
