"""The vocabulary of the library: read this page first.

Everything here describes ONE example. Batches, chunks of memory and devices are
added from outside (`audioxai_jax.core.batching`), never inside a method.

======== ==================================================================
word     meaning
======== ==================================================================
audio    waveform, float32 `[T]`, mono, nominally in [-1, 1]
latent   what a codec's encoder makes of it, float32 `[F, C]`: F frames at
         `sample_rate / hop` per second (see `Codec`), C channels
logits   the classifier's unnormalised scores, `[K]`
target   integer class whose logit is explained, scalar
relevance  how much each input feature speaks for the target, shaped as the input
======== ==================================================================
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import WrongType, as_floats, as_input, kind, whole
from audioxai_jax.core.contracts import as_key, as_labels, check_labelled, check_method, check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_labels, check_logits
from audioxai_jax.core.records import record
from audioxai_jax.core.strictness import constant, relaxed
from audioxai_jax.core.windows import windowed

Model = Callable[[Array], Array]
"""A function of one example, `x -> y`, that is also a pytree, such as
`jax.tree_util.Partial(function, params)`: it crosses `jit` as an argument, so one
compilation serves every set of parameters. `records.as_model` makes one of anything callable.
"""

Info = dict[str, Array]
"""What a method knows about its own result, as arrays: the keys of `make_info`. Whoever calls it
by `attribute`, as `explain` and `attribute_batch` do, also learns whether all is "finite"."""


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

    `attribute` adds "finite": whether all relevance is.
    """
    return {
        "completeness_gap": constant(completeness_gap, jnp.result_type(float)),
        "evaluations": constant(evaluations, jnp.dtype(jnp.int32)),
        "change": constant(change, jnp.result_type(float)),
        "standard_error": constant(standard_error, jnp.result_type(float)),
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


@record()
class Attribution:
    """Relevance of one example, shaped as the method's input, and what is known of it."""

    relevance: Array
    info: Info


@record(static=("sample_rate", "hop", "name", "fingerprint", "bitrates"))
class Codec:
    """An encoder, a decoder and what is needed to use them.

    Attributes:
      encode: `audio [T] -> latent [F, C]`, with F = ceil(T / hop). A codec that works in
        chunks which overlap has more frames, about `overlap` of them, and F never falls as T
        grows.
      decode: `latent [F, C] -> audio`, at least as long as what was encoded; the excess is cut.
      sample_rate: of the audio, Hz.
      hop: samples per latent frame.
      mean: mean latent over the training data `[C]`, or None if it is not known.
      name: how the codec is named in reports and by the classifiers made for it.
      fingerprint: sha256 of its weights if they came from a file, else "".
      quantise: `(latent [F, C], kbit/s) -> latent [F, C]`, a pytree: what the decoder gets that
        was sent codes, with the gradient of the latent itself. None without a quantiser.
      bitrates: kbit/s that `quantise` takes, ascending.

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

    def __post_init__(self):
        check_model(self.encode, "encode")
        check_model(self.decode, "decode")
        if (self.quantise is None) != (not self.bitrates):
            raise ValueError("quantise and bitrates belong together: give both, or neither")
        object.__setattr__(self, "sample_rate", whole(self.sample_rate, "sample_rate"))
        object.__setattr__(self, "hop", whole(self.hop, "hop"))
        if self.mean is not None:
            object.__setattr__(self, "mean", as_floats(self.mean, "mean"))
            if self.mean.ndim != 1:
                raise ValueError(f"mean must be one latent frame [C], got {self.mean.shape}")


@record(static=("labels", "codec", "frames", "background", "codec_fingerprint", "outputs"))
class Classifier:
    """A model on latents and what its outputs mean; itself a model, of latents of any length.

    Attributes:
      model: `latent [frames, C] -> logits [K]`.
      labels: K names that differ, in the order of the logits.
      codec: name of the codec whose latents it reads.
      frames: latent frames that it reads at once; None if any number will do.
      background: labels, such as "_silence_", that hold for a long clip only if they
        hold for each part of it (see `audioxai_jax.core.windows`).
      codec_fingerprint: that of the codec it was trained with, "" if it is not known.
      outputs: "softmax" for logits of classes that exclude each other; "sigmoid" for logits of
        labels that hold or not, each by itself, or of a single one; "probabilities" if the model
        ends in either. None is "sigmoid" of a single label, else "softmax".

    Raises:
      TypeError, ValueError: for a field that is not as above.
    """

    model: Model
    labels: tuple[str, ...]
    codec: str = "custom"
    frames: int | None = None
    background: tuple[str, ...] = ()
    codec_fingerprint: str = ""
    outputs: str | None = None

    def __post_init__(self):
        check_model(self.model, "model")
        check_labelled(self.labels, self.background, self.codec, self.outputs)
        object.__setattr__(self, "labels", as_labels(self.labels))
        object.__setattr__(self, "background", as_labels(self.background))
        if self.frames is not None:
            object.__setattr__(self, "frames", whole(self.frames, "frames"))

    def __call__(self, latent: Array) -> Array:
        """Logits `[K]` of a latent `[F, C]`, F at least `frames`; see `windows.windowed`.

        Raises:
          ValueError: for fewer frames, or if there are not as many labels as outputs.
        """
        logits = windowed(self)(latent)
        check_logits(logits, "the classifier", "clip")
        check_labels(self.labels, logits.shape[0])
        return logits


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


def score(model: Model, x: Array, target: int | Array) -> Array:
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
