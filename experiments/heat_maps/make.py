"""One clip explained by sounds of several kinds, as plain arrays to be heard side by side."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution import integrated_gradients
from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model
from audioxai_jax.data.audio import Clip, resample
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.metrics.clicks import click_level
from audioxai_jax.report import phrases
from audioxai_jax.runs import predictions
from audioxai_jax.runs.explain_clips import explain_clip, label_names
from audioxai_jax.runs.explained import ExplainedClip, Settings
from audioxai_jax.synthesis.bases import zero
from audioxai_jax.synthesis.filters import filter_by_frequency
from audioxai_jax.synthesis.heat_maps import fade_ends, heat_map_sound, rectified_signal_sound
from audioxai_jax.synthesis.levels import match_level, rms
from audioxai_jax.types import Classifier, Method, Model

SMOOTH_SECONDS, SMOOTH_HZ, FADE_SECONDS = 0.02, 40.0, 0.005
"""Kernels of gains over time and over frequency, and fades at the ends of what was made."""
CLICK_SECONDS = 0.01
OTHERS = ORIGINAL, FILTERED, LATENT, LITERAL = ("Original", "DFT-filtered", "Latent", "ReLU(x) · R")
"""Names of the sounds that are not named by a method."""


@dataclasses.dataclass(frozen=True)
class HeatMapSound:
    """A sound and what it was made by.

    Attributes:
      samples: `[T]` at the clip's rate and at the sound's own level.
      about: description in a few phrases.
      relevance: relevance over time `[n]`, in n equal spans of the clip.
      frequency_relevance: frequency relevance of K frequencies from 0 to the clip's `bandwidth`,
        `[K]`.
    """

    samples: np.ndarray
    about: str = ""
    relevance: np.ndarray | None = None
    frequency_relevance: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class HeatMapClip:
    """A clip and the sounds that explain it.

    Attributes:
      name: heading.
      facts: facts about it, texts by name.
      sounds: sounds by name, all of one length; the first one is the original.
      sample_rate: rate of all sounds, Hz.
      bandwidth: bandwidth of the clip, Hz: half of the sample rate, or less if it was resampled.
    """

    name: str
    facts: Mapping[str, str]
    sounds: Mapping[str, HeatMapSound]
    sample_rate: int
    bandwidth: float

    @property
    def original(self) -> str:
        """Name of the first sound."""
        return next(iter(self.sounds))

    def played(self, name: str) -> np.ndarray:
        """One sound as it is heard, float32 `[T]`: at the original's level and never clipped."""
        samples, original = self._samples(name), self._samples(self.original)
        return match_level(samples, match_level(original, original))

    def measures(self, name: str) -> dict[str, float]:
        """Of one sound: "level_db" re the original before it was brought to its level (minus
        infinity for silence, NaN beside silence), "peak" as it is played, and "clicks_db", see
        `metrics.clicks`, with a span of 10 ms."""
        samples, original = self._samples(name), self._samples(self.original)
        level, reference = float(rms(samples)), float(rms(original))
        decibels = 20 * math.log10(level / reference) if level and reference else -math.inf
        span = max(1, round(CLICK_SECONDS * self.sample_rate))
        return {
            "level_db": decibels if reference else math.nan,
            "peak": float(np.abs(self.played(name)).max()),
            "clicks_db": float(click_level(samples, original, span=span)),
        }

    def _samples(self, name: str) -> np.ndarray:
        return np.asarray(self.sounds[name].samples, np.float32)


