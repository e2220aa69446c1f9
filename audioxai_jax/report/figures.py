"""Figures of an explanation. Each function draws one thing on one Axes, and computes nothing.

Colours work on light and on dark paper: what stands for ink is written to SVG as
`currentColor`, and relevance is warm where it speaks for the class, cool where it speaks
against it, and clear where it is zero. Matplotlib's object interface only, no pyplot.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audioxai_jax.core.files import writing
from audioxai_jax.results import RelevanceMap, Scale, Spectrogram

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
SHARP_COLUMNS = 1500
"""Images of more columns are smoothed to what a screen can show."""
TICK_HERTZ = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)


def panel(
    height: float, *, width: float = WIDTH, left: float = LEFT, right: float = RIGHT
) -> tuple[Figure, Axes]:
    """A figure with one horizontal axis, for the functions below; lengths in inches."""
    figure = Figure(figsize=(width, height), facecolor="none")
    below, above = 0.34 / height, 0.06 / height
    axes = figure.add_axes((left, below, right - left, 1 - below - above), facecolor="none")
    return figure, axes


def waveform(
    axes: Axes,
    samples: np.ndarray,
    sample_rate: int,
    *,
    over_time: RelevanceMap | None = None,
    kept: np.ndarray | None = None,
    columns: int = 900,
) -> None:
    """A waveform `[T]` before its relevance over time.

    Args:
      over_time: relevance `[n]` over seconds, the shade.
      kept: waveform of the explanation `[T]`, drawn over the original.
      columns: of the drawing, at most.
    """
    seconds = len(samples) / sample_rate
    drawn = [samples] if kept is None else [samples, kept]
    peak = 1.08 * max(1e-4, *(float(np.abs(sound).max()) for sound in drawn))
    if over_time is not None:
        _shade(axes, over_time, (-peak, peak))
    _envelope(axes, samples, seconds, columns, color=INK, alpha=0.55, label="original")
    if kept is not None:
        _envelope(axes, kept, seconds, columns, color=WARM, alpha=0.95, label="kept")
    _frame(axes, Scale("time", "s", 0, seconds), (-peak, peak))
    axes.set_ylabel("sample")
    axes.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))


def spectrogram(
    axes: Axes, levels: Spectrogram, seconds: float, *, over_time: RelevanceMap | None = None
) -> None:
    """A log-mel spectrogram of a whole clip; above it, its relevance over time as bars."""
    bands = levels.levels.shape[1]
    axes.imshow(
        levels.levels.T,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, bands),
        cmap=SHADES,
        vmin=levels.levels.max() - 6.5,
        interpolation="antialiased",
    )
    _frame(axes, Scale("time", "s", 0, seconds), (0, bands if over_time is None else 1.4 * bands))
    _uneven_ticks(axes, Scale("frequency", "Hz", 0, bands, levels.hertz))
    if over_time is not None:
        _bars(axes, over_time, middle=1.21 * bands, most=0.17 * bands)


def relevance_image(axes: Axes, relevance: RelevanceMap, *, stop: float | None = None) -> None:
    """Relevance `[n, m]` over two scales, zero clear, scaled to its largest values.

    Args:
      stop: end of a time axis that begins at 0; the scale's own ends if None.
    """
    across, up = relevance.scales
    values = np.abs(relevance.values)
    most = float(np.quantile(values, 0.998)) or float(values.max()) or 1.0
    axes.imshow(
        relevance.values.T,
        origin="lower",
        aspect="auto",
        extent=(across.start, across.stop, up.start, up.stop),
        cmap=RELEVANCE,
        vmin=-most,
        vmax=most,
        interpolation="none" if len(values) <= SHARP_COLUMNS else "antialiased",
    )
    _frame(axes, _shown(across, stop), (up.start, up.stop))
    if up.values is not None:
        _uneven_ticks(axes, up)
    elif up.unit == "Hz":
        axes.set_ylabel("kHz")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}")
    else:
        axes.set_ylabel(f"{up.name}, {up.unit}" if up.unit else up.name)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def relevance_curve(axes: Axes, relevance: RelevanceMap, *, stop: float | None = None) -> None:
    """Relevance `[n]` over one scale as bars: for the class up, against it down.

    Args:
      stop: see `relevance_image`.
    """
    (across,) = relevance.scales
    most = float(np.abs(relevance.values).max()) or 1.0
    _bars(axes, relevance, middle=0, most=most)
    _frame(axes, _shown(across, stop), (-1.08 * most, 1.08 * most))
    axes.set_ylabel("relevance")
    axes.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2g}")


def spectra(
    axes: Axes, levels: np.ndarray, relevance: RelevanceMap, *, kept: np.ndarray | None = None
) -> None:
    """Levels over frequency before their relevance.

    Args:
      levels: of the original `[n]`, dB, over the scale of `relevance`.
      kept: of the explanation `[n]`, dB, drawn over the original.
    """
    (across,) = relevance.scales
    drawn = [(levels, INK, 0.55), *([] if kept is None else [(kept, WARM, 0.95)])]
    top = max(float(level.max()) for level, *_ in drawn) + 3
    low = top - 63
    _shade(axes, relevance, (low, top))
    for level, color, alpha in drawn:
        step = (across.stop - across.start) / len(level)
        hertz = across.start + (np.arange(len(level)) + 0.5) * step
        axes.fill_between(hertz, low, np.maximum(level, low), color=color, alpha=alpha, lw=0)
    _frame(axes, across, (low, top))
    axes.set_ylabel("dB")


def save_figure(figure: Figure, file: str | Path) -> None:
    """Writes the figure as its name's suffix says; see `files`."""
    with writing(file) as stream:
        figure.savefig(stream, format=Path(file).suffix[1:] or "png", dpi=110)


