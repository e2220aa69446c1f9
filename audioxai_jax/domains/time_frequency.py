"""The cells of a short-time Fourier transform, phases included."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, whole
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import (
    PARTS,
    as_complex,
    as_pairs,
    check_shape,
    frame_middles,
    labels,
    pair_size,
)
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.transforms import istft
from audioxai_jax.transforms.frames import place


def time_frequency(
    sample_rate: int,
    *,
    window: tuple[str, int] = ("hann", 512),
    hop: int = 128,
    before: int | None = None,
) -> Domain:
    """The short-time Fourier transform of a clip as pairs `[F, L // 2 + 1, 2]`.

    X_fk = sum_n w_n x_(f hop - before + n) exp(-2 pi i k n / L), without a scale. The inverse is
    that of D. Griffin, J. Lim, IEEE Transactions on Acoustics, Speech, and Signal Processing,
    1984, equation 6: exact, and of edited cells the sound whose transform is nearest.

    Where windows overlap, a deleted cell is not quite empty when the sound is analysed again:
    its neighbours share a part of what it held. A rectangle with a hop of its own width has no
    such neighbours.

    Args:
      sample_rate: Hz.
      window: name, in `transforms.frames.WINDOWS`, and width L in samples.
      hop: samples from one frame to the next.
      before: zeros in front of the clip, see `transforms.frames.place`.

    Units are a "cell" (the default: both parts of a pair), a "frame" and a "frequency".

    Raises:
      ValueError: for frames that leave samples out.
    """
    window = (window[0], whole(window[1], "the window's width"))
    place(2 * window[1], window=window, hop=hop, before=before)
    return TimeFrequency(whole(sample_rate, "sample_rate"), window, whole(hop, "hop"), before)


@record(static=("sample_rate", "window", "hop", "before"))
class TimeFrequency:
    """See `time_frequency`."""

    sample_rate: int
    window: tuple[str, int]
    hop: int
    before: int | None
    name = "time_frequency"
    exact = True
    linear = True

    def analyse(self, audio: Array) -> Array:
        frames = {"window": self.window, "hop": self.hop, "before": self.before}
        return as_pairs(istft.analyse(as_audio(audio), **frames))

    def synthesise(self, features: Array, audio: Array) -> Array:
        samples = audio.shape[0]
        frames = {"window": self.window, "hop": self.hop, "before": self.before}
        bins = self.window[1] // 2 + 1
        check_shape(features, (place(samples, **frames).count, bins, 2), self.name, samples)
        return istft.synthesise(as_complex(features), samples, **frames).astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return pair_size(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        frames, bins, _ = shape
        return {
            "cell": labels(frames, bins, 1),
            "frame": labels(frames, 1, 1),
            "frequency": labels(1, bins, 1),
        }

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        frames, bins, _ = shape
        width = self.window[1]
        before = width - self.hop if self.before is None else self.before
        times = frame_middles(frames, self.hop, width / 2 - before, self.sample_rate)
        frequency = Axis("frequency", "Hz", np.arange(bins) * self.sample_rate / width)
        return times, frequency, PARTS