def make_heat_maps(
    model: Model,
    waveform: np.ndarray,
    net_input: np.ndarray,
    methods: Mapping[str, Method],
    *,
    name: str,
    labels: tuple[str, ...],
    facts: Mapping[str, str] | None = None,
    sample_rate: int = 8000,
    target: str | None = None,
    keep: float = 0.1,
    frequency_relevance: Callable[[Array, Array], Array] | None = None,
    classifier: Classifier | None = None,
    latent_method: Method | None = None,
) -> HeatMapClip:
    """Explains a decision of a network on waveforms, and that of a latent classifier beside it.

    Sounds that are made fade in and out within 5 ms; the original is left as it is. All come at
    the larger of the two sample rates. Clips of one length share their compilations.

    Args:
      model: `net_input [T] -> logits [K]`.
      waveform: the clip `[T]`, full scale is 1; sounds are made of it.
      net_input: the same samples as the network wants them, a multiple of the waveform.
      methods: methods by the name that is shown; the first one also gives the DFT-filtered sound
        and that of the literal formula.
      name, facts: see `HeatMapClip`; what the models hear comes before these facts.
      labels: labels of the logits.
      sample_rate: rate of the waveform, Hz.
      target: the label that is explained; what the network hears if None.
      keep: fraction of the frequencies and of the latent features that are kept.
      frequency_relevance: `(net_input [T], relevance [T]) -> [T // 2 + 1]`, relevance of the
        DFT; there is no filtered sound without it.
      classifier: classifier of latents, for the latent explanation, which is left out without it.
        If it has the label that is explained it explains that one, else what it hears.
      latent_method: method of the latent explanation; `integrated_gradients()` if None.

    Raises:
      ValueError: for shapes or labels that do not fit, or results that are not finite.
    """
    audio, x = (jnp.asarray(array, jnp.float32) for array in (waveform, net_input))
    _check(name, audio, x, methods, keep)
    model = as_model(model)
    logits = np.asarray(_evaluate(model, x), np.float64)
    label = _explained(name, logits, labels, target)
    relevance = {
        method: _relevance(function, model, x, labels.index(label), f"{name}, {method}")
        for method, function in methods.items()
    }
    first, R = next(iter(relevance.items()))
    rate = max(sample_rate, classifier.reads.sample_rate if classifier else 0)
    known = {"The network hears": _heard(logits, labels)}

    original = resample(np.asarray(audio), sample_rate, rate)
    sounds = {ORIGINAL: HeatMapSound(original, "the clip itself")}
    for method, values in relevance.items():
        sounds[method] = _loud_sound(audio, values, label, sample_rate, rate)
    if frequency_relevance is not None:
        sounds[FILTERED] = _filtered_sound(
            audio, frequency_relevance(x, R), keep, first, sample_rate, rate
        )
    if classifier is not None:
        same, method = label if label in label_names(classifier) else None, latent_method
        settings = Settings(method or integrated_gradients(), zero(), keep=keep, target=same)
        heard, sounds[LATENT] = _latent_sound(classifier, audio, sample_rate, rate, settings)
        known["The latent classifier hears"] = heard
    about = f"the formula as published, by {first}: half of the waveform"
    sound = _finished(_literal(audio, R), sample_rate, rate=rate)
    sounds[LITERAL] = HeatMapSound(sound, about, np.asarray(R))
    return HeatMapClip(name, {**known, **(facts or {})}, sounds, rate, sample_rate / 2)


_evaluate = compiled(lambda model, x: model(x))
_heat_map = compiled(heat_map_sound, static_argnames="smooth")
_filtered = compiled(filter_by_frequency, static_argnames="smooth")
_literal = compiled(rectified_signal_sound)
_faded = compiled(fade_ends, static_argnames="length")


def _finished(sound: Array, at: int, *, rate: int) -> np.ndarray:
    """A sound that was made at one rate, faded, at the rate of all."""
    return resample(np.asarray(_faded(sound, round(FADE_SECONDS * at))), at, rate)


def _loud_sound(
    audio: Array, relevance: Array, label: str, sample_rate: int, rate: int
) -> HeatMapSound:
    """The clip as loud as it is relevant, at `rate`."""
    sound = _heat_map(audio, relevance, smooth=round(SMOOTH_SECONDS * sample_rate))
    about = f"the clip, loud where it speaks for {phrases.label(label)}"
    samples = _finished(sound, sample_rate, rate=rate)
    return HeatMapSound(samples, about, np.asarray(relevance))


