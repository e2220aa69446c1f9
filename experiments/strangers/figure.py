"""The trade-off as one picture: retention over the fraction of units, kept and deleted."""

from pathlib import Path

from matplotlib.figure import Figure

from audioxai_jax.perturbation.edit import EDITS
from audioxai_jax.report.figures import save_figure
from experiments.strangers.asked import FLOOR, floor_name
from experiments.strangers.markdown import NAMES
from experiments.strangers.protocol import MAGNITUDE, RANDOM
from experiments.strangers.table import STRANGER, Rows

STYLES = {MAGNITUDE: "--", RANDOM: ":"}


def draw(rows: Rows, file: str | Path) -> None:
    """Writes the figure: a row of panels for each task, one for each edit.

    Args:
      rows: see `table.make_rows`.
      file: PNG or SVG.
    """
    heard = [row for row in rows if row["judge"] == STRANGER and "edit" in row]
    floors = list(dict.fromkeys(row["floor"] for row in heard))
    floor = floor_name(FLOOR) if floor_name(FLOOR) in floors else floors[-1]
    heard = [row for row in heard if row["floor"] == floor]
    tasks = list(dict.fromkeys(row["task"] for row in heard))
    rankings = list(dict.fromkeys(row["ranking"] for row in heard))
    figure = Figure(figsize=(9, 3.2 * len(tasks) + 0.6), layout="constrained")
    panels = figure.subplots(len(tasks), 2, sharey=True, squeeze=False)
    for axes_of_task, task in zip(panels, tasks, strict=True):
        for axes, edit in zip(axes_of_task, EDITS, strict=True):
            for number, ranking in enumerate(rankings):
                fits = (task, edit, ranking)
                line = [row for row in heard if (row["task"], row["edit"], row["ranking"]) == fits]
                _curve(axes, line, f"C{number}", STYLES.get(ranking, "-"), ranking)
            axes.set(title=f"{task}: {edit}, floor {floor}", xlabel=f"% of units, {edit}")
            axes.set(ylabel="retention, % of codec only", ylim=(0, 110))
            axes.title.set_fontsize(9)
            axes.grid(alpha=0.3)
    lines, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=5, fontsize=9)
    save_figure(figure, file)


def _curve(axes, rows: Rows, colour: str, style: str, ranking: str) -> None:
    rows = sorted(rows, key=lambda row: row["fraction"])
    kept = [row["retention"] for row in rows]
    if not rows or any(entry["mean"] is None for entry in kept):
        return
    who = "speakers_" if "speakers_low" in kept[0] else ""
    places = [100 * row["fraction"] for row in rows]
    low, high = ([100 * entry[f"{who}{end}"] for entry in kept] for end in ("low", "high"))
    heights = [100 * entry["mean"] for entry in kept]
    axes.plot(places, heights, style, color=colour, label=NAMES.get(ranking, ranking), marker=".")
    axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
