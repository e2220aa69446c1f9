"""Curves of all domains as one picture: a panel for each model, judge and edit."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from audioxai_jax.report.figures import save_figure
from experiments.domains.protocol import EDITS, RANDOM

METHOD = "integrated_gradients"
JUDGES = ("model", "listener")
WORDS = {"keep": "stays, % of clips", "delete": "flips, % of clips"}


def draw(rows: list[dict[str, Any]], file: str | Path) -> None:
    """Writes the figure: a line for each domain; units at random are dotted.

    Args:
      rows: see `table.make_rows`.
      file: PNG or SVG.
    """
    curves = [row for row in rows if row.get("ranking") in (METHOD, RANDOM) and "edit" in row]
    models = list(dict.fromkeys(row["model"] for row in curves))
    domains = list(dict.fromkeys(row["domain"] for row in curves))
    figure = Figure(figsize=(12, 3 * len(models) + 1), layout="constrained")
    panels = figure.subplots(len(models), 4, sharex=True, sharey=True, squeeze=False)
    for line, model in zip(panels, models, strict=True):
        places = [(judge, edit) for judge in JUDGES for edit in EDITS]
        for axes, (judge, edit) in zip(line, places, strict=True):
            for row in curves:
                if (row["model"], row["judge"], row["edit"]) != (model, judge, edit):
                    continue
                style = {"color": f"C{domains.index(row['domain'])}"}
                if row["ranking"] == RANDOM:
                    style |= {"linestyle": ":", "linewidth": 0.9}
                else:
                    style["label"] = row["domain"].replace("_", " ")
                axes.plot(
                    [100 * f for f in row["fractions"]], [100 * m for m in row["mean"]], **style
                )
            axes.set(ylim=(0, 100), title=f"{model}: {edit}, {judge} hears", ylabel=WORDS[edit])
            axes.title.set_fontsize(9)
            axes.grid(alpha=0.3)
        line[0].set_xticks([5, 10, 20, 50])
    for axes, edit in zip(panels[-1], EDITS * 2, strict=True):
        axes.set_xlabel(f"% of units: {edit}")
    lines, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=5, fontsize=9)
    save_figure(figure, file)
