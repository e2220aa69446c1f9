"""What the figures of an explanation show, computed from features of any domain."""

from collections.abc import Sequence

import numpy as np

from audioxai_jax.domains.protocol import Axis
from audioxai_jax.results import Drawing, RelevanceMap, Scale, Spectrogram
from audioxai_jax.transforms.mel import mel_bands

MAX_BARS, MAX_COLUMNS = 400, 1500
"""Values along the first axis of a curve and of an image, at most; neighbours are summed."""
MEL_BANDS, MEL_WINDOW = 64, 512
PAIR = "part"
"""Name of the axis of real and imaginary parts, which are summed."""
EVEN = 1e-6
"""Steps of an axis that differ by less, relatively, are one step."""


def draw_explanation(
    sounds: dict[str, np.ndarray],
    sample_rate: int,
    relevance: np.ndarray,
    axes: Sequence[Axis],
) -> Drawing:
    """What the figures of one clip show.

    Args:
      sounds: "original" and "explanation" `[T]`.
      sample_rate: rate of both, Hz.
      relevance: relevance of the features of the clip, or of the clip and zeros after it.
      axes: axes of the features, see `domains.Domain.axes`.
    """
    original, kept = sounds["original"], sounds["explanation"]
    whole = relevance_map(relevance, axes, seconds=len(original) / sample_rate)
    over_time = spectra = None
    if whole.scales[0].unit == "s":
        summed = whole.values.reshape(len(whole.values), -1).sum(axis=1)
        over_time = pool(RelevanceMap(summed, whole.scales[:1]), MAX_BARS)
    drawn = pool(whole, MAX_BARS if whole.values.ndim == 1 else MAX_COLUMNS)
    if [scale.unit for scale in drawn.scales] == ["Hz"]:
        scale, columns = drawn.scales[0], len(drawn.values)
        spectra = tuple(band_levels(s, sample_rate, scale, columns) for s in (original, kept))
    return Drawing(
        sample_rate=sample_rate,
        original=original,
        kept=kept,
        spectrogram=mel_spectrogram(original, sample_rate),
        relevance=drawn,
        over_time=over_time,
        spectra=spectra,  # type: ignore[arg-type]
    )


def relevance_map(
    relevance: np.ndarray, axes: Sequence[Axis], *, seconds: float | None = None
) -> RelevanceMap:
    """Relevance over one or two scales, `[n]` or `[n, m]`: complex pairs and further axes summed.

    A time axis comes first.

    Args:
      axes: axes of the features.
      seconds: length of the clip; what lies behind it on a time axis is left out.
    """
    kept = [number for number, axis in enumerate(axes) if axis.name != PAIR][:2]
    others = tuple(number for number in range(relevance.ndim) if number not in kept)
    values = relevance.sum(axis=others) if others else relevance
    if len(kept) == 2 and axes[kept[1]].unit == "s":
        kept, values = kept[::-1], values.T
    scales = tuple(_scale(axes[number], seconds or 1.0) for number in kept)
    if seconds is not None and scales[0].unit == "s":
        first = scales[0]
        step = (first.stop - first.start) / len(values)
        count = int(np.clip(np.ceil(round((seconds - first.start) / step, 6)), 1, len(values)))
        stop = first.start + count * step
        values = values[:count]
        scales = Scale(first.name, first.unit, first.start, stop), *scales[1:]
    return RelevanceMap(values, scales)


def pool(relevance: RelevanceMap, columns: int) -> RelevanceMap:
    """The same with at most `columns` values along the first axis: sums of equal spans."""
    values, first = relevance.values, relevance.scales[0]
    count = len(values)
    span = -(-count // columns)
    if span == 1:
        return relevance
    sums = np.add.reduceat(values, np.arange(0, count, span), axis=0)
    step = (first.stop - first.start) / count
    stop = first.start + len(sums) * span * step
    rows = None if first.values is None else first.values[::span]
    scale = Scale(first.name, first.unit, first.start, stop, rows)
    return RelevanceMap(sums, (scale, *relevance.scales[1:]))


def band_levels(samples: np.ndarray, sample_rate: int, scale: Scale, columns: int) -> np.ndarray:
    """Levels of a waveform `[T]` in equal bands of a scale in Hz, `[columns]`, dB."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    hertz = np.arange(len(power)) * sample_rate / len(samples)
    edges = np.linspace(scale.start, scale.stop, columns + 1)
    summed, _ = np.histogram(hertz, edges, weights=power)
    count, _ = np.histogram(hertz, edges)
    mean = summed / np.maximum(count, 1)
    filled = np.interp(np.arange(columns), np.flatnonzero(count), mean[count > 0])
    return 10 * np.log10(filled + 1e-12)


def mel_spectrogram(samples: np.ndarray, sample_rate: int) -> Spectrogram:
    """Log-mel levels `[frames, bands]` of a waveform `[T]`, at most about 1,500 frames."""
    hop = max(128, len(samples) // MAX_COLUMNS)
    frames = -(-len(samples) // hop)
    padded = np.pad(samples, (MEL_WINDOW // 2, MEL_WINDOW + hop))
    index = np.arange(frames)[:, None] * hop + hop // 2 + np.arange(MEL_WINDOW)
    magnitude = np.abs(np.fft.rfft(padded[index] * np.hanning(MEL_WINDOW), axis=1))
    hertz = np.arange(MEL_WINDOW // 2 + 1) * sample_rate / MEL_WINDOW
    weights = mel_bands(hertz, MEL_BANDS, highest=sample_rate / 2)
    centres = (hertz @ weights) / np.maximum(weights.sum(0), 1e-9)
    return Spectrogram(np.log(magnitude @ weights + 1e-3), centres)


def _scale(axis: Axis, seconds: float) -> Scale:
    """The scale of an axis: from half a step before its first value to half a step after its last.

    Uneven axes are drawn row by row; a single moment is as long as the clip.
    """
    values, count = np.asarray(axis.values, float), len(axis.values)
    steps = np.diff(values)
    if count == 1:
        start, stop = (0.0, seconds) if axis.unit == "s" else (values[0] - 0.5, values[0] + 0.5)
        return Scale(axis.name, axis.unit, float(start), float(stop))
    if np.abs(steps - steps.mean()).max() > EVEN * abs(values[-1] - values[0]):
        return Scale(axis.name, axis.unit, 0.0, float(count), values)
    half = steps.mean() / 2
    return Scale(axis.name, axis.unit, float(values[0] - half), float(values[-1] + half))
