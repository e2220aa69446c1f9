"""Figures of the rerun of arXiv 2410.07530: curves, spectrograms (its Figure 2), confusion (3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from audioxai_jax.report.curve_figures import words
from audioxai_jax.report.figures import save_figure

TITLES = {"keep": "prediction stays, %", "delete": "prediction flips, %"}
COLUMNS = {"code_faithful": "code-faithful", "fair": "fair"}


def plot_fidelity(rows: Sequence[Mapping[str, Any]], file: str | Path, *, base: str) -> None:
    """A panel per mode and column; a line per method, solid for latents, dashed for waveforms.

    Args:
      rows: rows of `experiments.akman2024.tables.make_rows`.
      file: PNG or SVG.
      base: selection of rows to draw.
    """
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    panels = figure.subplots(2, len(COLUMNS), sharex=True, sharey=True)
    rows = [row for row in rows if row["base"] == base]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    for across, (column, title) in enumerate(COLUMNS.items()):
        for axes, mode in zip(panels[:, across], TITLES, strict=True):
            for number, method in enumerate(methods):
                color = "0.5" if method == "random_control" else f"C{number}"
                for arm, style in (("latent", "-"), ("waveform", "--")):
                    wanted = (method, column, mode, arm)
                    names = ("method", "column", "mode", "arm")
                    line = [r for r in rows if tuple(r[n] for n in names) == wanted]
                    percent = {k: [100 * r[k] for r in line] for k in ("score", "low", "high")}
                    x = [100 * r["fraction"] for r in line]
                    label = f"{words(method)}, {arm}"
                    axes.plot(x, percent["score"], style, color=color, label=label, lw=1.2)
                    axes.fill_between(
                        x, percent["low"], percent["high"], color=color, alpha=0.07, lw=0
                    )
            axes.set(ylim=(0, 100), xlim=(0, 100), ylabel=TITLES[mode] if not across else "")
            axes.set_xlabel("% kept" if mode == "keep" else "% deleted")
            axes.grid(alpha=0.3)
        panels[0, across].set_title(f"{title}, replaced by {base}")
    lines, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=4, fontsize=8)
    save_figure(figure, file)


def plot_confusion(
    tables: Mapping[str, np.ndarray], labels: Sequence[str], file: str | Path, *, title: str
) -> None:
    """Predictions before (rows) and after (columns) what is most important was removed.

    Args:
      tables: counts `[K, K]` by title.
      labels: K names.
      file: PNG or SVG.
      title: title of the whole figure: what was removed.
    """
    figure = Figure(figsize=(5.2 * len(tables), 5), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(tables)))
    figure.suptitle(title, fontsize=11)
    for axes, (column, table) in zip(panels, tables.items(), strict=True):
        total = np.maximum(table.sum(axis=1, keepdims=True), 1)
        axes.imshow(table / total, cmap="Blues", vmin=0, vmax=1)
        for before, after in zip(*np.nonzero(table), strict=True):
            dark = table[before, after] / total[before, 0] > 0.5
            axes.text(
                after,
                before,
                str(table[before, after]),
                ha="center",
                va="center",
                fontsize=8,
                color="white" if dark else "black",
            )
        axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.set(xlabel="prediction after", ylabel="prediction before", title=column)
    save_figure(figure, file)


def plot_spectrograms(sounds: Mapping[str, np.ndarray], rate: int, file: str | Path) -> None:
    """A log spectrogram per sound, all on one scale: 80 dB below the first's loudest cell.

    Args:
      sounds: waveforms `[T]` by title.
      rate: Hz.
      file: PNG or SVG.
    """
    levels = {title: _spectrogram(np.asarray(sound), rate) for title, sound in sounds.items()}
    top = max(next(iter(levels.values())).max(), -100.0)
    figure = Figure(figsize=(3.2 * len(sounds), 3), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(sounds), sharey=True))
    image = None
    for axes, (title, level) in zip(panels, levels.items(), strict=True):
        seconds = len(next(iter(sounds.values()))) / rate
        image = axes.imshow(
            level.T - top,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=-80,
            vmax=0,
            extent=(0, seconds, 0, rate / 2000),
        )
        axes.set(title=title, xlabel="s")
        axes.title.set_fontsize(9)
    panels[0].set_ylabel("kHz")
    if image is not None:
        figure.colorbar(image, ax=panels, label="dB re the loudest")
    save_figure(figure, file)


def _spectrogram(samples: np.ndarray, rate: int) -> np.ndarray:
    """Levels in dB `[frames, bins]`: Hann windows of 25 ms, every 5 ms."""
    window, hop = round(0.025 * rate), round(0.005 * rate)
    padded = np.pad(samples, (window // 2, window))
    starts = np.arange(0, len(samples), hop)
    frames = padded[starts[:, None] + np.arange(window)] * np.hanning(window)
    return 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)) + 1e-6)
