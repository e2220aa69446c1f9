"""Mel bands as librosa has them by default: M. Slaney's scale, triangles of equal area.

M. Slaney, "Auditory Toolbox, Version 2", Interval Research Corporation, 1998: linear below
1 kHz, 200/3 Hz a mel, and logarithmic above, 27 mel for each factor of 6.4.
"""

import numpy as np

LINEAR = 200 / 3
"""Hz a mel below `CORNER`."""
CORNER = 1000.0
STEP = np.log(6.4) / 27
"""Logarithm of the frequency's ratio, a mel, above `CORNER`."""


def slaney_bands(
    sample_rate: int, window: int, bands: int, *, lowest: float = 0.0, highest: float | None = None
) -> np.ndarray:
    """Triangular bands, evenly spaced on Slaney's mel scale, each of area 1 over frequency in Hz.

    `librosa.filters.mel` with its defaults, transposed.

    Args:
      sample_rate: Hz.
      window: samples of the transform.
      bands: how many.
      lowest, highest: outer feet of the first and the last triangle, Hz; None: half the rate.

    Returns:
      Weights `[window // 2 + 1, bands]`, float64.
    """
    top = sample_rate / 2 if highest is None else highest
    feet = _hertz(np.linspace(_mel(lowest), _mel(top), bands + 2))
    low, middle, high = feet[:-2], feet[1:-1], feet[2:]
    f = np.arange(window // 2 + 1)[:, None] * sample_rate / window
    triangles = np.maximum(0, np.minimum((f - low) / (middle - low), (high - f) / (high - middle)))
    return triangles * 2 / (high - low)


def _mel(hertz: float) -> float:
    if hertz < CORNER:
        return hertz / LINEAR
    return CORNER / LINEAR + float(np.log(hertz / CORNER)) / STEP


def _hertz(mel: np.ndarray) -> np.ndarray:
    above = mel - CORNER / LINEAR
    return np.where(above < 0, mel * LINEAR, CORNER * np.exp(STEP * np.maximum(above, 0)))
