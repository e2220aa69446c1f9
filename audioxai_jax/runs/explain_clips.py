"""Clips of any length through `explain`, one after the other, and back as plain arrays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.attribution import caveats
from audioxai_jax.core.windows import windowed
from audioxai_jax.data.audio import Clip
from audioxai_jax.domains import keep_residual
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import (
    ThroughSound,
    analysed,
    fitting_samples,
    hearing,
    same_view,
)
from audioxai_jax.explanation.explain import explain_batch
from audioxai_jax.explanation.record import Explanation
from audioxai_jax.runs import predictions
from audioxai_jax.runs.explained import ExplainedClip, Settings
from audioxai_jax.synthesis.levels import rms
from audioxai_jax.types import Classifier, Model


def explain_clip(classifier: Classifier, clip: Clip, settings: Settings) -> ExplainedClip:
    """Explains one clip.

    It is padded with zeros to whole windows of the classifier (whole seconds if it reads any
    length, or another domain), so that clips of about one length share a compilation, and longer
    clips are read by overlapping windows. Clips go one at a time: on a CPU that is as fast as a
    batch, since one clip's path of integrated gradients is a batch already. A clip's random
    control depends on the seed alone, not on the other clips.

    Raises:
      ValueError: for an unknown target label, samples at another rate, models that do
        not fit together, or results that are not finite.
    """
    domain = settings.domain or classifier.reads
    if clip.sample_rate != domain.sample_rate:
        raise ValueError(
            f"the clip is at {clip.sample_rate} Hz, the domain {domain.name!r} works at "
            f"{domain.sample_rate} Hz: read it at that rate"
        )
    labels, target = label_names(classifier), None
    if settings.target is not None:
        if settings.target not in labels:
            raise ValueError(
                f"unknown label {settings.target!r}: the classifier's labels are "
                + ", ".join(labels)
            )
        target = jnp.asarray([labels.index(settings.target)], jnp.int32)
    padding = padded_length(classifier, domain, len(clip.samples)) - len(clip.samples)
    audio = jnp.asarray(np.pad(clip.samples, (0, padding))[None])
    explanation = explain_batch(
        classifier,
        audio,
        domain=settings.domain,
        method=settings.method,
        keep=settings.keep,
        rank=settings.rank,
        unit=settings.unit,
        base=settings.base,
        target=target,
        residual=settings.residual,
        listener=settings.listener,
        key=jax.random.key(settings.seed),
    )
    explanation = jax.tree.map(lambda leaf: np.asarray(leaf)[0], explanation)
    _check_finite(explanation, clip)
    return _on_the_host(explanation, classifier, clip, settings, audio[0])


def padded_length(classifier: Classifier, domain: Domain, length: int) -> int:
    """Samples of the whole windows, or seconds, that hold a clip of some length.

    Args:
      domain: domain that is explained; the length is at its sample rate.
    """
    if classifier.frames is None or not same_view(domain, classifier.reads):
        return -(-length // domain.sample_rate) * domain.sample_rate
    clip = jax.ShapeDtypeStruct((length,), jnp.float32)
    return fitting_samples(domain, classifier.frames, clip)


def label_names(classifier: Classifier) -> tuple[str, ...]:
    """The labels, or the numbers of the outputs; these are counted by tracing a second of sound."""
    if classifier.labels is not None:
        return classifier.labels
    second = jax.ShapeDtypeStruct((classifier.reads.sample_rate,), jnp.float32)
    logits = jax.eval_shape(hearing(classifier, classifier.reads.sample_rate), second)
    return classifier.names(logits.shape[0])


def unit_names(domain: Domain) -> tuple[str, ...]:
    """Names of a domain's units, the default first."""
    second = jax.ShapeDtypeStruct((domain.sample_rate,), jnp.float32)
    return tuple(domain.units(analysed(domain, second).shape))


def _check_finite(explanation: Explanation, clip: Clip) -> None:
    """Raises ValueError, naming where, for results that are not numbers."""
    if explanation.finite:
        return
    named = {
        "features": explanation.features,
        "relevance": explanation.relevance,
        "logits": (explanation.logits, explanation.listener_logits),
        "decoded sound": explanation.sounds,
    }
    bad = [
        name
        for name, tree in named.items()
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))
    ]
    loudest = np.abs(clip.samples).max()
    raise ValueError(
        f"NaN or infinity in the {' and the '.join(bad or ['result'])}: the model or the "
        f"method cannot cope with this clip (largest sample {loudest:.3g}, full scale is 1)"
    )


def _on_the_host(
    explanation: Any,
    classifier: Classifier,
    clip: Clip,
    settings: Settings,
    audio: jax.Array,
) -> ExplainedClip:
    """The record of one `Explanation` of NumPy arrays; `audio` is the padded clip."""
    domain, listener = settings.domain or classifier.reads, settings.listener
    own = same_view(domain, classifier.reads)
    features, relevance = explanation.features, explanation.relevance
    units = domain.units(features.shape)
    unit = settings.unit or next(iter(units))
    said = caveats(
        settings.method,
        _explained_model(classifier, settings, audio),
        jnp.asarray(features),
        relevance,
        explanation.info,
    )
    sounds = {name: sound[: len(clip.samples)] for name, sound in explanation.sounds.items()}
    labels = label_names(classifier)
    listener_labels = () if listener is None else label_names(listener)
    return ExplainedClip(
        clip=clip,
        domain=domain,
        own_domain=own,
        sounds={"original": clip.samples, **sounds},
        logits=explanation.logits,
        feature_logits=explanation.feature_logits,
        listener_logits=explanation.listener_logits,
        features=features,
        relevance=relevance,
        mask=explanation.mask,
        axes=tuple(domain.axes(features.shape)),
        unit=unit,
        unit_counts=_count_units(units[unit], explanation.mask),
        labels=labels,
        outputs=predictions.outputs_of(classifier, len(labels)),
        listener_labels=listener_labels,
        listener_outputs=""
        if listener is None
        else predictions.outputs_of(listener, len(listener_labels)),
        target=int(explanation.target),
        info={n: float(v if v.ndim == 0 else rms(v)) for n, v in explanation.info.items()},
        padded_seconds=len(audio) / domain.sample_rate,
        notes=clip.notes + predictions.notes(classifier) + said,
    )


def _explained_model(classifier: Classifier, settings: Settings, audio: jax.Array) -> Model:
    """The model of features that was explained."""
    domain = settings.domain or classifier.reads
    if same_view(domain, classifier.reads):
        return windowed(classifier)
    decoder = keep_residual(domain) if settings.residual == "keep" else domain
    return ThroughSound(hearing(classifier, domain.sample_rate), decoder, audio)


def _count_units(labels: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """Units with anything kept, and all of them."""
    labels = np.broadcast_to(labels, mask.shape)
    return len(np.unique(labels[mask > 0])), int(labels.max()) + 1
