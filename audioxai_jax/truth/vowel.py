"""Vowel: only the first two formants tell.

Four vowels on a grid: each first formant goes with each second one. All else is random and
independent of the vowel: pitch of 90 to 300 Hz, its glide and jitter, breath, tilt, level, three
upper formants that hold most of the energy, and white noise. Formants lie side by side and have
random levels, so where one is changes no other. Relevance has to lie within one equivalent
rectangular bandwidth (B. Glasberg, B. Moore, Hearing Research 1990) of the first two.

The network reads the spectrum in bands of 30 Hz, over its mean, as roots. A group lasso takes
away the bands that do not help, so that it has no other reasons than the formants.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.domains.frequencies import frequencies
from audioxai_jax.truth import source_filter
from audioxai_jax.truth.answers import Boxes
from audioxai_jax.truth.front_net import FrontConfig, trained_behind
from audioxai_jax.truth.recipe import RATE, SAMPLES, answers
from audioxai_jax.truth.record import Bar, Check, Trial
from audioxai_jax.truth.views import sounds_trial
from audioxai_jax.types import Classifier

FIRST, SECOND = (500.0, 900.0), (1500.0, 2200.0)
"""Formants that tell, Hz; vowel number 2 i + j has the i-th first and the j-th second one."""
VOWELS = ("500-1500", "500-2200", "900-1500", "900-2200")
WIDTHS = (50.0, 70.0, 110.0, 150.0, 200.0)
UPPER = ((2900.0, 3400.0), (3800.0, 4600.0), (5000.0, 6500.0))
"""Between which the upper formants lie, Hz."""
POINTS, HARMONICS = 33, 84
POOL, BINS = 2048, 15
"""Clips to learn from, and bins of 2 Hz in a band."""
BARS = (Bar("share", low=0.8, energy=0.4),)


class Voice(NamedTuple):
    """What a clip is made of, each with a leading axis N where there are several clips.

    Attributes:
      formants, gains: centres, Hz, and magnitudes of five formants, `[5]`.
      pitch: contour, Hz, `[POINTS]`.
      tilt: dB an octave. It is that of the source.
      aperiodicity: share of the breath in the energy.
      level: RMS.
      phases, noise, white: phases of the harmonics, noise of the breath, white noise, `[T]`.
      floor: white noise over the voice, both by RMS.
    """

    formants: Any
    gains: Any
    pitch: Any
    tilt: Any
    aperiodicity: Any
    level: Any
    phases: Any
    noise: Any
    white: Any
    floor: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Clips: `audio [N, T]`, `labels [N]`, and what they are made of."""

    audio: np.ndarray
    labels: np.ndarray
    voice: Voice


def synthesise(voice: Voice) -> Array:
    """The vowel, `[T]`."""
    widths = jnp.asarray(WIDTHS, voice.formants.dtype)

    def envelope(frequencies: Array) -> Array:
        shape = source_filter.side_by_side(frequencies, voice.formants, widths, voice.gains, RATE)
        return shape * source_filter.tilt(frequencies, voice.tilt)

    harmonics = source_filter.voiced(voice.pitch, envelope, voice.phases, SAMPLES, RATE)
    noise = source_filter.breath(voice.noise, envelope, RATE)
    one = jnp.ones((), voice.level.dtype)
    both = source_filter.mixed(harmonics, noise, voice.aperiodicity, one)
    return source_filter.mixed(
        both, voice.white, voice.floor**2 / (1 + voice.floor**2), voice.level
    )


def draw(count: int, *, seed: int) -> Drawn:
    """Clips of random vowels.

    Args:
      count: number of clips.
      seed: decides all.
    """
    voice, labels = voices(np.random.default_rng([seed, 22]), count)
    return Drawn(sounds(voice), labels, voice)


