"""A function of a framework's tensor as a `Classifier`: which of its axes are the features'."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.types import Classifier

Shape = Sequence[int | None]
MOST_CHANNELS = 8
"""Of a waveform; more are taken for bands of other features."""
HALVES = ("float16", "bfloat16")


def as_classifier(
    model: Any,
    port_shape: Shape | None,
    *,
    sample_rate: int | None = None,
    reads: Domain | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
    dtype: str = "",
) -> Classifier:
    """A model of tensors as a classifier of a domain's features, of one sound.

    Axes of size 1, or of no fixed size, that lie around the features are added before the model
    and taken off behind it: `[T]` becomes `[1, 1, T]` or `[1, T, 1]`, and `[1, K]` becomes `[K]`.

    Args:
      model: function of one tensor, a pytree.
      port_shape: shape of the tensor, None for sizes that are not fixed; None for one leading
        axis.
      sample_rate: sample rate of a model of waveforms, Hz.
      reads: domain whose features the model reads; this or `sample_rate`.
      labels: names of the outputs.
      outputs: kind of the outputs, see `Classifier`.
      dtype: type of the tensor. Features are cast to half precision where it is a half; outputs
        come back in the type of the features.

    Returns:
      The classifier; a fixed length of the features' first axis is its `frames`.

    Raises:
      BridgeError: if neither or both of `sample_rate` and `reads` are given, or the shape has
        axes that the features do not fill, or labels are not one text for each output.
    """
    if isinstance(labels, (str, bytes)):
        raise BridgeError(
            f'labels is a text: give a tuple of names, such as labels=("{_first(labels)}", ..)'
        )
    domain = domain_of(sample_rate, reads)
    rank = _rank(domain, port_shape)
    before, after = axes_around(port_shape, rank)
    frames = None if port_shape is None else port_shape[before]
    config = Static((before, after, dtype if dtype in HALVES else ""))
    classifier = Classifier(
        Partial(_of_features, config, as_model(model)),
        domain,
        labels=None if labels is None else tuple(labels),
        frames=frames,
        outputs=outputs,
    )
    _check_labels(classifier)
    return classifier


def _first(labels: str | bytes) -> str:
    """The first name of a text that may hold several."""
    text = labels.decode(errors="replace") if isinstance(labels, bytes) else labels
    return (text.replace(",", " ").split() or ["cat"])[0]


def _check_labels(classifier: Classifier) -> None:
    """Refuses labels of another number than the outputs, where shapes alone tell that."""
    if classifier.labels is None:
        return
    reads, frames = classifier.reads, classifier.frames
    try:
        second = jax.ShapeDtypeStruct((reads.sample_rate,), jnp.float32)
        features = jax.eval_shape(reads.analyse, second)
        shape = features.shape if frames is None else (frames, *features.shape[1:])
        given = jax.ShapeDtypeStruct(shape, features.dtype)
        scores = jax.eval_shape(classifier.model, given)
    except Exception:  # of the model or the domain, told when it is used
        return
    if len(scores.shape) == 1 and scores.shape[0] != len(classifier.labels):
        names = ", ".join(map(repr, classifier.labels[:6]))
        more = ", .." * (len(classifier.labels) > 6)
        raise BridgeError(
            f"labels= names {len(classifier.labels)} outputs ({names}{more}), the model has "
            f"{scores.shape[0]}: name each output once, in their order"
        )


def domain_of(sample_rate: int | None, reads: Domain | None) -> Domain:
    """The domain, of which exactly one argument tells.

    Raises:
      BridgeError: if neither or both are given.
    """
    if reads is not None and sample_rate is not None:
        raise BridgeError("give sample_rate= or reads=, not both: the domain has its own rate")
    if reads is not None:
        return reads
    if sample_rate is None:
        raise BridgeError(
            "what the model reads is not told: give sample_rate= (Hz) of a model of waveforms, "
            "or reads= (a domain)"
        )
    return domains.samples(sample_rate)


def axes_around(shape: Shape | None, rank: int) -> tuple[int, int]:
    """Numbers of axes before and after those of the features, in a tensor.

    >>> axes_around((None, 1, 16_000), 1), axes_around((1, 43_844, 1), 1)
    ((2, 0), (1, 1))
    """
    if shape is None:
        return 1, 0
    after = 0
    if rank == 1:
        while after < len(shape) - 1 and shape[-1 - after] == 1:
            after += 1
    before = len(shape) - rank - after
    extra = (*shape[: max(before, 0)], *shape[len(shape) - after :])
    if before < 0 or any(size not in (1, None) for size in extra):
        told = ", ".join("?" if size is None else str(size) for size in shape)
        if rank == 1 and (cause := _several(shape)):
            raise BridgeError(
                f"the model takes a tensor [{told}], {cause}; or give reads=, the domain of such "
                "features"
            )
        raise BridgeError(
            f"the model takes a tensor [{told}], which is not features with {rank} "
            f"{'axis' if rank == 1 else 'axes'} of one sound: give reads=, the domain of such "
            "features, or export the model with a batch of one"
        )
    return before, after


def _several(shape: Shape) -> str:
    """What to do with a tensor that holds several waveforms; "" if it is something else."""
    sizes = [1 if size is None else size for size in shape]
    if len(sizes) == 2 or (len(sizes) == 3 and sizes[0] > 1 and min(sizes[1:]) == 1):
        return f"a batch of {sizes[0]}: export the module with a batch of one"
    if len(sizes) == 3 and sizes[0] == 1 and 1 < min(sizes[1:]) <= MOST_CHANNELS:
        count = min(sizes[1:])
        return f"and so takes {count} channels: wrap it in a module that takes one waveform"
    return ""


def _rank(domain: Domain, shape: Shape | None) -> int:
    """Number of axes of the features; without their batch if the domain cannot tell."""
    try:
        second = jax.ShapeDtypeStruct((domain.sample_rate,), jnp.float32)
        return len(jax.eval_shape(domain.analyse, second).shape)
    except Exception:  # a domain of one length, such as a codec's of whole chunks
        return 1 if shape is None else max(len(shape) - 1, 1)


def _of_features(config: Static, model: Any, x: Array) -> Array:
    before, after, half = config.value  # type: ignore[misc]
    given = jnp.expand_dims(x, (*range(before), *range(before + x.ndim, before + x.ndim + after)))
    y = model(given.astype(half) if half else given)
    if isinstance(y, (tuple, list, dict)):
        raise BridgeError(f"the model returns {len(y)} outputs: name one by output=")
    taken = 0
    while taken < before and y.ndim > 1 and y.shape[0] == 1:
        y, taken = y[0], taken + 1
    if y.ndim == 0:
        y = y[None]
    return y.astype(x.dtype) if jnp.issubdtype(y.dtype, jnp.floating) else y
