"""The vocabulary of the library: read this page first.

Everything here describes ONE example. Batches, chunks of memory and devices are
added from outside (`audioxai_jax.core.batching`), never inside a method.

======== ==================================================================
word     meaning
======== ==================================================================
audio    waveform, float32 `[T]`, mono, nominally in [-1, 1]
domain   a view of audio that one can come back from, see `domains.protocol`
features what a domain's `analyse` makes of audio, floating point
latent   features of a codec, `[F, C]`: F frames at `sample_rate / hop` per
         second (see `Codec`), C channels
logits   the classifier's unnormalised scores, `[K]`
target   integer class whose logit is explained, scalar
relevance  how much each feature speaks for the target, shaped as the features
======== ==================================================================
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import WrongType, as_floats, as_input, kind, whole
from audioxai_jax.core.contracts import as_cells, as_key, check_method, check_model
from audioxai_jax.core.info import Info, completeness_gap, make_info
from audioxai_jax.core.logits import as_targets, check_labels, check_logits, score, select
from audioxai_jax.core.readers import as_labels, check_domain, check_labelled
from audioxai_jax.core.records import as_model, record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.core.windows import windowed

__all__ = [
    "Attribution",
    "Base",
    "Classifier",
    "Codec",
    "Context",
    "Info",
    "Masker",
    "Method",
    "Model",
    "attribute",
    "check_attribution",
    "completeness_gap",
    "make_info",
    "score",
    "select",
]

Model = Callable[[Array], Array]
"""A function of one example, `x -> y`, that is also a pytree, such as
`jax.tree_util.Partial(function, params)`: it crosses `jit` as an argument, so one
compilation serves every set of parameters. `records.as_model` makes one of anything callable.
"""


@runtime_checkable
class Method(Protocol):
    """An attribution method: a frozen, callable pytree made by a factory.

    Hyper-parameters are static with equality (equal factories compile once), arrays
    such as baselines are leaves. `key` is always accepted; deterministic methods
    leave it unused.
    """

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> "Attribution": ...


@record(static=("units", "grid"))
class Context:
    """What a mask may depend on besides relevance; an empty one will do for most maskers.

    Attributes:
      units: labels of the units, whole numbers as `Domain.units` gives them; None for
        each feature by itself.
      features: features of the sound.
      base: values that stand for absent features, of their shape.
      heard: a model of features that hears the sound they make.
      target: decision, by `logits.decision`, where the explained class holds.
      size: size of each feature by `domain.size`, of their shape; the rank "hearable" needs it.
      grid: places of the units, a `domains.protocol.Grid`; the rank "hearable" needs it.
    """

    units: np.ndarray | None = None
    features: Array | None = None
    base: Array | None = None
    heard: Model | None = None
    target: Array | None = None
    size: Array | None = None
    grid: Any = None


@runtime_checkable
class Masker(Protocol):
    """`(relevance, context) -> mask` of their shape with values in [0, 1]; 1 keeps a feature."""

    def __call__(self, relevance: Array, context: Context) -> Array: ...


@runtime_checkable
class Base(Protocol):
    """`(domain, features, audio, key) -> features`: values that stand for absent features."""

    def __call__(self, domain: Any, features: Array, audio: Array, key: Array) -> Array: ...


@record()
class Attribution:
    """Relevance of one example, shaped as the method's input, and what is known of it."""

    relevance: Array
    info: Info


@record(
    static=(
        "sample_rate",
        "hop",
        "name",
        "fingerprint",
        "bitrates",
        "cells",
        "unit",
        "manifest",
    )
)
class Codec:
    """An encoder, a decoder and what is needed to use them.

    Attributes:
      encode: `audio [T] -> latent [F, C]`, with F = ceil(T / hop). A codec that works in
        chunks which overlap has more frames, about `overlap` of them, and F never falls as T
        grows.
      decode: `latent [F, C] -> audio`, at least as long as what was encoded; the excess is cut.
      sample_rate: rate of the audio, Hz.
      hop: samples per latent frame.
      mean: mean latent over the training data `[C]`, or None if it is not known.
      name: how the codec is named in reports and by the classifiers made for it.
      fingerprint: sha256 of its weights if they came from a file, else "".
      quantise: `(latent [F, C], kbit/s) -> latent [F, C]`, a pytree: what the decoder gets that
        was sent codes, with the gradient of the latent itself. None without a quantiser.
      bitrates: kbit/s that `quantise` takes, ascending.
      cells: band of each channel, `C` whole numbers from 0 to B - 1 in the order of frequency, of a
        codec whose bands sound by themselves. The first channel of a band is its level, the
        others have none of their own. None for channels without order, as of most codecs.
      unit: default unit of ranking and editing, "feature" or, with cells, "cell": one
        band of one frame, its level and all else that it holds.
      manifest: contents of its file, or None; compiled programs do not depend on it.

    Raises:
      TypeError, ValueError: for a field that is not as above.
    """

    encode: Model
    decode: Model
    sample_rate: int
    hop: int
    mean: Array | None = None
    name: str = "custom"
    fingerprint: str = ""
    quantise: Callable[[Array, float], Array] | None = None
    bitrates: tuple[float, ...] = ()
    cells: tuple[int, ...] | None = None
    unit: str = "feature"
    manifest: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self):
        for name in ("encode", "decode"):
            check_model(getattr(self, name), name)
            object.__setattr__(self, name, as_model(getattr(self, name)))
        if (self.quantise is None) != (not self.bitrates):
            raise ValueError("quantise and bitrates belong together: give both, or neither")
        object.__setattr__(self, "sample_rate", whole(self.sample_rate, "sample_rate"))
        object.__setattr__(self, "hop", whole(self.hop, "hop"))
        if self.mean is not None:
            object.__setattr__(self, "mean", as_floats(self.mean, "mean"))
            if self.mean.ndim != 1:
                raise ValueError(f"mean must be one latent frame [C], got {self.mean.shape}")
        object.__setattr__(self, "cells", as_cells(self.cells, self.unit))


