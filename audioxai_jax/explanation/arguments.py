"""What `explain` is given, checked and made ready: one line for whatever does not fit."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution import integrated_gradients
from audioxai_jax.core.checks import WrongType, kind
from audioxai_jax.core.contracts import check_callable, check_method, check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_labels, check_logits
from audioxai_jax.core.readers import check_domain, check_features
from audioxai_jax.core.records import as_method, as_model, record
from audioxai_jax.domains import keep_residual
from audioxai_jax.domains.grid import named_units, unit_grid, unit_name
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import (
    Hearing,
    ThroughSound,
    analysed,
    fitting_samples,
    hearing,
    same_view,
)
from audioxai_jax.models.outputs import one_label
from audioxai_jax.perturbation.ask import check_classes_said
from audioxai_jax.perturbation.rank import unit_number
from audioxai_jax.synthesis.bases import own
from audioxai_jax.synthesis.masks import Smallest, as_masker
from audioxai_jax.types import Base, Classifier, Context, Masker, Method, Model

RESIDUALS = (None, "keep")


@record(static=("own", "residual", "rank", "unit", "outputs", "labels"))
class Request:
    """What is asked of a clip: everything that `explain` is given, but the clip and its target.

    Attributes:
      domain: explained domain.
      hears: the classifier as a model of sounds at the domain's rate.
      method, base, masker: attribution method, base and masker, see `explain`.
      listens: listener as a model of the same sounds, or None.
      own: whether the domain is what the classifier reads.
      residual: whether sounds get back what the domain loses.
      rank: rank of units, one of `rank.RANKS`.
      unit: name of the domain's units, or None.
      outputs: kind of the outputs, see `Classifier`; None for logits of which the largest counts.
      labels: labels of the classifier, or None; not part of the program, so that one serves all.
    """

    domain: Domain
    hears: Hearing
    method: Method
    base: Base
    masker: Masker
    listens: Hearing | None
    own: bool
    residual: bool
    rank: str
    unit: str | None
    outputs: str | None
    labels: tuple[str, ...] | None = dataclasses.field(compare=False)

    @property
    def decoder(self) -> Domain:
        """The domain whose `synthesise` makes the sounds."""
        return keep_residual(self.domain) if self.residual else self.domain

    def pad(self, clip: Array) -> Array:
        """What is analysed: in the classifier's own domain the clip padded to whole windows."""
        return self.hears.pad(clip) if self.own else clip

    def model(self, audio: Array) -> Model:
        """The model of features that is explained."""
        return self.hears.reader if self.own else self.heard(audio)

    def heard(self, audio: Array) -> Model:
        """The model of features that hears their sound."""
        return ThroughSound(self.hears, self.decoder, audio)

    def context(self, features: Array, base: Array, audio: Array, target: Array, classes: int):
        """What masks are made of; its model's decision is its target where the target holds.

        Labels that hold by themselves do so from a probability of one half on, whatever the
        others.
        """
        heard, wanted = self.heard(audio), target
        if self.outputs == "sigmoid" or (self.outputs == "probabilities" and classes == 1):
            least = 0.5 if self.outputs == "probabilities" else 0.0
            heard, wanted = one_label(heard, target, least=least), jnp.zeros_like(target)
        shape = features.shape
        return Context(
            units=named_units(self.domain, shape, self.unit),
            features=features,
            base=base,
            heard=heard,
            target=wanted,
            size=self.domain.size(features),
            grid=unit_grid(self.domain, shape, unit_name(self.domain, shape, self.unit)),
        )


def as_request(
    classifier: Any,
    clip: Any,
    *,
    domain: Any,
    method: Any,
    keep: Any,
    rank: str,
    unit: str | None,
    base: Any,
    residual: str | None,
    listener: Any,
) -> Request:
    """All of it as pytrees; a classifier of windows as a model of any length.

    Args:
      classifier: classifier, see `explain`, as the other arguments are.
      clip: an array `[T]`, or its shape and dtype.

    Raises:
      WrongType, ValueError: for an argument that does not fit, such as a name or a factory.
    """
    check_classifier(classifier)
    domain = classifier.reads if domain is None else domain
    domain, reads = as_domain(domain, "domain"), as_domain(classifier.reads, "reads")
    classifier = dataclasses.replace(classifier, reads=reads)
    method = integrated_gradients() if method is None else method
    check_method(method)
    base = own() if base is None else base
    check_callable(
        base, "base", "(domain, features, audio, key)", "write audioxai_jax.bases.zero()"
    )
    if callable(keep):
        check_callable(
            keep, "keep", "(relevance, context)", "write audioxai_jax.masks.top_fraction(0.1)"
        )
    if residual not in RESIDUALS:
        raise ValueError(f"residual must be None or 'keep', got {residual!r}")
    is_own = same_view(domain, reads)
    domain = reads if is_own else domain  # the same arrays, which are arguments once
    padded = fitting_samples(reads, classifier.frames, clip) if is_own else clip.shape[0]
    features = analysed(domain, jax.ShapeDtypeStruct((padded,), clip.dtype))
    check_features(features, f"the domain {domain.name!r}")
    number = unit_number(features.shape, named_units(domain, features.shape, unit))
    return Request(
        domain=domain,
        hears=hearing(classifier, domain.sample_rate),
        method=as_method(method),
        base=as_method(base),
        masker=as_method(_masker(keep, rank, number, classifier.outputs)),
        listens=as_listener(listener, domain.sample_rate),
        own=is_own,
        residual=residual == "keep",
        rank=rank,
        unit=unit,
        outputs=None if classifier.outputs == "softmax" else classifier.outputs,
        labels=classifier.labels,
    )


