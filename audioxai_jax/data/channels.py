"""One channel of several: their mean, or one of them; and whether the mean lost the sound."""

import math
from pathlib import Path

import numpy as np

from audioxai_jax.data.formats.layout import channels_text
from audioxai_jax.data.sound_files import AudioError

NAMES = {"left": 1, "right": 2}
MUCH_DB, ALL_DB = 10.0, 40.0
"""Loss of the mean against its channels that is said, and that is refused."""
AUDIBLE = 1e-5
"""RMS from which there is sound to be lost; full scale is 1."""
SHARE = 0.1
"""Of the energy, which cancels for a while."""
PIECE = 1024


def channel_name(channel: str | int) -> str:
    """ "mix", "left", "right" or a number from 1 on as text; raises ValueError for others."""
    name = str(channel).strip().lower()
    number = name.isascii() and name.isdigit() and int(name[:9]) > 0
    if isinstance(channel, bool) or not (name in ("mix", *NAMES) or number):
        raise ValueError(
            f"channel {channel!r}: expected mix, left, right or the number of a channel, from 1"
        )
    return str(int(name)) if number else name


class Mixer:
    """Makes blocks of one channel, and measures what the mean of all loses.

    Energies are those of pieces of sound without their mean: a constant is not heard.
    """

    def __init__(self, path: Path, channels: int, channel: str):
        """Raises AudioError for a channel that the file does not have."""
        number = NAMES.get(channel) or (0 if channel == "mix" else int(channel))
        if number > channels and (channels, channel) != (1, "left"):
            have = channels_text(channels)
            raise AudioError(f"{path}: has {have}, there is none called {channel!r}")
        self.path, self.channels, self.number = path, channels, number
        self.count, self.all, self.mix, self.cancelled = 0, 0.0, 0.0, 0.0

    def mono(self, block: np.ndarray) -> np.ndarray:
        """One waveform, float32 `[n]`, of samples `[n, channels]`."""
        if self.number or self.channels == 1:
            return np.ascontiguousarray(block[:, max(0, self.number - 1)])
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is said
            wide = block.astype(np.float64)
            mix = wide.mean(axis=1, keepdims=True)
            single = _energies(wide).mean(axis=1)
            mixed = _energies(mix)[:, 0]
            few = single > 10 ** (MUCH_DB / 10) * self.channels / 2 * mixed
            self.count += len(block)
            self.all += float(single.sum())
            self.mix += float(mixed.sum())
            self.cancelled += float(single[few].sum())
            return mix[:, 0].astype(np.float32)

    def notes(self) -> tuple[str, ...]:
        """What must be said of the mix; raises AudioError if next to nothing is left of it."""
        if not math.isfinite(self.all) or self.all <= AUDIBLE**2 * self.count:
            return ()
        # Two channels that have nothing in common lose 3 dB, as do more of them by this count.
        lost = 10 * math.log10(2 / self.channels * self.all / max(self.mix, 1e-20 * self.all))
        if lost > ALL_DB:
            raise AudioError(
                f"{self.path}: its channels cancel, {lost:.0f} dB are lost in their mean: choose "
                "one, with --channel left"
            )
        choice = "--channel left or right explains one of them."
        if lost > MUCH_DB:
            return (f"The channels cancel in part: their mean is {lost:.0f} dB softer; {choice}",)
        if self.cancelled > SHARE * self.all:
            share = 100 * self.cancelled / self.all
            return (f"The channels cancel in {share:.0f} % of the sound; {choice}",)
        return ()


def _energies(samples: np.ndarray) -> np.ndarray:
    """Of pieces of samples `[n, c]` without their means: `[pieces, c]`."""
    starts = np.arange(0, len(samples), PIECE)
    sizes = np.diff(starts, append=len(samples))[:, None]
    sums, squares = (np.add.reduceat(x, starts) for x in (samples, np.square(samples)))
    return np.maximum(squares - np.square(sums) / sizes, 0.0)
