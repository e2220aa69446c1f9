"""The trapezoidal rule."""

import numpy as np


def trapezoid_weights(points: np.ndarray) -> np.ndarray:
    """Weights `[M]` whose sum over a curve is its mean height between the first and last point.

    Args:
      points: `[M]`, two or more of them, rising.
    """
    width = np.diff(points)
    weight = np.zeros(len(points))
    weight[:-1] += width / 2
    weight[1:] += width / 2
    return weight / (points[-1] - points[0])
