"""Clips of any length through `explain`, one after the other, and back as plain arrays."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.attribution import caveats
from audioxai_jax.core.windows import whole_windows
from audioxai_jax.data.audio import Clip
from audioxai_jax.explanation.explain import explain_batch
from audioxai_jax.runs import predictions
from audioxai_jax.synthesis.levels import rms
from audioxai_jax.types import Base, Classifier, Codec, Method

SOUNDS = ("original", "reconstruction", "explanation", "removed", "random")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How clips are explained; see `audioxai_jax.explanation.explain`. `target` is a label or
    None."""

    method: Method
    base: Base
    keep: float | str = 0.1
    rank: str = "signed"
    unit: str = "feature"
    target: str | None = None
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class ExplainedClip:
    """The explanation of one clip on the host, the padding cut from the sounds.

    Attributes:
      clip: what was explained.
      sounds: float32 `[T]` by name, see SOUNDS; all as long as the clip.
      logits: `[K]` by the same names: of the sound, encoded again.
      latent_logits: `[K]` of the masked latents "explanation", "removed" and "random".
      latent, relevance, mask: `[F, C]`, of the padded clip.
      labels: of the logits.
      target: index of the label that is explained.
      info: what the method says of its own result.
      frame_seconds: length of a latent frame.
      padded_seconds: length of what was explained: the clip and zeros after it.
      notes: what a reader of the explanation must know, a sentence each; those of the clip first.
      outputs: what makes probabilities of logits, see `types.Classifier`.
    """

    clip: Clip
    sounds: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    latent_logits: dict[str, np.ndarray]
    latent: np.ndarray
    relevance: np.ndarray
    mask: np.ndarray
    labels: tuple[str, ...]
    target: int
    info: dict[str, float]
    frame_seconds: float
    padded_seconds: float
    notes: tuple[str, ...] = ()
    outputs: str = "softmax"

    @property
    def gain(self) -> float:
        """Factor of all sounds when they are written: 1, unless one is beyond full scale."""
        return 1 / max(1.0, *(float(np.abs(sound).max()) for sound in self.sounds.values()))

    def written(self, name: str) -> np.ndarray:
        """One sound as it is written and played, `[T]`."""
        return self.sounds[name] * np.float32(self.gain)

    def probabilities(self, name: str) -> np.ndarray:
        """Of the labels, in one sound, `[K]`."""
        return predictions.as_probabilities(self.logits[name], self.outputs)

    def answers(self, name: str) -> dict[str, float]:
        """Probability of each label in one sound; beside a single one, of its not holding."""
        return predictions.answers(self.probabilities(name), self.labels)

    def heard(self, name: str) -> dict[str, Any]:
        """What the classifier hears in one sound: its label and probability."""
        return predictions.heard(self.probabilities(name), self.labels)

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


def explain_clip(
    codec: Codec, classifier: Classifier, clip: Clip, settings: Settings
) -> ExplainedClip:
    """Explains one clip.

    It is padded with zeros to whole windows of the classifier (whole seconds if it reads
    any length), so that clips of about one length share a compilation, and longer clips
    are read by overlapping windows. Clips go one at a time: on a CPU that is as fast as a
    batch, as one clip's path of integrated gradients is a batch already, and a clip's
    random control depends on the seed alone, not on which clips come with it.

    Raises:
      ValueError: for an unknown target label, samples at another rate, models that do
        not fit together, or results that are not finite.
    """
    if clip.sample_rate != codec.sample_rate:
        raise ValueError(
            f"the clip is at {clip.sample_rate} Hz, the codec {codec.name!r} works at "
            f"{codec.sample_rate} Hz: read it at that rate"
        )
    target = None
    if settings.target is not None:
        if settings.target not in classifier.labels:
            raise ValueError(
                f"unknown label {settings.target!r}: the classifier's labels are "
                + ", ".join(classifier.labels)
            )
        target = jnp.asarray([classifier.labels.index(settings.target)], jnp.int32)
    length = len(clip.samples)
    padded = padded_length(codec, classifier, length)
    audio = jnp.asarray(np.pad(clip.samples, (0, padded - length))[None])
    explanation = explain_batch(
        codec,
        classifier,
        audio,
        method=settings.method,
        keep=settings.keep,
        rank=settings.rank,
        unit=settings.unit,
        base=settings.base,
        target=target,
        key=jax.random.key(settings.seed),
    )
    found = jax.tree.map(lambda leaf: np.asarray(leaf)[0], explanation)
    if not found.finite:
        named = {
            "latent": found.latent,
            "relevance": found.relevance,
            "logits": found.logits,
            "decoded sound": found.sounds,
        }
        bad = [
            n
            for n, tree in named.items()
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))
        ]
        loudest = np.abs(clip.samples).max()
        raise ValueError(
            f"NaN or infinity in the {' and the '.join(bad or ['result'])}: the model or the "
            f"method cannot cope with this clip (largest sample {loudest:.3g}, full scale is 1)"
        )
    sounds = {name: sound[:length] for name, sound in found.sounds.items()}
    return ExplainedClip(
        clip=clip,
        sounds={"original": clip.samples, **sounds},
        logits=found.logits,
        latent_logits=found.latent_logits,
        latent=found.latent,
        relevance=found.relevance,
        mask=found.mask,
        labels=classifier.labels,
        target=int(found.target),
        info={n: float(v if v.ndim == 0 else rms(v)) for n, v in found.info.items()},
        frame_seconds=codec.hop / codec.sample_rate * -(-padded // codec.hop) / len(found.latent),
        padded_seconds=padded / codec.sample_rate,
        notes=clip.notes
        + predictions.notes(classifier)
        + caveats(settings.method, classifier, found.latent, found.relevance, found.info),
        outputs=predictions.outputs_of(classifier),
    )


def padded_length(codec: Codec, classifier: Classifier, length: int) -> int:
    """Samples of the whole windows of the classifier that hold a clip of some length."""
    if classifier.frames is None:
        return -(-length // codec.sample_rate) * codec.sample_rate
    return whole_windows(codec.hop, classifier.frames, length)
