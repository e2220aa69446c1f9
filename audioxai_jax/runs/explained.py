"""One explained clip on the host, and the settings that it was explained with."""

import dataclasses
import math

import numpy as np

from audioxai_jax.data.audio import Clip
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.results import Answer, Value
from audioxai_jax.runs import predictions
from audioxai_jax.synthesis.levels import rms
from audioxai_jax.types import Base, Classifier, Method


@dataclasses.dataclass(frozen=True)
class Settings:
    """How clips are explained, see `audioxai_jax.explanation.explain`.

    Attributes:
      target: a label, or None for what the classifier hears.
      domain: None for what the classifier reads.
      listener: an independent classifier, or None.
      seed: seed of everything random.
    """

    method: Method
    base: Base
    keep: float | str = 0.1
    rank: str = "signed"
    unit: str | None = None
    target: str | None = None
    seed: int = 0
    domain: Domain | None = None
    residual: str | None = None
    listener: Classifier | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ExplainedClip:
    """The explanation of one clip on the host, the padding cut from the sounds.

    Attributes:
      clip: clip that was explained.
      domain: domain that it was explained in.
      own_domain: whether the classifier reads that domain.
      sounds: float32 `[T]` by name, see `results.SOUNDS`; all as long as the clip.
      logits: logits of the classifier, `[K]`, by the same names.
      feature_logits: logits of the edited features "explanation", "removed" and "random", `[K]`.
      listener_logits: logits of the listener, `[L]`, by the names of the sounds; empty without one.
      features, relevance, mask: arrays of the padded clip.
      axes: axes of the features.
      unit: name of what was kept as one.
      unit_counts: units kept, and of all.
      labels, outputs: labels and outputs of the classifier, see `types.Classifier`.
      listener_labels, listener_outputs: labels and outputs of the listener.
      target: index of the label that is explained.
      info: facts that the method gives about its own result.
      padded_seconds: length of what was explained: the clip and zeros after it.
      notes: facts that a reader of the explanation must know, a sentence each; those of the clip
        first.
    """

    clip: Clip
    domain: Domain
    own_domain: bool
    sounds: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    feature_logits: dict[str, np.ndarray]
    listener_logits: dict[str, np.ndarray]
    features: np.ndarray
    relevance: np.ndarray
    mask: np.ndarray
    axes: tuple[Axis, ...]
    unit: str
    unit_counts: tuple[int, int]
    labels: tuple[str, ...]
    target: int
    info: dict[str, float]
    padded_seconds: float
    notes: tuple[str, ...] = ()
    outputs: str = "softmax"
    listener_labels: tuple[str, ...] = ()
    listener_outputs: str = ""

    def probabilities(self, name: str) -> np.ndarray:
        """Of the labels, in one sound, `[K]`."""
        return predictions.as_probabilities(self.logits[name], self.outputs)

    def values(self, name: str) -> dict[str, float]:
        """Outputs by label in one sound, where they are values; else empty."""
        values = self.logits[name] if self.outputs == "value" else ()
        return {label: float(v) for label, v in zip(self.labels, values, strict=False)}

    def answers(self, name: str) -> dict[str, float]:
        """Probability of each label in one sound; beside a single one, of its not holding.

        Empty where the outputs are values.
        """
        if self.outputs == "value":
            return {}
        return predictions.answers(self.probabilities(name), self.labels)

    def heard(self, name: str) -> Answer | Value:
        """What the classifier hears in one sound."""
        return self._answer(name, self.logits, self.outputs, self.labels, self.target)

    def heard_by_listener(self, name: str) -> Answer | Value | None:
        """What the listener hears in one sound; None without one. Of values it gives the first."""
        if name not in self.listener_logits:
            return None
        about = (self.listener_logits, self.listener_outputs, self.listener_labels)
        return self._answer(name, *about, target=0)

    def _answer(
        self,
        name: str,
        logits: dict[str, np.ndarray],
        outputs: str,
        labels: tuple[str, ...],
        target: int,
    ) -> Answer | Value:
        original = None if name == "original" else logits["original"]
        asked = {"target": target, "original": original}
        return predictions.answer_to(logits[name], outputs, labels, **asked)

    def holds(self, name: str) -> bool:
        """Whether the target is heard in one sound."""
        return predictions.holds(self.probabilities(name), self.target, self.outputs)

    def level_db(self, name: str) -> float:
        """RMS level of one sound relative to the original, dB.

        Minus infinity for silence, NaN if the original itself is silent.
        """
        level, original = rms(self.sounds[name]), rms(self.sounds["original"])
        if original == 0:
            return math.nan
        return 20 * math.log10(level / original) if level else -math.inf
