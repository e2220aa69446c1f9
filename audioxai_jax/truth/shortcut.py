"""Shortcuts: two classes that the voice tells with effort, and the recording at once.

Clips state or ask, and their pitch tells. In training all of one class, and none of the other,
have a trace of how they were recorded: a tone, mains hum, flat peaks, a band that codecs remove, a
start without silence. A network takes the easy way. Clips of the class that has the trace are
explained, and relevance has to lie on it. What the other class lacks can hold no relevance, so it
is not asked. The tone is that of H. Shim et al. ("How to construct perfect and
worse-than-coin-flip spoofing countermeasures", Interspeech 2023, arXiv 2306.00044).

All else varies, loudness too: a voice that is there in every clip could serve as a constant, and
would have relevance, for the baseline of most methods is a silence that the network never heard.
"""

import dataclasses
from pathlib import Path

import numpy as np

from audioxai_jax.domains.frequencies import frequencies
from audioxai_jax.domains.samples import samples
from audioxai_jax.domains.time_frequency import time_frequency
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.cues import CUES, VARIED
from audioxai_jax.truth.intonation import CLASSES, voices
from audioxai_jax.truth.recipe import RATE, SAMPLES, accuracy, answers, trained, wave_config
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial

POOL, STEPS, DECAY, FADE = 1024, 200, 1.0, 0.03
HAS = 0
"""Class whose clips have the trace."""
IN_TIME = ("clipping", "silence")
"""Traces that are a span of time; the others are bands."""
DOMAINS = {
    "tone": frequencies(RATE),
    "hum": frequencies(RATE),
    "codec": frequencies(RATE),
    "clipping": time_frequency(RATE, window=("hann", 256), hop=64),
    "silence": samples(RATE),
}
"""In which domain each is explained."""
BARS = (Bar("share", low=0.9, energy=0.5),)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips twice, and where the trace is.

    Attributes:
      traced, bare: clips with the trace and without it, float32 `[N, T]`.
      labels: class of the voice, `[N]`.
      boxes: places of the trace, see `answers.Boxes`, `[N, K, 4]`.
    """

    traced: np.ndarray
    bare: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray

    def audio(self, has: np.ndarray) -> np.ndarray:
        """With the trace where `has [N]` says so."""
        return np.where(has[:, None], self.traced, self.bare)


def draw(count: int, *, seed: int, cue: str) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
      cue: key of `cues.CUES`.
    """
    random = np.random.default_rng([seed, 6, list(CUES).index(cue)])
    labels = random.integers(len(CLASSES), size=count)
    clips = voices(random, labels, SAMPLES, RATE)
    vary = VARIED[cue]
    if vary is not None:
        clips = vary(random, clips, RATE)
    traced, bare, boxes = CUES[cue](random, clips, RATE)
    return Drawn(traced.astype(np.float32), bare.astype(np.float32), labels, np.asarray(boxes))


def build(seed: int, *, clips: int = 24, data: Path | None = None, cue: str = "tone") -> Trial:
    """See `Truth.build`.

    Args:
      seed, clips, data: see there.
      cue: key of `cues.CUES`.
    """
    del data
    learned = draw(POOL, seed=2 * seed, cue=cue)
    config = wave_config(len(CLASSES), pooled=cue != "silence")
    audio = learned.audio(learned.labels == HAS)
    classifier = trained(
        config, audio, learned.labels, seed=seed, steps=STEPS, decay=DECAY, fade=FADE, names=CLASSES
    )
    test = draw(max(3 * clips, 128), seed=2 * seed + 1, cue=cue)
    checks = intervene(classifier, test)
    wanted = (test.labels == HAS) & (answers(classifier, test.traced) == HAS)
    chosen = np.flatnonzero(wanted)[:clips]
    return sounds_trial(
        classifier,
        test.traced[chosen],
        test.labels[chosen],
        Boxes(test.boxes[chosen]),
        checks,
        domain=DOMAINS[cue],
        grid=(0.1, None) if cue in IN_TIME else (None, 100.0),
    )


def intervene(classifier, test: Drawn) -> tuple[Check, ...]:
    """The trace removed, planted in the other class, and voices exchanged under it."""
    has = test.labels == HAS
    heard = lambda traced: answers(classifier, test.audio(traced))
    other = ~has
    swapped = np.where(other, HAS, 1 - HAS)
    return (
        Check("accuracy", float(np.mean(heard(has) == test.labels)), low=0.95),
        Check(
            "trace removed: accuracy",
            accuracy(classifier, test.bare, test.labels),
            low=0.35,
            high=0.65,
        ),
        Check(
            "trace removed from its class: the other is heard",
            float(np.mean(answers(classifier, test.bare[has]) != HAS)),
            low=0.9,
        ),
        Check(
            "trace planted in the other class: its class is heard",
            float(np.mean(answers(classifier, test.traced[other]) == HAS)),
            low=0.9,
        ),
        Check(
            "all else exchanged: the class of the trace is heard",
            float(np.mean(heard(other) == swapped)),
            low=0.9,
        ),
    )
