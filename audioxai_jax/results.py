"""The explanation of a clip as plain values: what its folder holds and its page shows.

`runs.describe` makes these records; `report` draws and writes them, the command line prints them.
Nothing here computes, so that a page needs no model and no JAX.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

SOUNDS = ("original", "reconstruction", "explanation", "removed", "random")
"""The sounds of an explanation, in the order of pages and tables."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The most probable label of a sound, and its probability."""

    label: str
    probability: float


@dataclasses.dataclass(frozen=True)
class Value:
    """A value that a model gives a sound, where it says no class, and its change from the clip's.

    Attributes:
      label: name of the output.
      value: value, as the model returns it.
      change: value less that of the clip; None for the clip itself.
    """

    label: str
    value: float
    change: float | None = None


@dataclasses.dataclass(frozen=True)
class Sound:
    """One sound of an explanation.

    Attributes:
      wav: sound that is played, 16-bit PCM, with the noise floor if there is one.
      file: sound that is written: `wav`, or that at the level of the original.
      level_db: RMS level relative to the original; minus infinity for silence, NaN beside a
        silent original.
      loudness_gain: factor that brings `wav`, but for the floor, to the level of the original.
      heard: the model's answer.
      probabilities: probabilities of each label; beside a single one, of its not holding; empty
        where the outputs are values.
      listener: the independent listener's answer, or None.
      values: outputs by label where they are values, else empty.
    """

    wav: bytes
    file: bytes
    level_db: float
    loudness_gain: float
    heard: Answer | Value
    probabilities: Mapping[str, float]
    listener: Answer | Value | None = None
    values: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Source:
    """The sound file, and what of it was explained.

    Attributes:
      name, path: name and path of the file.
      seconds: length of the recording.
      source_rate, channels: rate and channels of the file; Hz.
      channel: channel that was explained, see `data.audio.Clip`.
      sample_rate: rate of what was explained, Hz.
      samples: number of samples of what was explained, without padding.
      padded_seconds: length of what was explained: the clip and zeros after it.
    """

    name: str
    path: str
    seconds: float
    source_rate: int
    channels: int
    channel: str
    sample_rate: int
    samples: int
    padded_seconds: float


@dataclasses.dataclass(frozen=True)
class Target:
    """The class that is explained, and its probability in each sound; or a value, likewise."""

    label: str
    index: int
    probability: Mapping[str, float] | None = None
    value: Mapping[str, float] | None = None


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which units of the features were kept.

    Attributes:
      keep: fraction of the units.
      kept, units: number of units kept, and of all.
      unit: name of what was ranked and edited as one, such as "feature" or "frame".
      rank: "signed", "absolute" or "hearable".
      smallest: None if a fraction was given; "found" for the smallest set, "none" if no set, not
        even all features, is heard as the target.
    """

    keep: float
    kept: int
    units: int
    unit: str
    rank: str
    smallest: str | None = None


@dataclasses.dataclass(frozen=True)
class Weights:
    """A model by name, and the sha256 of its weights; None for a user's own."""

    name: str
    sha256: str | None = None


@dataclasses.dataclass(frozen=True)
class DomainFacts:
    """The domain in which a sound was explained.

    Attributes:
      name: name, as in `domains.DOMAINS`.
      options: options that it was made with.
      exact: whether a sound without an edit is the original, to rounding.
      residual: "keep" if what the round trip loses was added back, else None.
      codec: codec of a latent, else None.
      own: whether it is the domain that the classifier reads.
      shape: shape of the features of the padded clip.
    """

    name: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    exact: bool = False
    residual: str | None = None
    codec: Weights | None = None
    own: bool = True
    shape: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class MethodFacts:
    """A method by name, and all options that it was made with."""

    name: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Setup:
    """What an explanation was made with, apart from the clip.

    Attributes:
      method, domain, classifier: method, domain, classifier by name.
      listener: None if there was none.
      base: name of what stands for absent features.
      seed: seed of everything random.
      labels: labels of the classifier.
      outputs: kind of the outputs, see `types.Classifier`.
      versions: versions of what the result depends on.
      safe_gradients: whether derivatives of the model that are not finite counted as 0, see
        `models.safe_gradients`.
    """

    method: MethodFacts
    domain: DomainFacts
    classifier: Weights
    listener: Weights | None
    base: str
    seed: int
    labels: tuple[str, ...]
    outputs: str
    versions: Mapping[str, str]
    safe_gradients: bool = False


@dataclasses.dataclass(frozen=True)
class Scale:
    """One axis of a drawing.

    Attributes:
      name, unit: name and unit, as in `domains.Axis`.
      start, stop: start of the first value and end of the last one; of an uneven axis, 0 and the
        number of values.
      values: values of each row of an uneven axis, such as the centres of mel bands; None of an
        even one.
    """

    name: str
    unit: str
    start: float
    stop: float
    values: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class RelevanceMap:
    """Relevance to draw: `[n]` or `[n, m]`, and one or two scales."""

    values: np.ndarray
    scales: tuple[Scale, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrogram:
    """Levels `[frames, bands]` of a whole clip, natural logarithm, and the bands' centres, Hz."""

    levels: np.ndarray
    hertz: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Drawing:
    """What the figures of an explanation show.

    Attributes:
      sample_rate: rate of the waveforms, Hz.
      original, kept: waveforms of the clip and of the explanation `[T]`.
      spectrogram: spectrogram of the original.
      spectra: levels `[n]` of the original and of the explanation, dB, over the scale of a domain
        of frequencies; None in others.
      relevance: relevance of the features, complex pairs summed.
      over_time: relevance of each of n equal spans of the clip, `[n]`; None if the domain has no
        time axis.
    """

    sample_rate: int
    original: np.ndarray
    kept: np.ndarray
    spectrogram: Spectrogram
    relevance: RelevanceMap
    over_time: RelevanceMap | None
    spectra: tuple[np.ndarray, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ClipResult:
    """All that is kept and shown of one explained clip.

    Attributes:
      source, target, selection, setup: see there.
      sounds: sounds by name, see SOUNDS.
      gain_db: gain of all WAV files, 0 or less, so that none is clipped.
      level_match: whether the WAV files were brought to the level of the original.
      info: facts that the method gives about its own result; NaN where it promises nothing.
      notes: facts that a reader must know, a sentence each.
      arrays: content of `relevance.npz`, see `report.folder`.
      drawing: content of the figures.
      floor_db: noise floor in all that is played and written, dB relative to the clip's RMS; None
        for the bare sounds. Models heard the bare sounds, and all numbers are theirs.
      floor: the floor alone as it is in each sound, 16-bit PCM, or None.
    """

    source: Source
    target: Target
    selection: Selection
    setup: Setup
    sounds: Mapping[str, Sound]
    gain_db: float
    level_match: bool
    info: Mapping[str, float]
    notes: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]
    drawing: Drawing
    floor_db: float | None = None
    floor: bytes | None = None

    @property
    def is_value(self) -> bool:
        """Whether the outputs are values, of which none is a class."""
        return self.setup.outputs == "value"

    @property
    def prediction(self) -> Answer | Value:
        """The model's answer to the original."""
        return self.sounds["original"].heard
