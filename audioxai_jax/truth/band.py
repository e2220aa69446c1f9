"""Band: one of four tones decides, among others of one amplitude.

The task of DFT-LRP's tutorial (J. Vielhaben et al., arXiv 2303.06365), made audible: 63 tones of
one amplitude and any phase, 50 Hz above the multiples of 100 Hz, of which 10 to 49 sound, and soft
noise. The tutorial asks which of four sound, so that silence is a reason too. Here one of the four
always sounds, and which is the class: what is there decides. Relevance has to lie on it.

The network is one bank of filters of 20 ms, rectified and pooled: with a Hann window on a tone, all
other tones fall on zeros of a filter's response, so that a network that hears one alone exists.
"""

import dataclasses
from pathlib import Path

import numpy as np

from audioxai_jax.domains.frequencies import frequencies
from audioxai_jax.nets.classifiers.wave_cnn import WaveCnnConfig
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.recipe import RATE, SAMPLES, accuracy, answers, check_outputs, trained
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

TONES, FEWEST, MOST = 63, 10, 49
DECIDING = np.array([5, 16, 32, 53])
"""Numbers of the tones that decide: 450, 1550, 3150 and 5250 Hz."""
HERTZ = 100.0
"""Between tones."""
LEVEL, NOISE = 0.02, 2e-4
"""Amplitude of each tone, and deviation of the noise."""
POOL, STEPS = 2048, 400
LEARNING, DECAY = 1e-2, 1.5
"""Rates of AdamW: weights decay by e^-3 in all, so that little is left of how filters began; tones
that decide nothing would keep relevance otherwise."""
CLASSES = tuple(f"{HERTZ * number - HERTZ / 2:.0f} Hz" for number in DECIDING)
BARS = (Bar("share", low=0.9, energy=0.2),)
OTHERS = np.setdiff1d(np.arange(1, TONES + 1), DECIDING)


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips: complex amplitudes of tones, `tones [N, 63]`, the noise `[N, T]`, `labels [N]`."""

    tones: np.ndarray
    noise: np.ndarray
    labels: np.ndarray

    @property
    def audio(self) -> np.ndarray:
        """Clips `[N, T]`."""
        return heard(self.tones, self.noise)


def draw(count: int, *, seed: int) -> Drawn:
    """Clips of the truth.

    Args:
      count: number of clips.
      seed: decides all.
    """
    random = np.random.default_rng([seed, 2])
    labels = random.integers(len(DECIDING), size=count)
    number = random.integers(FEWEST, MOST + 1, size=(count, 1))
    order = random.permuted(np.tile(np.arange(len(OTHERS)), (count, 1)), axis=1)
    present = np.zeros((count, TONES), bool)
    present[:, OTHERS - 1] = order < number - 1
    present[np.arange(count), DECIDING[labels] - 1] = True
    tones = LEVEL * present * np.exp(2j * np.pi * random.uniform(size=present.shape))
    noise = NOISE * random.standard_normal((count, SAMPLES), np.float32)
    return Drawn(tones, noise, labels)


def heard(tones: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Sound `[N, T]` of complex amplitudes of tones `[N, 63]` and noise."""
    step = round(HERTZ * SAMPLES / RATE)
    spectrum = np.zeros((len(tones), SAMPLES // 2 + 1), complex)
    spectrum[:, step // 2 : step * TONES : step] = tones * SAMPLES / 2
    return (np.fft.irfft(spectrum, n=SAMPLES) + noise).astype(np.float32)


def config() -> WaveCnnConfig:
    """One layer of filters: no other network is needed."""
    sizes = {"filters": 96, "window": 320, "hop": 36, "strides": ()}
    return WaveCnnConfig(sample_rate=RATE, samples=SAMPLES, classes=len(CLASSES), **sizes)


def build(
    seed: int, *, clips: int = 24, data: Path | None = None, classifier: Classifier | None = None
) -> Trial:
    """See `Truth.build`."""
    del data
    if classifier is None:
        learned = draw(POOL, seed=2 * seed)
        classifier = trained(
            config(),
            learned.audio,
            learned.labels,
            seed=seed,
            steps=STEPS,
            rate=LEARNING,
            decay=DECAY,
            names=CLASSES,
        )
    classifier = check_outputs(classifier, CLASSES, samples=SAMPLES)
    test = draw(max(clips, 128), seed=2 * seed + 1)
    checks = intervene(classifier, test, seed)
    right = np.flatnonzero(answers(classifier, test.audio) == test.labels)[:clips]
    answer = Boxes(boxes(test.labels[right]))
    audio, targets = test.audio[right], test.labels[right]
    domain, grid = frequencies(RATE), (None, HERTZ)
    return sounds_trial(classifier, audio, targets, answer, checks, domain=domain, grid=grid)


def intervene(classifier: Classifier, test: Drawn, seed: int) -> tuple[Check, ...]:
    """The tone that decides removed, replaced by another, and all else exchanged."""
    rows, labels = np.arange(len(test.labels)), test.labels
    at = rows, DECIDING[labels] - 1
    others = draw(len(rows), seed=seed + 1000)
    planted_label = (labels + 1 + rows % (len(CLASSES) - 1)) % len(CLASSES)
    removed, exchanged = test.tones.copy(), others.tones.copy()
    removed[at] = 0
    exchanged[:, DECIDING - 1] = test.tones[:, DECIDING - 1]
    planted = removed.copy()
    planted[rows, DECIDING[planted_label] - 1] = test.tones[at]
    score = lambda tones, noise, wanted: accuracy(classifier, heard(tones, noise), wanted)
    return (
        Check("accuracy", score(test.tones, test.noise, labels), low=0.95),
        Check(
            "tone removed: accuracy",
            score(removed, test.noise, labels),
            high=1 / len(CLASSES) + 0.15,
        ),
        Check(
            "another tone in its place: its class is heard",
            score(planted, test.noise, planted_label),
            low=0.9,
        ),
        Check("all else exchanged: accuracy", score(exchanged, others.noise, labels), low=0.9),
    )


def boxes(labels: np.ndarray) -> np.ndarray:
    """100 Hz about the tone that decides, `[N, 1, 4]`."""
    low = (DECIDING[labels] - 1) * HERTZ
    infinite = np.full(len(labels), np.inf)
    return np.stack([-infinite, infinite, low, low + HERTZ], axis=-1)[:, None, :]
