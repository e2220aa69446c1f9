"""Short sounds of one energy, of which the made-up trials are put together.

All functions draw from a NumPy generator and return `[n]`, float64, of unit energy, faded in and
out over an eighth of their length: neither loudness nor clicks at their ends tell them apart.
"""

from collections.abc import Callable

import numpy as np

Random = np.random.Generator
LOW, HIGH = 400.0, 5_000.0
"""Between which frequencies lie, Hz."""


def rising(random: Random, samples: int, rate: int) -> np.ndarray:
    """A tone that rises by an octave."""
    return _glide(random, samples, rate, 1)


def falling(random: Random, samples: int, rate: int) -> np.ndarray:
    """A tone that falls by an octave."""
    return _glide(random, samples, rate, -1)


def warble(random: Random, samples: int, rate: int) -> np.ndarray:
    """A tone whose frequency swings by a third of an octave, eight times a tenth of a second."""
    centre, phase = _frequency(random), random.uniform(0, 2 * np.pi)
    swing = np.sin(2 * np.pi * 80 * np.arange(samples) / rate + phase)
    return _unit(np.sin(_phase(random, centre * 2 ** (swing / 3), rate)))


def pulsed_noise(random: Random, samples: int, rate: int) -> np.ndarray:
    """White noise whose level swings a hundred times a second."""
    phase = random.uniform(0, 2 * np.pi)
    swing = 1 + np.sin(2 * np.pi * 100 * np.arange(samples) / rate + phase)
    return _unit(swing * random.standard_normal(samples))


def tone(random: Random, samples: int, rate: int) -> np.ndarray:
    """A steady tone."""
    return _unit(np.sin(_phase(random, np.full(samples, _frequency(random)), rate)))


def noise(random: Random, samples: int, rate: int) -> np.ndarray:
    """White noise."""
    del rate
    return _unit(random.standard_normal(samples))


def harmonics(random: Random, samples: int, rate: int) -> np.ndarray:
    """A steady stack of harmonics of 100 to 250 Hz."""
    lowest = random.uniform(100, 250)
    numbers = np.arange(1, int(HIGH / lowest))
    phases = random.uniform(0, 2 * np.pi, len(numbers))
    time = np.arange(samples)[:, None] / rate
    return _unit(np.cos(2 * np.pi * lowest * numbers * time + phases).sum(axis=1))


KINDS: dict[str, Callable[[Random, int, int], np.ndarray]] = {
    "rising": rising,
    "falling": falling,
    "warble": warble,
    "pulsed noise": pulsed_noise,
}
"""Events that decide: `(random, samples, rate) -> [samples]`."""
DISTRACTORS = (tone, noise, harmonics)
"""Events that never do."""


def _frequency(random: Random) -> float:
    return float(np.exp(random.uniform(np.log(2 * LOW), np.log(HIGH / 2))))


def _glide(random: Random, samples: int, rate: int, direction: int) -> np.ndarray:
    octaves = direction * (np.arange(samples) / samples - 0.5)
    return _unit(np.sin(_phase(random, _frequency(random) * 2**octaves, rate)))


def _phase(random: Random, frequencies: np.ndarray, rate: int) -> np.ndarray:
    return 2 * np.pi * np.cumsum(frequencies) / rate + random.uniform(0, 2 * np.pi)


def _unit(sound: np.ndarray) -> np.ndarray:
    """Faded at both ends, of energy 1."""
    samples = len(sound)
    edge = max(samples // 8, 1)
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    sound = sound.copy()
    sound[:edge] *= fade
    sound[-edge:] *= fade[::-1]
    return sound / np.sqrt(np.sum(sound**2))
