"""Spectrograms that models read: mel or linear cells in dB, without phase.

On the way back, the clip lends the phase: the level of each cell of its own short-time
Fourier transform changes as its feature did, and unchanged cells stay as they are.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import check_shape, frame_middles, labels
from audioxai_jax.domains.levels import Level, decibels
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.transforms import istft
from audioxai_jax.transforms.frames import place
from audioxai_jax.transforms.mel import mel_bands, mel_centres
from audioxai_jax.transforms.stft import safe_magnitude

Cut = tuple[tuple[int, int], tuple[int, int]]


def cells(
    sample_rate: int,
    *,
    window: tuple[str, int] = ("hann", 512),
    hop: int = 128,
    before: int | None = None,
    bands: int | None = 64,
    lowest: float = 20.0,
    highest: float | None = None,
    level: Level | None = None,
    cut: Cut = ((0, 0), (0, 0)),
    frequency_first: bool = False,
) -> Domain:
    """The levels of a spectrogram, `[F, B]`, or `[B, F]`.

    A cell sounds as in the clip, times g = (a(z) + e) / (a(z_0) + e): z is its feature, z_0 what
    the clip has there, a the magnitude above the floor's, e a hundredth of the floor's. So all
    features unchanged give the clip, and a cell at the floor keeps at most about the floor. A bin
    of the transform follows the bands that hear it, in proportion; a bin or frame that no band
    hears, or that is cut off, follows the nearest that is heard. Louder features than the clip's
    amplify what the clip has there: of a cell without any sound they make none.

    Args:
      sample_rate: Hz.
      window, hop, before: window and hop and before of the transform, see
        `transforms.frames.place`.
      bands: mel bands of `transforms.mel.mel_bands`; None for the transform's own bins.
      lowest, highest: outer feet of the bands, Hz; half the sample rate by default.
      level: level of magnitudes, see `domains.levels`; `decibels()` by default.
      cut: frames cut off at the beginning and at the end, and bins below and above.
      frequency_first: `[B, F]`.

    Units are each "cell" (the default), each "frame" and each "frequency".

    Raises:
      ValueError: for frames that leave samples out, or none that is left.
    """
    window = (window[0], whole(window[1], "the window's width"))
    place(2 * window[1], window=window, hop=hop, before=before)
    if bands is None:
        highest = None
    elif highest is None:
        highest = sample_rate / 2
    bands = None if bands is None else whole(bands, "bands")
    rate, hop, level = whole(sample_rate, "sample_rate"), whole(hop, "hop"), level or decibels()
    return Cells(rate, window, hop, before, bands, lowest, highest, level, cut, frequency_first)


@record(
    static=(
        "sample_rate",
        "window",
        "step",
        "before",
        "bands",
        "lowest",
        "highest",
        "level",
        "cut",
        "frequency_first",
    )
)
class Cells:
    """See `cells`; `step` is the hop of its frames."""

    sample_rate: int
    window: tuple[str, int]
    step: int
    before: int | None
    bands: int | None
    lowest: float
    highest: float | None
    level: Level
    cut: Cut
    frequency_first: bool
    name = "cells"
    exact = True
    linear = False

    @property
    def hop(self) -> int:
        return 1 if self.frequency_first else self.step

    def analyse(self, audio: Array) -> Array:
        return self._features(self._transform(as_audio(audio)))

    def synthesise(self, features: Array, audio: Array) -> Array:
        transform = self._transform(audio)
        own = self._features(transform)
        check_shape(features, own.shape, self.name, audio.shape[0])
        gains = (self._above(features) + self.level.rest) / (self._above(own) + self.level.rest)
        gains = gains.T if self.frequency_first else gains
        if self.bands is not None:
            gains = gains @ jnp.asarray(self._shares().T, gains.dtype)
        gains = jnp.pad(gains, self.cut, mode="edge")
        sound = istft.synthesise(transform * gains, audio.shape[0], **self._frames)
        return sound.astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.full_like(features, self.level.floor)

    def size(self, features: Array) -> Array:
        return features - self.level.floor

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        rows, columns = labels(shape[0], 1), labels(1, shape[1])
        frames, bins = (columns, rows) if self.frequency_first else (rows, columns)
        return {"cell": labels(*shape), "frame": frames, "frequency": bins}

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        width, frames = self.window[1], shape[1 if self.frequency_first else 0]
        before = width - self.step if self.before is None else self.before
        first = width / 2 - before + self.cut[0][0] * self.step
        times = frame_middles(frames, self.step, first, self.sample_rate)
        pair = times, Axis("frequency", "Hz", self._centres())
        return pair[::-1] if self.frequency_first else pair

    @property
    def _frames(self) -> dict:
        return {"window": self.window, "hop": self.step, "before": self.before}

    def _transform(self, audio: Array) -> Array:
        return istft.analyse(audio, **self._frames)

    def _features(self, transform: Array) -> Array:
        (early, late), (low, high) = self.cut
        frames, bins = transform.shape
        if early + late >= frames:
            raise ValueError(
                f"domain cells: {early} + {late} frames are cut off, and the clip has {frames}: "
                "give a longer clip"
            )
        magnitudes = safe_magnitude(transform[early : frames - late, low : bins - high])
        if self.bands is not None:
            magnitudes = magnitudes @ jnp.asarray(self._weights(), magnitudes.dtype)
        levels = self.level.values(magnitudes)
        return levels.T if self.frequency_first else levels

    def _above(self, features: Array) -> Array:
        """Not below 0; the slope at the floor is that above it."""
        above = self.level.above(features)
        return jnp.where(above >= 0, above, 0.0)

    def _bins(self) -> np.ndarray:
        """Frequencies of the transform's bins that are not cut off, Hz."""
        (low, high), width = self.cut[1], self.window[1]
        return np.arange(low, width // 2 + 1 - high) * self.sample_rate / width

    def _weights(self) -> np.ndarray:
        """Of the mel bands, `[K, B]`."""
        feet = {"lowest": self.lowest, "highest": self.highest}
        return mel_bands(self._bins(), self.bands, **feet)  # type: ignore[arg-type]

    def _shares(self) -> np.ndarray:
        """How much each bin follows each band, `[K, B]`; rows sum to 1."""
        weights = self._weights()
        total = weights.sum(axis=1, keepdims=True)
        distance = np.abs(self._bins()[:, None] - self._centres())
        nearest = np.eye(self.bands)[np.argmin(distance, axis=1)]  # type: ignore[arg-type]
        return np.where(total > 0, weights / np.where(total > 0, total, 1), nearest)

    def _centres(self) -> np.ndarray:
        if self.bands is None:
            return self._bins()
        return mel_centres(self.bands, lowest=self.lowest, highest=self.highest or 0.0)