def _shown(across: Scale, stop: float | None) -> Scale:
    return across if stop is None else Scale(across.name, across.unit, 0.0, stop)


def _frame(axes: Axes, across: Scale, limits: tuple[float, float]) -> None:
    """The horizontal axis and the look that all panels share."""
    axes.set_xlim(across.start, across.stop)
    axes.set_ylim(*limits)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set(color=INK, alpha=0.4, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8.5, length=2.5, width=0.5, pad=2)
    axes.yaxis.label.set(color=INK, size=8.5, alpha=0.8)
    axes.yaxis.set_label_coords(-0.045, 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
    if across.unit == "Hz":
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g} kHz")
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} {across.unit}".rstrip())


def _uneven_ticks(axes: Axes, up: Scale) -> None:
    """Ticks of a vertical axis whose rows have values of their own, such as mel bands."""
    assert up.values is not None
    rows = np.arange(len(up.values)) + 0.5
    if up.unit == "Hz":
        shown = [f for f in TICK_HERTZ if up.values[0] <= f <= up.values[-1]][-5:]
        labels, name = [f"{f / 1000:g}" for f in shown], "kHz"
    else:
        shown = up.values[:: max(1, len(rows) // 5)]
        labels, name = [f"{value:g}" for value in shown], up.unit or up.name
    axes.set_yticks(np.interp(shown, up.values, rows))
    axes.set_yticklabels(labels)
    axes.set_ylabel(name)


def _shade(axes: Axes, relevance: RelevanceMap, limits: tuple[float, float]) -> None:
    """Relevance `[n]` as a tint behind what is drawn."""
    (across,) = relevance.scales
    most = np.abs(relevance.values).max() or 1.0
    axes.imshow(
        relevance.values[None],
        aspect="auto",
        extent=(across.start, across.stop, *limits),
        cmap=RELEVANCE,
        vmin=-most,
        vmax=most,
        alpha=0.45,
        interpolation="none" if len(relevance.values) <= SHARP_COLUMNS else "antialiased",
    )


def _bars(axes: Axes, relevance: RelevanceMap, *, middle: float, most: float) -> None:
    """Relevance `[n]` as bars up and down from a line; the largest is `most` high."""
    (across,) = relevance.scales
    height = relevance.values / (np.abs(relevance.values).max() or 1.0) * most
    step = (across.stop - across.start) / len(height)
    axes.bar(
        across.start + np.arange(len(height)) * step,
        height,
        bottom=middle,
        width=0.86 * step,
        align="edge",
        color=np.where(height > 0, WARM, COOL),
    )
    axes.axhline(middle, color=INK, lw=0.5, alpha=0.4)


def _envelope(
    axes: Axes, samples: np.ndarray, seconds: float, columns: int, *, color, alpha, label
) -> None:
    """Lowest and highest sample of each of at most `columns` spans."""
    columns = min(columns, len(samples))
    edges = np.linspace(0, len(samples), columns, endpoint=False).astype(int)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    time = (edges + 0.5 * len(samples) / columns) / len(samples) * seconds
    axes.fill_between(time, low, high, color=color, alpha=alpha, lw=0.6, label=label)
