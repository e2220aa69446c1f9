"""Triangular bands on the two mel scales that published models use beside the HTK one."""

import functools

import numpy as np

KALDI_LOWEST_HZ, WHISPER_HIGHEST_HZ = 20.0, 8000.0
BREAK_HZ, LINEAR_HZ, STEP = 1000.0, 200 / 3, np.log(6.4) / 27


@functools.lru_cache(maxsize=8)
def kaldi_bank(sample_rate: int, bins: int, bands: int) -> np.ndarray:
    """Triangles `[bins, bands]` of height 1, straight on the scale 1127 ln(1 + f / 700) itself.

    From 20 Hz to half the sample rate; bins are those of a real DFT.
    """
    mel = lambda f: 1127 * np.log(1 + np.asarray(f) / 700)
    feet = np.linspace(mel(KALDI_LOWEST_HZ), mel(sample_rate // 2), bands + 2)
    return _triangles(mel(np.arange(bins) * sample_rate / (2 * (bins - 1))), feet)


@functools.lru_cache(maxsize=8)
def slaney_bank(sample_rate: int, bins: int, bands: int) -> np.ndarray:
    """Triangles `[bins, bands]` of area 1 over frequency, 0 to 8 kHz.

    The scale is linear below 1 kHz and logarithmic above: M. Slaney, "Auditory Toolbox", 1998.
    """
    feet = _to_hertz(np.linspace(0, _slaney(WHISPER_HIGHEST_HZ), bands + 2))
    frequencies = np.linspace(0, sample_rate // 2, bins)
    return _triangles(frequencies, feet) * (2 / (feet[2:] - feet[:-2]))


def _slaney(frequency: float) -> float:
    if frequency < BREAK_HZ:
        return frequency / LINEAR_HZ
    return BREAK_HZ / LINEAR_HZ + np.log(frequency / BREAK_HZ) / STEP


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    at = BREAK_HZ / LINEAR_HZ
    return np.where(mel < at, mel * LINEAR_HZ, BREAK_HZ * np.exp(STEP * (mel - at)))


def _triangles(places: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """Weights of places in triangles between every second foot."""
    low, middle, high = feet[:-2], feet[1:-1], feet[2:]
    at = places[:, None]
    return np.maximum(0, np.minimum((at - low) / (middle - low), (high - at) / (high - middle)))
