"""Words of Speech Commands with another sound over them at 0 dB, for listeners.

The other sound lasts as long as the clip and has its RMS; sums are scaled to a peak of 0.9 at most.
"""

from collections.abc import Callable

import numpy as np

from audioxai_jax.data.tasks import Clips

Random = np.random.Generator
PEAK = 0.9
CHORD = (1.0, 1.26, 1.5)
"""Fundamentals of a major chord, over its lowest."""
PARTIALS = 12


def speech(random: Random, clips: Clips, place: int) -> np.ndarray:
    """Another clip: another word by another speaker."""
    other = (clips.target != clips.target[place]) & (clips.speaker != clips.speaker[place])
    return clips.audio[random.choice(np.flatnonzero(other))] / 2.0**15


def noise(random: Random, clips: Clips, place: int) -> np.ndarray:
    """White noise."""
    del place
    return random.standard_normal(clips.audio.shape[1])


def music(random: Random, clips: Clips, place: int) -> np.ndarray:
    """Four chords, a quarter of the clip each; partials fall by their number."""
    del place
    length, parts = clips.audio.shape[1], []
    for start in range(0, length, length // 4):
        time = np.arange(min(length // 4, length - start))[:, None] / 16_000
        numbers = np.arange(1, PARTIALS + 1)
        low = random.uniform(130, 260)
        hertz = np.concatenate([low * note * numbers for note in CHORD])
        phase = random.uniform(0, 2 * np.pi, len(hertz))
        loud = np.tile(1 / numbers, len(CHORD))
        parts.append((loud * np.cos(2 * np.pi * hertz * time + phase)).sum(axis=1))
    return np.concatenate(parts)


KINDS: dict[str, Callable[[Random, Clips, int], np.ndarray]] = {
    "speech": speech,
    "noise": noise,
    "music": music,
}
"""Sounds that are mixed in: `(random, clips, place) -> [T]`."""


def mixed(kind: str, clips: Clips, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures and the words in them as they are there, both int16 `[N, T]`.

    Args:
      kind: key of KINDS.
      clips: words; some of other speakers, too.
      seed: decides what is mixed in.
    """
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    mixtures, words = np.empty_like(clips.audio), np.empty_like(clips.audio)
    for place, audio in enumerate(clips.audio):
        word = audio / 2.0**15
        other = KINDS[kind](random, clips, place)
        other = other * np.sqrt(np.mean(word**2) / max(np.mean(other**2), 1e-12))
        scale = PEAK * 2**15 / max(np.abs(word + other).max(), PEAK)
        mixtures[place] = np.rint(scale * (word + other))
        words[place] = np.rint(scale * word)
    return mixtures, words
