"""Figures of an explanation. Each function draws one thing on one Axes.

Colours work on light and on dark paper: what stands for ink is written to SVG as
`currentColor`, and relevance is warm where it speaks for the class, cool where it speaks
against it, and clear where it is zero. Matplotlib's object interface only, no pyplot.
"""

import io
import re
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audioxai_jax.core.checks import as_samples
from audioxai_jax.core.files import writing
from audioxai_jax.transforms.mel import mel_bands

INK = "#010203"
WARM = "#d9541e"
COOL = "#2b76ba"
RELEVANCE = LinearSegmentedColormap.from_list(
    "relevance", [(0, COOL), (0.5, f"{COOL}00"), (0.5, f"{WARM}00"), (1, WARM)]
)
"""Diverging and clear at zero."""
SHADES = LinearSegmentedColormap.from_list("shades", [(0, 0, 0, 0), (0, 0, 0, 0.85)])
WIDTH, LEFT, RIGHT = 9.6, 0.065, 0.98
"""Inches, and the time axis' ends as fractions of that: one moment is at one place in all."""


def panel(
    height: float, *, width: float = WIDTH, left: float = LEFT, right: float = RIGHT
) -> tuple[Figure, Axes]:
    """A figure with one time axis, for the functions below; `height` and `width` in inches."""
    figure = Figure(figsize=(width, height), facecolor="none")
    below, above = 0.34 / height, 0.06 / height
    axes = figure.add_axes((left, below, right - left, 1 - below - above), facecolor="none")
    return figure, axes


def waveform(
    axes: Axes,
    samples: np.ndarray,
    sample_rate: int,
    *,
    relevance: np.ndarray,
    frame_seconds: float,
    kept: np.ndarray | None = None,
    columns: int = 900,
) -> None:
    """A waveform `[T]` before its relevance over time.

    Args:
      relevance: `[F, C]`; its sum over channels is the shade of each frame.
      frame_seconds: length of a frame.
      kept: waveform of the explanation `[T]`, drawn over the original.
      columns: of the drawing, at most.
    """
    samples = as_samples(samples, "samples")
    seconds = len(samples) / sample_rate
    peak = (
        max(*(np.abs(drawn).max() for drawn in (samples, kept) if drawn is not None), 1e-4) * 1.08
    )
    _shade(axes, relevance, frame_seconds, (-peak, peak), alpha=0.45)
    _envelope(axes, samples, seconds, columns, color=INK, alpha=0.55, label="original")
    if kept is not None:
        _envelope(axes, kept, seconds, columns, color=WARM, alpha=0.95, label="kept")
    _frame(axes, seconds, (-peak, peak))
    axes.set_ylabel("amplitude")
    axes.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))


def mel_spectrogram(
    axes: Axes,
    samples: np.ndarray,
    sample_rate: int,
    *,
    relevance: np.ndarray,
    frame_seconds: float,
) -> None:
    """A log-mel spectrogram of a waveform `[T]`; above it, its relevance over time as bars."""
    samples = as_samples(samples, "samples")
    seconds = len(samples) / sample_rate
    levels, centres = _log_mel(samples, sample_rate)
    bands = levels.shape[1]
    axes.imshow(
        levels.T,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, bands),
        cmap=SHADES,
        vmin=levels.max() - 6.5,
        interpolation="antialiased",
    )
    _frame(axes, seconds, (0, 1.4 * bands))
    wanted = [f for f in (500, 1000, 2000, 4000, 8000) if f <= centres[-1]]
    axes.set_yticks(np.interp(wanted, centres, np.arange(bands) + 0.5))
    axes.set_yticklabels([f"{f / 1000:g}" for f in wanted])
    axes.set_ylabel("kHz")
    over_time = relevance.sum(axis=1)
    height = over_time / (np.abs(over_time).max() or 1.0) * 0.17 * bands
    axes.bar(
        np.arange(len(height)) * frame_seconds,
        height,
        bottom=1.21 * bands,
        width=0.86 * frame_seconds,
        align="edge",
        color=np.where(height > 0, WARM, COOL),
    )
    axes.axhline(1.21 * bands, color=INK, lw=0.5, alpha=0.4)


