"""Smallest sets as a picture: median fractions per class."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from audioxai_jax.report.curve_figures import words
from audioxai_jax.report.figures import save_figure

TITLES = {"keep": "enough to keep the prediction", "delete": "deleted until it flips"}


def plot_smallest(rows: list[dict[str, Any]], file: str | Path, *, place: str) -> None:
    """Writes a figure: a panel per edit, a point per class and method with its interval.

    Args:
      rows: see `experiments.smallest_sets.search.make_rows`; what is infinite is drawn at 100 %,
        what is 0 at the left edge.
      file: PNG or SVG.
      place: selection of rows to draw, "latent" or "sound".
    """
    rows = [row for row in rows if row["place"] == place]
    labels = list(dict.fromkeys(row["label"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = Figure(figsize=(10, 1.2 + 0.42 * len(labels)), layout="constrained")
    for axes, edit in zip(figure.subplots(1, 2, sharey=True), TITLES, strict=True):
        for number, method in enumerate(methods):
            line = [r for r in rows if (r["edit"], r["method"]) == (edit, method)]
            place_of = [
                labels.index(r["label"]) + 0.18 * (number - (len(methods) - 1) / 2) for r in line
            ]
            middle, low, high = (
                np.clip([100 * r[name] for r in line], 0.02, 100)
                for name in ("median", "low", "high")
            )
            axes.errorbar(
                middle,
                place_of,
                xerr=np.fmax([middle - low, high - middle], 0),  # of one clip they are NaN
                fmt="o",
                ms=4,
                lw=1,
                color="0.55" if method == "random_control" else f"C{number}",
                label=words(method),
            )
        axes.set(title=TITLES[edit], xscale="log", xlim=(0.02, 110), xlabel="% of all")
        axes.grid(alpha=0.3)
    axes.set_yticks(range(len(labels)), [label.strip("_") for label in labels])
    axes.invert_yaxis()
    lines, names = axes.get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize=9)
    save_figure(figure, file)
