"""An explained clip as the record that its folder holds and its page shows."""

import dataclasses
import importlib.metadata
import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from audioxai_jax.data.audio import wav_bytes
from audioxai_jax.results import (
    SOUNDS,
    ClipResult,
    DomainFacts,
    MethodFacts,
    Selection,
    Setup,
    Sound,
    Source,
    Target,
    Weights,
)
from audioxai_jax.runs.drawings import draw_explanation
from audioxai_jax.runs.explained import ExplainedClip, Settings
from audioxai_jax.runs.written import Written, for_people, noise_floor


@dataclasses.dataclass(frozen=True)
class Names:
    """How an explanation names what it was made with.

    Attributes:
      method: and all its options.
      base: see `synthesis.bases.BASES`.
      classifier, listener, codec: names, and sha256 unless they are a user's own.
      domain_options: options of the domain's factory, such as its window.
      safe_gradients: see `results.Setup`.
    """

    method: MethodFacts
    base: str
    classifier: Weights
    listener: Weights | None = None
    codec: Weights | None = None
    domain_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    safe_gradients: bool = False


def describe(
    explained: ExplainedClip,
    settings: Settings,
    names: Names,
    *,
    level_match: bool = False,
    floor_db: float | None = None,
) -> ClipResult:
    """The record of one explained clip.

    Args:
      explained: explained clip on the host.
      settings: settings it was explained with.
      names: names of these.
      level_match: write all WAV files at the level of the original.
      floor_db: noise floor of all sounds that are written and played, dB relative to the clip's
        RMS; None for the bare sounds. Answers, levels and figures are those of the bare sounds.

    Raises:
      ValueError: for a floor that there cannot be.
    """
    clip = explained.clip
    floor = noise_floor(clip.samples, clip.sample_rate, floor_db, settings.seed)
    written = for_people(explained.sounds, floor)
    return ClipResult(
        source=Source(
            name=clip.path.name,
            path=str(clip.path),
            seconds=clip.seconds,
            source_rate=clip.source_rate,
            channels=clip.channels,
            channel=clip.channel,
            sample_rate=clip.sample_rate,
            samples=len(clip.samples),
            padded_seconds=explained.padded_seconds,
        ),
        target=_target(explained),
        selection=_selection(explained, settings),
        setup=_setup(explained, settings, names),
        sounds={n: _sound(explained, written, n, level_match=level_match) for n in SOUNDS},
        gain_db=20 * math.log10(written.gain),
        level_match=level_match,
        info=explained.info,
        notes=explained.notes,
        arrays=arrays(explained),
        drawing=draw_explanation(
            explained.sounds, clip.sample_rate, explained.relevance, explained.axes
        ),
        floor_db=floor_db,
        floor=None if written.floor is None else wav_bytes(written.floor, clip.sample_rate),
    )


def arrays(explained: ExplainedClip) -> dict[str, np.ndarray]:
    """Content of `relevance.npz`: features of the padded clip in its domain, K classes.

    ========================= ============ ===========================================
    relevance                 as features  of each feature for the target's logit
    features                  any          of the padded clip, see the domain
    mask                      as features  1 where a feature was kept, else 0, uint8
    axes                      names        of the features' axes, such as "time [s]"
    axis_0, axis_1, ..        `[n]`        values along each axis
    seconds                   scalar       length of the clip; zeros follow it
    target                    scalar       index of the class that is explained
    labels                    `[K]`        names of the classes
    logits_<sound>            `[K]`        of the model, for each of the five sounds
    feature_logits_<sound>    `[K]`        explanation, removed, random: edited features
    listener_logits_<sound>   `[L]`        of the listener, if there was one
    ========================= ============ ===========================================
    """
    axes = {f"axis_{number}": axis.values for number, axis in enumerate(explained.axes)}
    names = [f"{axis.name} [{axis.unit}]" if axis.unit else axis.name for axis in explained.axes]
    logits = {
        "logits": explained.logits,
        "feature_logits": explained.feature_logits,
        "listener_logits": explained.listener_logits,
    }
    return {
        "relevance": explained.relevance,
        "features": explained.features,
        "mask": explained.mask.astype(np.uint8),
        "axes": np.asarray(names, dtype=np.str_),
        **axes,
        "seconds": np.asarray(len(explained.clip.samples) / explained.clip.sample_rate),
        "target": np.asarray(explained.target, np.int32),
        "labels": np.asarray(explained.labels, dtype=np.str_),
        **{f"{kind}_{name}": v for kind, given in logits.items() for name, v in given.items()},
    }


def list_versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    names = ("audioxai_jax", "jax", "jaxlib", "numpy")
    return {name: importlib.metadata.version(name) for name in names} | {
        "python": platform.python_version()
    }


def _target(explained: ExplainedClip) -> Target:
    label, target = explained.labels[explained.target], explained.target
    if explained.outputs == "value":
        return Target(label, target, value={n: explained.values(n)[label] for n in SOUNDS})
    scored = {name: float(explained.probabilities(name)[target]) for name in SOUNDS}
    return Target(label, target, scored)


def _selection(explained: ExplainedClip, settings: Settings) -> Selection:
    kept, units = explained.unit_counts
    keep, smallest = settings.keep, None
    if isinstance(keep, str):
        keep, smallest = kept / units, "found" if explained.holds("explanation") else "none"
    return Selection(keep, kept, units, explained.unit, settings.rank, smallest)


def _setup(explained: ExplainedClip, settings: Settings, names: Names) -> Setup:
    domain = explained.domain
    return Setup(
        method=names.method,
        domain=DomainFacts(
            name=domain.name,
            options=names.domain_options,
            exact=domain.exact or settings.residual == "keep",
            residual=settings.residual,
            codec=names.codec,
            own=explained.own_domain,
            shape=explained.features.shape,
        ),
        classifier=names.classifier,
        listener=names.listener,
        base=names.base,
        seed=settings.seed,
        labels=explained.labels,
        outputs=explained.outputs,
        versions=list_versions(),
        safe_gradients=names.safe_gradients,
    )


def _sound(explained: ExplainedClip, written: Written, name: str, *, level_match: bool) -> Sound:
    rate, loudness = explained.clip.sample_rate, written.loudness_gain(name)
    wav = wav_bytes(written.sound(name), rate)
    return Sound(
        wav=wav,
        file=wav_bytes(written.sound(name, loudness), rate) if level_match else wav,
        level_db=explained.level_db(name),
        loudness_gain=loudness,
        heard=explained.heard(name),
        probabilities=explained.answers(name),
        listener=explained.heard_by_listener(name),
        values=explained.values(name),
    )