def _masker(keep: Any, rank: str, number: int, outputs: str | None) -> Masker:
    """What is kept, as a masker; the smallest set only where a class can be said.

    Raises:
      WrongType, ValueError: as `masks.as_masker`, and for the smallest set of a value.
    """
    masker = as_masker(keep, rank, number)
    if isinstance(masker, Smallest):
        check_classes_said(outputs, "keep='smallest'")
    return masker


def check_classifier(classifier: Any, name: str = "classifier") -> None:
    """Raises WrongType, saying what to write, unless it is a `Classifier`."""
    if isinstance(classifier, Classifier):
        return
    check_model(classifier, f"the {name}")
    raise WrongType(
        f"the {name} must say what it reads: write Classifier(model, "
        "reads=audioxai_jax.domains.samples(16000)), or latent(codec), or another domain"
    )


def as_listener(listener: Any, sample_rate: int) -> Hearing | None:
    """A listener as a model of sounds at a sample rate; None if there is none.

    Raises:
      WrongType: for anything but a `Classifier`.
    """
    if listener is None:
        return None
    check_classifier(listener, "listener")
    reads = as_domain(listener.reads, "reads")
    return hearing(dataclasses.replace(listener, reads=reads), sample_rate)


def as_domain(domain: Any, name: str) -> Domain:
    """A domain as a pytree of arrays: functions among its fields become models.

    Raises:
      WrongType: for anything but a domain that is a pytree.
    """
    check_domain(domain, name)
    leaves = jax.tree.leaves(domain)
    if len(leaves) == 1 and leaves[0] is domain:
        raise WrongType(
            f"{name}: {type(domain).__name__} is not a pytree: decorate its class by "
            "audioxai_jax.record(static=..)"
        )
    is_function = lambda leaf: callable(leaf) and not hasattr(leaf, "shape")
    return jax.tree.map(lambda leaf: as_model(leaf) if is_function(leaf) else leaf, domain)


def check_outputs(labels: tuple[str, ...] | None, logits: Any) -> None:
    """Refuses outputs that are not logits `[K]`, or other than there are labels for.

    Args:
      labels: labels of the classifier, or None.
      logits: an array, or its shape and dtype.

    Raises:
      WrongType, ValueError: see `logits.check_logits`.
    """
    check_logits(logits, "the classifier", "clip")
    if labels is not None:
        check_labels(labels, logits.shape[0])


def one_target(target: Any, classifier: Any) -> Array | np.ndarray | None:
    """The class of one clip as a whole number.

    Raises:
      WrongType, ValueError: for anything but one class.
    """
    if target is None:
        return None
    classes = as_targets(target, getattr(classifier, "labels", None))
    if classes.ndim:
        raise ValueError(
            f"one clip has one target, got {list(classes.shape)}: see attribute_classes for several"
        )
    return classes


def batch_targets(target: Any, classifier: Any, clips: int, classes: int) -> Any:
    """A class for each clip of a batch, `[N]`; one class is that of all.

    Raises:
      WrongType, ValueError: for anything but classes, or another number than there are clips.
    """
    if target is None:
        return None
    targets = as_targets(target, getattr(classifier, "labels", None))
    check_classes(targets, classes, "the classifier")
    if targets.ndim == 0:
        targets = jnp.broadcast_to(targets, (clips,))
    if targets.shape != (clips,):
        raise ValueError(
            f"targets {list(targets.shape)} do not fit {clips} clips: give one class, or one for "
            "each [N]"
        )
    return targets


def as_shaped(values: Any, features: Array, who: str) -> Array:
    """What a base or a masker returned, in the features' shape and dtype.

    Raises:
      ValueError: if it does not fit.
    """
    shape = getattr(values, "shape", None)
    try:
        return jnp.broadcast_to(jnp.asarray(values, features.dtype), features.shape)
    except (TypeError, ValueError):
        got = kind(values) if shape is None else list(shape)
        raise ValueError(
            f"{who} returned {got} for features {list(features.shape)}: it must have their shape"
        ) from None
