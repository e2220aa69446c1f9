"""A model of one domain's features, from a classifier that reads another.

    model of features = classifier.model o reads.analyse o resample o domain.synthesise

All are records that are pytrees: one compilation serves every set of parameters.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.tree_util import Partial

from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import output_shape, record
from audioxai_jax.core.windows import whole_windows, windowed
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.models.resampling import resample
from audioxai_jax.types import Classifier, Model


@record(static=("sample_rate", "frames"))
class Hearing:
    """A classifier as a model of sounds `[T]` at a sample rate, of any length; see `hearing`."""

    reader: Model
    reads: Domain
    sample_rate: int
    frames: int | None

    def __call__(self, sound: Array) -> Array:
        """Logits `[K]` of a sound: resampled, padded to whole windows, analysed, read."""
        sound = resample(sound, self.sample_rate, self.reads.sample_rate)
        return self.reader(self.reads.analyse(self.pad(sound)))

    def pad(self, sound: Array) -> Array:
        """Zeros after a sound, at the rate that is read, until its windows are full."""
        lacking = fitting_samples(self.reads, self.frames, sound) - sound.shape[0]
        return jnp.pad(sound, (0, lacking)) if lacking > 0 else sound


@record()
class ThroughSound:
    """A model of features that hears the sound they make of a clip."""

    hears: Model
    domain: Domain
    audio: Array

    def __call__(self, features: Array) -> Array:
        if self.domain.linear:
            return self.hears(linear_map(self.domain, features, self.audio))
        return self.hears(self.domain.synthesise(features, self.audio))


@compiled
def linear_map(domain: Domain, features: Array, audio: Array) -> Array:
    """Sound of a linear domain: one step for rules of relevance, see `tracing.reading.LINEAR`."""
    return domain.synthesise(features, audio)


def hearing(classifier: Classifier, sample_rate: int) -> Hearing:
    """The classifier as a model of sounds at a sample rate, Hz."""
    return Hearing(windowed(classifier), classifier.reads, sample_rate, classifier.frames)


def fitting_samples(reads: Domain, frames: int | None, sound: Any) -> int:
    """Samples that a sound `[T]` is padded to: T if its features fit, else whole windows.

    Args:
      reads: the domain whose features are read.
      frames: steps of a window, or None.
      sound: an array, or its shape and dtype.
    """
    (samples,) = sound.shape
    if frames is None or steps(reads, samples, sound.dtype) == frames:
        return samples
    padded = whole_windows(reads.hop, frames, samples)
    excess = steps(reads, padded, sound.dtype) - padded // reads.hop
    shorter = padded - excess * reads.hop  # a centred transform has a step more than its hops
    if excess > 0 and shorter >= samples and steps(reads, shorter, sound.dtype) % frames == 0:
        return shorter
    return padded


def steps(reads: Domain, samples: int, dtype: Any) -> int:
    """Steps along the first axis of the features of `samples` samples."""
    return analysed(reads, jax.ShapeDtypeStruct((samples,), dtype)).shape[0]


def analysed(domain: Domain, sound: Any) -> Any:
    """Shape and dtype of a sound's features; nothing is computed."""
    return output_shape(Partial(_analyse, domain), sound)


def _analyse(domain: Domain, sound: Array) -> Array:
    return domain.analyse(sound)


def same_view(domain: Domain, other: Domain) -> bool:
    """Whether two domains are one: of one kind, with equal parameters.

    Of parameters that are traced no more is known than whether they are the same arrays.
    """
    leaves, others = jax.tree.leaves(domain), jax.tree.leaves(other)
    if jax.tree.structure(domain) != jax.tree.structure(other):
        return False
    return all(map(_same_leaf, leaves, others))


def _same_leaf(leaf: Any, other: Any) -> bool:
    if leaf is other:
        return True
    if isinstance(leaf, Tracer) or isinstance(other, Tracer):
        return False
    return np.shape(leaf) == np.shape(other) and np.array_equal(leaf, other)