def _filtered_sound(
    audio: Array, bins: Array, keep: float, method: str, sample_rate: int, rate: int
) -> HeatMapSound:
    """The clip's most relevant frequencies alone, at `rate`."""
    smooth = round(SMOOTH_HZ * len(audio) / sample_rate)
    sound = _filtered(audio, bins, jnp.asarray(keep), smooth=smooth)
    about = f"its {phrases.fraction(keep)} most relevant frequencies, by {method}"
    samples = _finished(sound, sample_rate, rate=rate)
    return HeatMapSound(samples, about, frequency_relevance=np.asarray(bins))


def _latent_sound(
    classifier: Classifier,
    audio: Array,
    sample_rate: int,
    rate: int,
    settings: Settings,
) -> tuple[str, HeatMapSound]:
    """What the latent classifier hears, and its explanation at `rate`."""
    domain = classifier.reads
    explained = _explain_latent(classifier, np.asarray(audio), sample_rate, settings)
    clip = jax.ShapeDtypeStruct(explained.clip.samples.shape, np.float32)
    frames = jax.eval_shape(domain.analyse, clip).shape[0]
    sound = jnp.asarray(explained.sounds["explanation"])
    about = (
        f"decoded from the {phrases.fraction(settings.keep)} of a codec's latent that speak most "
        f"for {phrases.label(explained.labels[explained.target])}"
    )
    relevance = explained.relevance[:frames].sum(axis=1)
    made = HeatMapSound(_finished(sound, domain.sample_rate, rate=rate), about, relevance)
    return phrases.heard(explained.heard("original")), made


def _check(name: str, audio: Array, x: Array, methods: Mapping[str, Method], keep: float) -> None:
    if audio.ndim != 1 or audio.shape != x.shape:
        raise ValueError(
            f"{name}: a waveform {list(audio.shape)} and an input {list(x.shape)} of the network: "
            "both must be the same samples [T]"
        )
    if not methods:
        raise ValueError("no methods: give one at least, such as {'LRP': lrp.lrp()}")
    taken = set(methods) & set(OTHERS)
    if taken:
        raise ValueError(f"a method cannot be named {sorted(taken)[0]!r}: another sound is")
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must be a fraction between 0 and 1, got {keep}")


def _explained(name: str, logits: np.ndarray, labels: tuple[str, ...], target: str | None) -> str:
    if logits.shape != (len(labels),):
        raise ValueError(f"{name}: logits {list(logits.shape)} for {len(labels)} labels")
    if not np.isfinite(logits).all():
        raise ValueError(f"{name}: the network returned NaN or infinity for this clip")
    if target is not None and target not in labels:
        raise ValueError(f"unknown label {target!r}: the labels are {', '.join(labels)}")
    return labels[int(logits.argmax())] if target is None else target


def _relevance(method: Method, model: Model, x: Array, target: int, what: str) -> Array:
    found = attribute_batch(method, model, x[None], target, key=jax.random.key(0))
    if not found.info["finite"][0]:
        raise ValueError(f"{what}: relevance is NaN or infinite")
    return found.relevance[0]


def _heard(logits: np.ndarray, labels: tuple[str, ...]) -> str:
    outputs = "softmax" if len(labels) > 1 else "sigmoid"
    return phrases.heard(predictions.heard(predictions.as_probabilities(logits, outputs), labels))


def _explain_latent(
    classifier: Classifier, audio: np.ndarray, sample_rate: int, settings: Settings
) -> ExplainedClip:
    at = classifier.reads.sample_rate
    samples = resample(audio, sample_rate, at)
    seconds = len(audio) / sample_rate
    clip = Clip(samples, at, sample_rate, 1, seconds, Path("clip"))
    return explain_clip(classifier, clip, settings)