def latent_map(
    axes: Axes, relevance: np.ndarray, *, frame_seconds: float, seconds: float | None = None
) -> None:
    """Relevance of each latent feature `[F, C]`, zero clear, scaled to its largest values.

    Args:
      seconds: end of the time axis; that of the latent if None.
    """
    frames, channels = relevance.shape
    most = float(np.quantile(np.abs(relevance), 0.998)) or float(np.abs(relevance).max()) or 1.0
    axes.imshow(
        relevance.T,
        origin="lower",
        aspect="auto",
        extent=(0, frames * frame_seconds, 0, channels),
        cmap=RELEVANCE,
        vmin=-most,
        vmax=most,
        interpolation="none" if frames <= 1500 else "antialiased",
    )
    _frame(axes, frames * frame_seconds if seconds is None else seconds, (0, channels))
    axes.set_ylabel("latent channel")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def spectrum(
    axes: Axes,
    samples: np.ndarray,
    sample_rate: int,
    *,
    relevance: np.ndarray,
    highest: float,
    kept: np.ndarray | None = None,
    columns: int = 150,
) -> None:
    """The spectrum of a waveform `[T]`, dB, before its relevance over frequency.

    Args:
      relevance: of `[K]` frequencies from 0 to the highest, its sum over each column the shade.
      highest: end of the axis, Hz.
      kept: waveform of what was kept `[T]`, drawn over the original.
      columns: of the drawing; power is summed in each.
    """
    samples = as_samples(samples, "samples")
    shades = pooled(relevance, columns)
    drawn = [(samples, INK, 0.55), *([] if kept is None else [(kept, WARM, 0.95)])]
    levels = []
    for sound, _, _ in drawn:
        bins = max(1, round(len(sound) * highest / sample_rate))
        power = np.abs(np.fft.rfft(sound)[:bins].astype(np.complex128)) ** 2
        levels.append(10 * np.log10(pooled(power, columns) + 1e-12))
    top = max(float(level.max()) for level in levels) + 3
    low = top - 63
    _shade(axes, shades[:, None], highest / len(shades), (low, top), alpha=0.45)
    for level, (_, color, alpha) in zip(levels, drawn, strict=True):
        place = (np.arange(len(level)) + 0.5) * highest / len(level)
        axes.fill_between(place, low, np.maximum(level, low), color=color, alpha=alpha, lw=0)
    _frame(axes, highest, (low, top))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g} kHz")
    axes.set_ylabel("dB")


def pooled(values: np.ndarray, columns: int) -> np.ndarray:
    """Sums of `[n]` values over at most so many spans."""
    return np.add.reduceat(values, _starts(len(values), columns))


def _starts(length: int, columns: int) -> np.ndarray:
    """Where each of at most so many columns begins."""
    return np.linspace(0, length, min(columns, length), endpoint=False).astype(int)


def save_figure(figure: Figure, file: str | Path) -> None:
    """Writes the figure as its name's suffix says; see `files`."""
    with writing(file) as stream:
        figure.savefig(stream, format=Path(file).suffix[1:] or "png", dpi=110)


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element for a page: no fixed size, no fonts of its own, ink in
    the page's colour, and ids that begin with `name`."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=144, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'height="[\d.]+pt" ?|width="[\d.]+pt" ?', "", text, count=2)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    text = re.sub(r"font: [^;\"]*?'[^\"]*?;", "", text)
    return text.replace(INK, "currentColor")


def _frame(axes: Axes, seconds: float, limits: tuple[float, float]) -> None:
    axes.set_xlim(0, seconds)
    axes.set_ylim(*limits)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set(color=INK, alpha=0.4, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8.5, length=2.5, width=0.5, pad=2)
    axes.yaxis.label.set(color=INK, size=8.5, alpha=0.8)
    axes.yaxis.set_label_coords(-0.045, 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} s")


def _shade(axes: Axes, relevance, frame_seconds: float, limits, *, alpha: float) -> None:
    over_time = relevance.sum(axis=1)
    most = np.abs(over_time).max() or 1.0
    axes.imshow(
        over_time[None],
        aspect="auto",
        extent=(0, len(over_time) * frame_seconds, *limits),
        cmap=RELEVANCE,
        vmin=-most,
        vmax=most,
        alpha=alpha,
        interpolation="none" if len(over_time) <= 1500 else "antialiased",
    )


def _envelope(
    axes: Axes, samples: np.ndarray, seconds: float, columns: int, *, color, alpha, label
) -> None:
    """Lowest and highest sample of each of so many spans."""
    columns = min(columns, len(samples))
    edges = _starts(len(samples), columns)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    time = (edges + 0.5 * len(samples) / columns) / len(samples) * seconds
    axes.fill_between(time, low, high, color=color, alpha=alpha, lw=0.6, label=label)


def _log_mel(samples: np.ndarray, sample_rate: int, bands: int = 64):
    """Log-mel levels `[frames, bands]`, at most about 1,500 frames, and the bands' centres, Hz."""
    window = 512
    hop = max(128, len(samples) // 1500)
    frames = -(-len(samples) // hop)
    padded = np.pad(samples, (window // 2, window + hop))
    index = np.arange(frames)[:, None] * hop + hop // 2 + np.arange(window)
    magnitude = np.abs(np.fft.rfft(padded[index] * np.hanning(window), axis=1))
    bins = np.arange(window // 2 + 1) * sample_rate / window
    weights = mel_bands(bins, bands, highest=sample_rate / 2)
    return np.log(magnitude @ weights + 1e-3), (bins @ weights) / np.maximum(weights.sum(0), 1e-9)
