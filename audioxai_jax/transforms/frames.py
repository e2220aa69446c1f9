"""Short overlapping pieces of a waveform, and how they are put together again."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Window = np.ndarray | tuple[str, int]
"""Samples `[L]`, or a name in `WINDOWS` and the width L."""

WINDOWS = {
    "rectangle": lambda n, width: np.ones(width),
    "half_sine": lambda n, width: np.sin(np.pi * (n + 0.5) / width),
    "hann": lambda n, width: 0.5 - 0.5 * np.cos(2 * np.pi * n / width),  # periodic
}
LEAST = 0.01
"""Sum of the windows over a sample, relative to the largest: below, they do not cover it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """Where the pieces of a waveform `[T]` lie.

    Attributes:
      window: `[L]`.
      hop: samples from one frame to the next.
      before: zeros in front of the waveform; frame f starts at sample f * hop - before.
      count: number of frames.
      samples: T.
    """

    window: np.ndarray
    hop: int
    before: int
    count: int
    samples: int

    def cut(self, audio: Array) -> Array:
        """The frames `[count, L]` of `[T]`, without window; zeros outside."""
        index = np.arange(self.count)[:, None] * self.hop + np.arange(self.window.size)
        after = (self.count - 1) * self.hop + self.window.size - self.before - self.samples
        padded = jnp.pad(audio, (self.before, after))
        # fused into the gather, what made the audio is computed anew for each frame: twice as slow
        return jax.lax.optimization_barrier(padded)[index]

    def add(self, frames: Array) -> Array:
        """The sum `[T]` of frames `[count, L]`, each at its place; the transpose of `cut`."""
        blocks = -(-self.window.size // self.hop)
        rows = jnp.pad(frames, ((0, 0), (0, blocks * self.hop - self.window.size)))
        rows = rows.reshape(self.count, blocks, self.hop)
        total = jnp.zeros((self.count + blocks - 1, self.hop), frames.dtype)
        for j in range(blocks):
            total = total.at[j : j + self.count].add(rows[:, j])
        return total.ravel()[self.before : self.before + self.samples]

    def cover(self) -> np.ndarray:
        """The sum of all windows over each sample, `[T]`."""
        blocks = -(-self.window.size // self.hop)
        rows = np.pad(self.window, (0, blocks * self.hop - self.window.size))
        total = np.zeros((self.count + blocks - 1, self.hop))
        for j, row in enumerate(rows.reshape(blocks, self.hop)):
            total[j : j + self.count] += row
        flat = np.pad(total.ravel(), (0, max(0, self.before + self.samples - total.size)))
        return flat[self.before : self.before + self.samples]

    def placed(self) -> np.ndarray:
        """Each frame's window at its place in the waveform, `[count, T]`."""
        end = self.before + self.samples + self.window.size
        found = np.zeros((self.count, end))
        for f, row in enumerate(found):
            row[f * self.hop : f * self.hop + self.window.size] = self.window
        return found[:, self.before : self.before + self.samples]


def place(samples: int, *, window: Window, hop: int, before: int | None = None) -> Frames:
    """Frames over a waveform of a given length, padded alike at both ends.

    Args:
      samples: T.
      window: samples `[L]`, not negative, or name and width such as `("hann", 455)`.
      hop: samples between frames, from 1 to L.
      before: zeros in front, from 0 to L - hop. By default L - hop: each sample is seen by
        the same number of frames. L // 2 are the frames of `scipy.signal.stft`, centred on
        f * hop, and (L - hop) // 2 those of `stft.magnitude_spectrogram` if L - hop is even.

    Raises:
      ValueError: if an argument is out of its range, or a sample is hardly seen by any window.
    """
    if samples < 1:
        raise ValueError(f"the waveform has {samples} samples, expected at least 1")
    window = _shape(window)
    width = window.size
    if not 1 <= hop <= width:
        raise ValueError(f"hop is {hop}, expected 1 to {width}, the window's width")
    before = width - hop if before is None else before
    if not 0 <= before <= width - hop:
        raise ValueError(
            f"before is {before}, expected 0 to {width - hop} (width - hop): more zeros make "
            "frames without any sample"
        )
    count = 1 + max(0, -(-(samples + 2 * before - width) // hop))
    frames = Frames(window, hop, before, count, samples)
    cover = frames.cover()
    if cover.min() < LEAST * cover.max():
        raise ValueError(
            f"the windows over sample {cover.argmin()} sum to {cover.min():.2g}, elsewhere to "
            f"{cover.max():.2g}: what is hardly seen cannot be put together again. Take a "
            "smaller hop, a window without zeros at its ends, or more zeros before"
        )
    return frames


def _shape(window: Window) -> np.ndarray:
    if isinstance(window, tuple):
        name, width = window
        if name not in WINDOWS:
            raise ValueError(f"no window {name!r}: there are {', '.join(WINDOWS)}")
        if width < 1:
            raise ValueError(f"the window's width is {width}, expected at least 1")
        return WINDOWS[name](np.arange(width), width)
    window = np.asarray(window, np.float64)
    usable = window.ndim == 1 and np.all(np.isfinite(window)) and np.all(window >= 0)
    if not usable or not window.any():
        raise ValueError(
            f"the window is {list(window.shape)}, expected finite samples [L], not negative "
            "and not all 0"
        )
    return window
