"""Sounds whose truth is known: what is planted in them, and where.

All are numpy and float32, at 16 kHz unless a rate is asked for; randomness comes by `rng`.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from audioxai_jax.data.audio import read_clip

RATE = 16_000
LEVEL = 0.05
"""Root mean square of a planted sound."""
PARTIALS = 10
WITHIN = 0.03
"""Relative distance from a harmonic that still counts as its place."""


def pink(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls by 3 dB an octave, of root mean square 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return at_level(np.fft.irfft(spectrum, samples), 1.0)


def at_level(sound: np.ndarray, level: float) -> np.ndarray:
    """Scaled to a root mean square."""
    return (sound * (level / np.sqrt(np.mean(sound**2) + 1e-20))).astype(np.float32)


def decibels(value: float) -> float:
    """A ratio of amplitudes from its decibels."""
    return 10 ** (value / 20)


def voiced_part(clip: np.ndarray, rate: int = RATE) -> tuple[int, int]:
    """First and last sample of the sound within 30 dB of a clip's loudest 20 ms."""
    frame = rate // 50
    power = np.mean(clip[: len(clip) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() / 1000)
    return int(loud[0] * frame), int((loud[-1] + 1) * frame)


def planted(
    clip: np.ndarray, rng: np.random.Generator, *, seconds: float, noise_db: float
) -> tuple[np.ndarray, np.ndarray]:
    """An utterance somewhere in noise.

    Args:
      clip: utterance `[T]`; what is silent at its ends is cut off.
      seconds: length of the whole.
      noise_db: level of the noise relative to the utterance's, -inf for silence.

    Returns:
      The sound, and whether each sample is within the utterance.
    """
    start, stop = voiced_part(clip)
    spoken, total = at_level(clip[start:stop], LEVEL), round(seconds * RATE)
    at = int(rng.integers(0, total - len(spoken) + 1))
    sound = (pink(total, rng) * LEVEL * decibels(noise_db)).astype(np.float32)
    sound[at : at + len(spoken)] += spoken
    inside = np.zeros(total, bool)
    inside[at : at + len(spoken)] = True
    return sound, inside


def complex_tone(
    f0: float, rng: np.random.Generator, *, seconds: float, noise_db: float, rate: int = RATE
) -> np.ndarray:
    """Ten harmonics of f0, whose amplitudes fall as 1/k, in pink noise."""
    time, ranks = np.arange(round(seconds * rate)) / rate, np.arange(1, PARTIALS + 1)
    phases = rng.uniform(0, 2 * np.pi, PARTIALS)
    waves = np.sin(2 * np.pi * f0 * ranks[:, None] * time + phases[:, None]) / ranks[:, None]
    sound = at_level(waves.sum(axis=0), LEVEL)
    return (sound + pink(len(time), rng) * LEVEL * decibels(noise_db)).astype(np.float32)


def near_harmonics(frequencies: np.ndarray, f0: float) -> np.ndarray:
    """Whether a frequency, Hz, is within 3 % of one of the first ten harmonics."""
    rank = np.clip(np.round(frequencies / f0), 1, PARTIALS)
    return np.abs(frequencies / (rank * f0) - 1) <= WITHIN


def steady_vowel(
    clip: np.ndarray, pitch: np.ndarray, confidence: np.ndarray, *, frames: int = 8
) -> tuple[np.ndarray, float] | None:
    """The stretch of 8 frames (0.128 s) where the pitch is steadiest, and that pitch, Hz.

    None if it is voiced nowhere for so long, or the pitch moves by more than 6 % of itself.
    """
    spans = []
    for start in range(1, len(pitch) - frames):
        part = pitch[start : start + frames]
        if confidence[start : start + frames].min() > 0.5:
            spans.append((part.max() / part.min(), start))
    if not spans or min(spans)[0] > 1 + 2 * WITHIN:
        return None
    start = min(spans)[1]
    f0 = float(np.exp(np.mean(np.log(pitch[start : start + frames]))))
    return at_level(clip[start * 256 : (start + frames) * 256], LEVEL), f0


def noisy_part(
    speech: np.ndarray, rng: np.random.Generator, *, seconds: float, noise_db: float
) -> tuple[np.ndarray, np.ndarray]:
    """Speech with white noise over a part of it; whether each sample is within that part."""
    sound, length = at_level(speech, LEVEL), round(seconds * RATE)
    at = int(rng.integers(0, len(sound) - length + 1))
    sound[at : at + length] += rng.standard_normal(length) * LEVEL * decibels(noise_db)
    inside = np.zeros(len(sound), bool)
    inside[at : at + length] = True
    return sound, inside


def two_notes(
    keys: tuple[int, int], rng: np.random.Generator, *, rate: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Two notes that die away, one after the other, in 2 s; where each sounds.

    Args:
      keys: MIDI numbers; 69 is A4.
    """
    sound, insides = pink(2 * rate, rng) * LEVEL * decibels(-30), []
    for key, start in zip(keys, (0.3, 1.1), strict=True):
        wave = complex_tone(
            440 * 2 ** ((key - 69) / 12), rng, seconds=0.6, noise_db=-np.inf, rate=rate
        )
        fade = np.exp(-3 * np.arange(len(wave)) / rate) * np.minimum(1, np.arange(len(wave)) / 200)
        at = round(start * rate)
        sound[at : at + len(wave)] += wave * fade
        insides.append(np.zeros(len(sound), bool))
        insides[-1][at : at + len(wave)] = True
    return sound.astype(np.float32), (insides[0], insides[1])


def spoken(text: str, *, rate: int, pitch: int) -> np.ndarray:
    """A text said by espeak-ng in American English, at 16 kHz.

    Args:
      rate: words per minute.
      pitch: 0 to 99.

    Raises:
      FileNotFoundError: if espeak-ng is not installed.
    """
    if shutil.which("espeak-ng") is None:
        raise FileNotFoundError("espeak-ng is not installed: apt-get install espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        told = ["-v", "en-us", "-s", str(rate), "-p", str(pitch), "-w", str(path), text]
        subprocess.run(["espeak-ng", *told], check=True, capture_output=True)
        return np.asarray(read_clip(path, RATE).samples, np.float32)