@record(static=("labels", "frames", "background", "outputs", "manifest"))
class Classifier:
    """A model, the domain that it reads, and what its outputs mean; itself a model of features.

    Attributes:
      model: `features -> logits [K]`, of one sound.
      reads: the domain whose features the model reads, such as `domains.samples(16_000)` for a
        model of waveforms, or `domains.latent(codec)`.
      labels: K names that differ, in the order of the logits; None for their numbers.
      frames: steps along the first axis of the features that it reads at once; None if any
        number will do.
      background: labels, such as "_silence_", that hold for a long clip only if they
        hold for each part of it (see `audioxai_jax.core.windows`).
      outputs: "softmax" for logits of classes that exclude each other; "sigmoid" for logits of
        labels that hold or not, each by itself, or of a single one; "probabilities" if the model
        ends in either; "value" for numbers that are no scores of classes, such as a quality or a
        pitch. None is "sigmoid" of a single label, else "softmax".
      manifest: contents of its file, or None; compiled programs do not depend on it.

    Raises:
      TypeError, ValueError: for a field that is not as above.
    """

    model: Model
    reads: Any
    labels: tuple[str, ...] | None = None
    frames: int | None = None
    background: tuple[str, ...] = ()
    outputs: str | None = None
    manifest: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self):
        check_model(self.model, "model")
        check_domain(self.reads, "reads")
        check_labelled(self.labels, self.background, self.outputs)
        object.__setattr__(self, "model", as_model(self.model))
        if self.labels is not None:
            object.__setattr__(self, "labels", as_labels(self.labels))
        object.__setattr__(self, "background", as_labels(self.background, "background"))
        if self.frames is not None:
            object.__setattr__(self, "frames", whole(self.frames, "frames"))

    def __call__(self, features: Array) -> Array:
        """Logits `[K]` of features of `frames` steps or more; see `windows.windowed`.

        Raises:
          ValueError: for fewer steps, or if labels and outputs differ in number.
        """
        logits = windowed(self)(features)
        check_logits(logits, "the classifier", "clip")
        if self.labels is not None:
            check_labels(self.labels, logits.shape[0])
        return logits

    def names(self, outputs: int) -> tuple[str, ...]:
        """The labels, or the numbers of the outputs as texts."""
        return tuple(map(str, range(outputs))) if self.labels is None else self.labels


@relaxed()
def attribute(
    method: Method, model: Model, x: Array, target: Array | int | str, *, key: Array
) -> Attribution:
    """Calls a method, perhaps a user's own, and adds `info["finite"]`.

    Raises:
      ValueError: if the input is not floating point, the method cannot be called as methods
        are, or its result is no `Attribution` with relevance of the input's shape.
    """
    check_method(method)
    check_model(model, "the model")
    x = as_input(x)
    function = getattr(method, "func", method)  # as_model wraps functions
    name = f"the method {getattr(function, '__name__', type(method).__name__)}"
    key = key if key is None else as_key(key)  # None: of methods that need none
    chosen: Array = as_targets(target, getattr(model, "labels", None))
    return check_attribution(method(model, x, chosen, key=key), x, name)


def check_attribution(found: Any, x: Array, name: str) -> Attribution:
    """What a method returned, checked, with `info["finite"]`.

    Raises:
      ValueError: if it is no `Attribution` with relevance of the input's shape.
    """
    if not isinstance(found, Attribution):
        raise ValueError(f"{name} returned {type(found).__name__}, expected an Attribution")
    if not isinstance(found.info, dict):
        raise WrongType(f"{name} returned info {kind(found.info)}: return make_info()")
    relevance = as_floats(found.relevance, f"the relevance of {name}")
    if relevance.shape != x.shape:
        raise ValueError(
            f"{name} returned relevance {list(relevance.shape)} for an input "
            f"{list(x.shape)}: they must have the same shape"
        )
    finite = jnp.all(jnp.isfinite(relevance))
    return Attribution(relevance, {**found.info, "finite": finite})