def build(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """See `Truth.build`."""
    del data
    learned = draw(POOL, seed=2 * seed)
    config = FrontConfig(spectrum, len(VOWELS), widths=(32,), first=0.3, sparsity=0.3)
    classifier = trained_behind(
        config, learned.audio, learned.labels, seed=seed, steps=1500, names=VOWELS
    )
    test = draw(max(clips, 128), seed=2 * seed + 1)
    checks = intervene(classifier, test, seed)
    chosen = np.flatnonzero(answers(classifier, test.audio) == test.labels)[:clips]
    answer = Boxes(boxes(test.voice.formants[chosen, :2]))
    audio, targets = test.audio[chosen], test.labels[chosen]
    domain = frequencies(RATE)
    return sounds_trial(
        classifier, audio, targets, answer, checks, domain=domain, grid=(0.1, 150.0)
    )


def intervene(classifier: Classifier, test: Drawn, seed: int) -> tuple[Check, ...]:
    """One formant moved to that of another vowel, both, and all else exchanged."""
    others, _ = voices(np.random.default_rng([seed, 23]), len(test.labels))

    def follows(flip: int, voice: Voice = test.voice) -> float:
        """Share of the clips whose answer is the vowel with some formants moved."""
        vowels = test.labels ^ flip
        given = np.concatenate([grid(vowels), voice.formants[:, 2:]], axis=1)
        heard = answers(classifier, sounds(voice._replace(formants=given.astype(np.float32))))
        return float(np.mean(heard == vowels))

    return (
        Check("accuracy", follows(0), low=0.95),
        Check("second formant moved alone: that vowel is heard", follows(1), low=0.9),
        Check("first formant moved alone: that vowel is heard", follows(2), low=0.9),
        Check("both moved: that vowel is heard", follows(3), low=0.9),
        Check("all else exchanged: accuracy", follows(0, others), low=0.95),
    )


def spectrum(audio: Array) -> Array:
    """What the network reads of a sound: roots of band powers over their mean, `[266]`."""
    transform = jnp.fft.rfft(audio)
    power = jnp.real(transform) ** 2 + jnp.imag(transform) ** 2
    bands = jnp.mean(power[: len(power) // BINS * BINS].reshape(-1, BINS), axis=1)
    return jnp.sqrt(bands / (jnp.mean(bands) + 1e-12) + 1e-4)


def voices(random: np.random.Generator, count: int) -> tuple[Voice, np.ndarray]:
    """Voices of random vowels, and the number of the vowel of each, `[N]`."""
    vowels = random.integers(len(VOWELS), size=count)
    uniform = lambda low, high, *shape: random.uniform(low, high, (count, *shape))
    upper = np.stack([uniform(*ends) for ends in UPPER], axis=1)
    formants = np.concatenate([grid(vowels), upper], axis=1)
    gains = 10 ** (np.concatenate([uniform(0, 6, 2), uniform(-3, 9, 3)], axis=1) / 20)
    glide = uniform(-0.2, 0.2)[:, None] * np.linspace(-1, 1, POINTS)
    jitter = 0.01 * random.standard_normal((count, POINTS))
    middle = 90 * (300 / 90) ** uniform(0, 1)
    voice = Voice(
        formants=formants,
        gains=gains,
        pitch=np.clip(middle[:, None] * (1 + glide + jitter), 90, 300),
        tilt=uniform(-3, 3),
        aperiodicity=uniform(0.2, 0.6),
        level=10 ** (uniform(-32, -20) / 20),
        phases=uniform(0, 2 * np.pi, HARMONICS),
        noise=random.standard_normal((count, SAMPLES)),
        white=random.standard_normal((count, SAMPLES)),
        floor=10 ** (uniform(-20, -5) / 20),
    )
    return Voice(*(np.asarray(leaf, np.float32) for leaf in voice)), vowels


def grid(vowels: np.ndarray) -> np.ndarray:
    """The first two formants of vowels `[N]`, Hz, `[N, 2]`."""
    return np.stack([np.asarray(FIRST)[vowels // 2], np.asarray(SECOND)[vowels % 2]], axis=1)


def bandwidth(frequencies: np.ndarray) -> np.ndarray:
    """Equivalent rectangular bandwidth of hearing at frequencies in Hz, Hz."""
    return 24.7 * (4.37 * frequencies / 1000 + 1)


def sounds(voice: Voice) -> np.ndarray:
    """The clips, `[N, T]`."""
    made = jax.tree.map(jnp.asarray, voice)
    return np.asarray(map_examples(_sound, (), made, key=jax.random.key(0), chunk=16))


def boxes(formants: np.ndarray) -> np.ndarray:
    """One bandwidth to each side of the first two formants `[N, 2]`, `[N, 2, 4]`."""
    ends = np.full((*formants.shape, 4), np.inf)
    ends[..., 0] = -np.inf
    ends[..., 2] = formants - bandwidth(formants)
    ends[..., 3] = formants + bandwidth(formants)
    return ends


def _sound(shared: Any, voice: Voice, key: Array) -> Array:
    del shared, key
    return synthesise(voice)
