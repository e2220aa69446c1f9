"""Voices that state or ask: made-up speech whose two classes only the turn of the pitch tells.

A source of pulses and breath goes through the resonances of two vowels, and one fades into the
other. The pitch falls in a statement and rises in a question, by a few semitones over the clip; it
begins anywhere. Vowels, throats and loudness are those of both classes: a model has to follow the
pitch. Source and resonances are those of the source-filter theory (G. Fant, Acoustic Theory of
Speech Production, 1960), resonances as in D. Klatt (J. Acoust. Soc. Am. 67, 1980, equation 2).
"""

import numpy as np

Random = np.random.Generator
CLASSES = ("statement", "question")
TURN = (2.0, 4.0)
"""By how much the pitch falls or rises, from and to in semitones."""
VOWELS = {"a": (730.0, 1090.0, 2440.0), "i": (270.0, 2290.0, 3010.0)}
"""First three formants, Hz: men of G. Peterson and H. Barney (J. Acoust. Soc. Am. 24, 1952)."""
BANDWIDTHS = (80.0, 100.0, 150.0)
"""Of the formants, Hz."""
LEVEL = 0.1
"""RMS of a clip."""
BREATH = -30.0
"""Level of the breath beside the pulses in the source, dB."""
EDGE = 80
"""Samples over which a clip fades in and out."""


def voices(random: Random, labels: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """One clip for each label, float64 `[N, samples]`, of RMS `LEVEL`.

    Args:
      random: draws pitch, throat, vowels, breath and the moment of the change.
      labels: 0 for a statement, 1 for a question, `[N]`.
      samples, rate: length, and Hz.
    """
    count = len(labels)
    spectra = np.fft.rfft(source(random, np.asarray(labels), samples, rate))
    size = random.uniform(0.9, 1.25, (count, 1))
    sounds = []
    for vowel in VOWELS:
        sound = np.fft.irfft(spectra * response(random, vowel, size, samples, rate), samples)
        sounds.append(sound / _rms(sound))
    change = random.uniform(0.3, 0.7, (count, 1)) * samples
    width = random.uniform(0.05, 0.2, (count, 1)) * rate
    later = 1 / (1 + np.exp(-8 * (np.arange(samples) - change) / width))
    later = np.where(random.uniform(size=(count, 1)) < 0.5, later, 1 - later)
    audio = (sounds[0] + later * (sounds[1] - sounds[0])) * _edges(samples)
    return LEVEL * audio / _rms(audio)


def source(random: Random, labels: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """Pulses, around a pitch of 110 to 230 Hz, and breath, `[N, samples]`."""
    shape = (len(labels), 1)
    middle = 110 * (230 / 110) ** random.uniform(size=shape)
    octaves = random.uniform(*TURN, shape) / 12 * np.where(labels == 1, 1, -1)[:, None]
    pitch = middle * 2 ** (octaves * (np.arange(samples) / samples - 0.5))
    turns = np.floor(np.cumsum(pitch / rate, axis=1) + random.uniform(size=shape))
    pulses = np.diff(turns, axis=1, prepend=turns[:, :1])
    breath = random.standard_normal((len(labels), samples))
    return pulses / _rms(pulses) + 10 ** (BREATH / 20) * breath


def response(random: Random, vowel: str, size: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """Of the throat and the lips, complex `[N, samples // 2 + 1]`.

    Args:
      random: moves each formant by up to 6 %.
      vowel: key of `VOWELS`.
      size: factor of all formants, `[N, 1]`: short throats have high ones.
      samples, rate: length of the clips, and Hz.
    """
    delay = np.exp(-2j * np.pi * np.arange(samples // 2 + 1) / samples)
    total = 1 / (1 - 0.95 * delay) ** 2
    for formant, bandwidth in zip(VOWELS[vowel], BANDWIDTHS, strict=True):
        centre = formant * size * random.uniform(0.94, 1.06, size.shape)
        radius = np.exp(-np.pi * bandwidth / rate)
        turn = 2 * radius * np.cos(2 * np.pi * centre / rate)
        total = total * (1 - turn + radius**2) / (1 - turn * delay + radius**2 * delay**2)
    return total


def _edges(samples: int) -> np.ndarray:
    fade = np.ones(samples)
    fade[:EDGE] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(EDGE) + 0.5) / EDGE)
    fade[-EDGE:] = fade[:EDGE][::-1]
    return fade


def _rms(sounds: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(sounds**2, axis=-1, keepdims=True))
